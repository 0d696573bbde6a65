/* SPDX-License-Identifier: MIT */
/* Calls of clients: argument memory, the thread that runs them, and what came back. */
#ifndef GOLDEN_CALLS_H
#define GOLDEN_CALLS_H

#include "clients.h"

#include <d3dkmt/d3dkmt.h>

struct memory;

/* Named buffers and argument structs; they stay until the scenario ends, as pinned ones must. */
struct memories {
    struct memory *first;
};

/*
 * Memory of a name, with an unmapped page behind its last one, made or made larger when needed; the
 * contents stay. Always writable.
 */
void *memories_get(struct memories *memories, const char *name, size_t size);
void memories_set_readonly(struct memories *memories, const char *name);
/* Whether all of a range is such memory. */
bool memories_hold(const struct memories *memories, const void *address, size_t size);
void memories_free(struct memories *memories);

struct call {
    struct call *next;
    const json_t *step;
    struct clients *clients;
    struct client *client;
    const char *thread_name; /* NULL: the step waits for it */
    char arguments_name[32];
    void *arguments;
    const struct d3dkmt_op *op; /* NULL: the dispatcher knows no such request */
    struct device_file *file;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool done;
    NTSTATUS status;
    char explanation[256];  /* the engine's own words */
    const char *file_error; /* what the file layer answers without asking the engine, or NULL */
};

/* Fills memory from a recorded ioctl step, and starts the call. */
struct call *call_start(const json_t *step, struct clients *clients, struct memories *memories);

/* Waits for a call; false when it is not back after this many milliseconds. */
bool call_wait(struct call *call, long milliseconds);

/*
 * Compares result, argument struct and buffers with the recorded outcome: the step itself, or the
 * join step of a thread.
 */
void call_check(struct call *call, const json_t *outcome, struct memories *memories);

/* Joins the thread of a call that is back, and frees it. */
void call_end(struct call *call);

/* Makes memory for buffers that a step points to but does not list (undeclared.c). */
void undeclared_supply(const json_t *step, struct symbols *symbols, struct memories *memories);

/* Fills such buffers of a CreateAllocation2, whose argument struct is complete, from its message.
 */
void undeclared_fill(const json_t *step, struct symbols *symbols, const struct memories *memories,
                     const void *arguments);

/* The operation of a recorded request; NULL if the driver has none for this very request. */
const struct d3dkmt_op *call_find_op(const json_t *step);

/* What the kernel's ioctl returns for a status of the engine: a value, or -1 and an errno's name.
 */
struct call_result {
    int64_t value;
    const char *error; /* NULL: none */
};
struct call_result call_result_of(NTSTATUS status);

/* Whether a status can stand for a recorded errno. */
bool call_status_matches(NTSTATUS status, const char *error);

#endif
