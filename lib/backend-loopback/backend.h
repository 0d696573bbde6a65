/* SPDX-License-Identifier: MIT */
/* What tests that link the simulated host statically may see of the one that is open. */
#ifndef BACKEND_LOOPBACK_BACKEND_H
#define BACKEND_LOOPBACK_BACKEND_H

struct host;

/* The host of the open backend, or NULL. It lives until the backend is closed. */
struct host *loopback_host(void);

#endif
