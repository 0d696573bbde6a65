/* SPDX-License-Identifier: MIT */
#include "backend-loopback/gpu/worker.h"

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/objects.h"
#include "backend-loopback/gpu/thread.h"
#include "backend-loopback/gpu/turns.h"

static void *worker_main(void *argument)
{
    struct gpu_worker *worker = argument;
    const struct gpu_clock *clock = worker->machine->clock;

    pthread_mutex_lock(worker->lock);
    while (!worker->stop) {
        uint64_t next = UINT64_MAX;

        if (worker->step(worker, &next))
            continue;
        if (next == UINT64_MAX)
            pthread_cond_wait(&worker->work, worker->lock);
        else
            (void)clock->wait_until(clock, &worker->work, worker->lock, next);
    }
    pthread_mutex_unlock(worker->lock);
    return NULL;
}

int gpu_worker_start(struct gpu_machine *machine, struct gpu_worker *worker, const char *name)
{
    int error = gpu_clock_condition_init(&worker->work);

    if (error)
        return error;
    worker->machine = machine;
    worker->stop = false;
    if (machine->turns)
        gpu_turns_join(machine->turns, worker);
    else
        error = gpu_thread_start(&worker->thread, name, worker_main, worker);
    if (error)
        pthread_cond_destroy(&worker->work);
    return error;
}

void gpu_worker_stop(struct gpu_worker *worker)
{
    pthread_mutex_lock(worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->work);
    pthread_mutex_unlock(worker->lock);
    if (worker->machine->turns)
        gpu_turns_leave(worker->machine->turns, worker);
    else
        pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->work);
}

void gpu_worker_wait(struct gpu_worker *worker, pthread_cond_t *changed)
{
    if (worker->machine->turns)
        gpu_turns_wait(worker->machine->turns, worker, changed);
    else
        pthread_cond_wait(changed, worker->lock);
}
