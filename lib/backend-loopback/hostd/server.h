/* SPDX-License-Identifier: MIT */
/* The simulated host as a server: guests in other processes connect to a Unix socket. */
#ifndef BACKEND_LOOPBACK_HOSTD_SERVER_H
#define BACKEND_LOOPBACK_HOSTD_SERVER_H

#include "backend-loopback/host/host.h"

#include <sys/types.h>

struct hostd;

struct hostd_config {
    const char *path; /* of the socket; nothing may be there */
    struct host_config host;
    uint32_t max_guests; /* connections at a time; 0: 64 */
    uint64_t spin_ns;    /* how long a guest's thread is waited for before sleeping */
    bool any_user;       /* else only guests of the same user */
    /* One line without its end; any thread. */
    void (*log)(void *context, enum host_log_level level, const char *text);
    void *log_context;
};

/*
 * Starts the host and listens. On failure why (256 bytes) says why: STATUS_INVALID_PARAMETER for
 * the path, STATUS_UNSUCCESSFUL for what the system refuses, or what host_create says.
 */
NTSTATUS hostd_create(const struct hostd_config *config, struct hostd **hostd, char *why);

/* Accepts guests until the descriptor stop is readable. */
void hostd_run(struct hostd *hostd, int stop);

/* Ends all connections, frees the host and removes the socket. */
void hostd_destroy(struct hostd *hostd);

#endif
