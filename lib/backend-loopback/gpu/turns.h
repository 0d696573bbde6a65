/* SPDX-License-Identifier: MIT */
/*
 * Turns: how the workers of a deterministic machine share its callers' threads. Nothing runs beside
 * the callers; after each of their calls some steps are done, in an order that follows from a seed.
 * So the same calls, from one thread, with the same seed have the same effects in the same order.
 *
 * Time is virtual. It stands while anybody has something to do. When all wait and a CPU waits
 * too, it jumps to the next moment that was set: an engine's time-out, the blank that a
 * waited-for periodic fence needs. A poll of memory is repeated when something has happened since.
 * Inside of the folder.
 */
#ifndef BACKEND_LOOPBACK_GPU_TURNS_H
#define BACKEND_LOOPBACK_GPU_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gpu_clock;
struct gpu_machine;
struct gpu_turns;
struct gpu_worker;

/* NULL: no memory, or no thread. */
struct gpu_turns *gpu_turns_create(struct gpu_machine *machine, uint64_t seed);
void gpu_turns_destroy(struct gpu_turns *turns);
const struct gpu_clock *gpu_turns_clock(struct gpu_turns *turns);

void gpu_turns_join(struct gpu_turns *turns, struct gpu_worker *worker);
void gpu_turns_leave(struct gpu_turns *turns, struct gpu_worker *worker);

/* A call has been done. While CPUs wait, turns go on until nothing can happen any more; otherwise
 * as many are taken as the seed says. Without a lock of this folder. */
void gpu_turns_after_call(struct gpu_turns *turns);
/* Part of gpu_worker_wait. */
void gpu_turns_wait(struct gpu_turns *turns, struct gpu_worker *worker, pthread_cond_t *changed);

/* Something has happened for which polls should be repeated. Progress: it was not a poll itself
 * that wrote to memory. Any thread, any lock. */
void gpu_turns_note_change(struct gpu_turns *turns);
void gpu_turns_note_progress(struct gpu_turns *turns);
uint64_t gpu_turns_changes(struct gpu_turns *turns);

/* Whether a command buffer makes room for another one of the same priority. In a turn. */
bool gpu_turns_yield(struct gpu_turns *turns);

/* Whether time that really passed has had an influence: see gpu_machine_strayed. */
bool gpu_turns_strayed(struct gpu_turns *turns);

#endif
