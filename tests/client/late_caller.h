/* SPDX-License-Identifier: MIT */
/* A library whose destructor runs after all others', as a driver's may. */
#ifndef TESTS_CLIENT_LATE_CALLER_H
#define TESTS_CLIENT_LATE_CALLER_H

/* What the destructor calls. */
__attribute__((visibility("default"))) void late_caller_set(void (*call)(void));

#endif
