/* SPDX-License-Identifier: MIT */
#ifndef CORE_ENVIRONMENT_H
#define CORE_ENVIRONMENT_H

/*
 * The value of an environment variable, or NULL when it is not set, is empty, or the program
 * runs with more rights than its caller (set-user-id), where the caller must not steer it.
 */
const char *environment_get(const char *name);

#endif
