/* SPDX-License-Identifier: MIT */
/* A d3dkmt-hostd of a test's own. Ends the program with status 1 when there is none to be had. */
#ifndef TESTS_HOSTD_HOST_PROCESS_H
#define TESTS_HOSTD_HOST_PROCESS_H

#include "backend-loopback/remote/frame.h"

#include <sys/types.h>

struct host_process {
    pid_t pid;
    char folder[32];   /* of its own, which goes with it */
    char path[96];     /* in there: its socket, or the root of a VMBus */
    char backend[160]; /* what D3DKMT_BACKEND or d3dkmt_open takes */
};

/* Starts it with these options (each may be NULL) and returns when it listens. */
void host_process_start(struct host_process *host, const char *machine_options,
                        const char *spin_us);

/*
 * The same behind simulated UIO devices. kernel: which driver is played; ring_kib: data of each
 * ring; both as d3dkmt-hostd takes them, NULL: its defaults.
 */
void host_process_start_vmbus(struct host_process *host, const char *machine_options,
                              const char *kernel, const char *ring_kib);

/* Lets the simulated VMBus do something, as "rescind 1"; what it answers, "done" if it did. */
const char *host_process_order(const struct host_process *host, const char *order);

/* The same with options of its own command line; NULL-terminated. */
void host_process_start_with(struct host_process *host, char *const options[]);

/* SIGTERM, and its exit status: 0 when it ended in order. */
int host_process_stop(struct host_process *host);

/* SIGKILL. */
void host_process_kill(struct host_process *host);

/* What it has open. */
unsigned host_process_descriptors(const struct host_process *host);
unsigned host_process_threads(const struct host_process *host);
unsigned long host_process_memory(const struct host_process *host); /* resident, in KiB */

/* A bare connection, without a hello. */
int host_process_connect(const struct host_process *host);

/* The same with hello and welcome; what came with the welcome is closed again. */
int host_process_join(const struct host_process *host);

/* The same; *slots, of REMOTE_SLOTS, are the caller's to unmap. */
int host_process_join_with_slots(const struct host_process *host, struct remote_slot **slots);

/* Asks over a connection of host_process_join; the answer's status. */
int32_t host_process_ask(int connection, const struct remote_outgoing *request);
struct remote_counts host_process_count(int connection);

/* Asks until only so many connections are there, this one among them; fails after half a minute. */
void host_process_until_alone_with(int connection, uint32_t guests);
void host_process_until_alone(int connection); /* with 1 */

#endif
