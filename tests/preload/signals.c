/* SPDX-License-Identifier: MIT */
/* Signals to threads that wait for the GPU, and their cancellation: as with the kernel, a handler
 * decides what becomes of a wait, and ioctl() is no cancellation point. */
#include "raw.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static struct raw raw;
static uint32_t fence;
static sem_t handled;

static void count_signal(int number)
{
    (void)number;
    sem_post(&handled);
}

static void install(int flags)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = flags};

    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
}

struct waiter {
    struct raw raw; /* a copy: the test goes on with another descriptor */
    pthread_t thread;
    uint64_t value;
    sem_t started;
    int result, error;
};

static void *wait_for_value(void *context)
{
    struct waiter *waiter = context;

    sem_post(&waiter->started);
    waiter->result = raw_wait(&waiter->raw, fence, waiter->value);
    waiter->error = errno;
    return NULL;
}

static void start(struct waiter *waiter, uint64_t value)
{
    waiter->raw = raw;
    waiter->value = value;
    sem_init(&waiter->started, 0, 0);
    CHECK(pthread_create(&waiter->thread, NULL, wait_for_value, waiter) == 0);
    sem_wait(&waiter->started);
}

static void wait_for_handler(void)
{
    while (sem_wait(&handled) != 0)
        continue;
}

/* The signal may come before the thread is in its wait: it is sent until the wait is over. */
static void a_handler_interrupts(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct waiter waiter;

    install(0);
    start(&waiter, 1);
    while (pthread_tryjoin_np(waiter.thread, NULL) == EBUSY) {
        CHECK(pthread_kill(waiter.thread, SIGUSR1) == 0);
        nanosleep(&moment, NULL);
    }
    CHECK(waiter.result == -1 && waiter.error == EINTR);
    while (sem_trywait(&handled) == 0)
        continue;
}

static void a_restarting_handler_does_not(void)
{
    struct waiter waiter;

    install(SA_RESTART);
    start(&waiter, 2);
    for (int i = 0; i < 50; i++) {
        CHECK(pthread_kill(waiter.thread, SIGUSR1) == 0);
        wait_for_handler();
    }
    CHECK(raw_signal(&raw, fence, 2) == 0);
    CHECK(pthread_join(waiter.thread, NULL) == 0);
    CHECK(waiter.result == 0);
}

/* After an interruption the device is as it was. */
static void life_goes_on(void)
{
    CHECK(raw_signal(&raw, fence, 3) == 0);
    CHECK(raw_wait(&raw, fence, 3) == 0);
}

/* A wait keeps what it needs, though the last descriptor is closed meanwhile. */
static void a_close_waits_for_the_wait(void)
{
    struct waiter waiter;
    int node = raw.device_node;

    start(&waiter, 4);
    int other = raw_open();
    CHECK(raw_signal(&raw, fence, 3) == 0);
    CHECK(close(node) == 0);
    raw.device_node = other;
    CHECK(raw_signal(&raw, fence, 4) == 0);
    CHECK(pthread_join(waiter.thread, NULL) == 0);
    CHECK(waiter.result == 0 || waiter.error == EBADF);
}

/* ---- cancellation */

static void a_cancelled_thread_returns_from_its_wait(void)
{
    struct waiter waiter;
    void *ended;

    start(&waiter, 5);
    CHECK(pthread_cancel(waiter.thread) == 0);
    CHECK(raw_signal(&raw, fence, 5) == 0);
    CHECK(pthread_join(waiter.thread, &ended) == 0);
    CHECK(ended == NULL && waiter.result == 0);
    /* It has kept nothing. */
    close(raw.device_node);
    raw.device_node = raw_open();
    CHECK_ERROR(ioctl(raw.device_node, RAW_DESTROY_DEVICE, &raw.device), EINVAL);
}

static void *open_and_close(void *context)
{
    (void)context;
    pthread_cancel(pthread_self());
    int node = open("/dev/dxg", O_RDWR | O_CLOEXEC);
    close(node);
    return NULL;
}

/* The first open makes everything, and the last close ends it. */
static void a_cancelled_thread_opens_and_closes_to_the_end(void)
{
    pthread_t thread;
    void *ended;

    close(raw.device_node);
    CHECK(pthread_create(&thread, NULL, open_and_close, NULL) == 0);
    CHECK(pthread_join(thread, &ended) == 0 && ended == NULL);
    raw_begin(&raw);
    CHECK(raw_wait(&raw, raw_create_fence(&raw, 0, NULL), 0) == 0);
}

/* ---- handlers that close */

static int to_close = -1; /* by the handler, if not negative */

static void close_it(int number)
{
    (void)number;
    close(to_close);
}

/* Behind the shim's own handler, which was registered later. */
static void signal_before_fork(void)
{
    if (to_close >= 0)
        raise(SIGUSR2);
}

static void a_handler_may_close_during_a_fork(void)
{
    const struct sigaction action = {.sa_handler = close_it};

    CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
    to_close = raw.device_node; /* the last one */
    alarm(60);
    pid_t child = fork();
    if (child == 0)
        _exit(raw_open() >= 0 ? 0 : 1);
    raw_join(child);
    alarm(0);
    CHECK_ERROR(fcntl(to_close, F_GETFD), EBADF);
    to_close = -1;
    raw_begin(&raw);
}

int main(int count, char **arguments)
{
    /* A sanitizer's runtime objects to memory that is given back in handlers. */
    int may_fork = count < 2 || strcmp(arguments[1], "no-fork") != 0;

    pthread_atfork(signal_before_fork, NULL, NULL);
    sem_init(&handled, 0, 0);
    raw_begin(&raw);
    fence = raw_create_fence(&raw, 0, NULL);
    a_handler_interrupts();
    a_restarting_handler_does_not();
    life_goes_on();
    a_close_waits_for_the_wait();
    a_cancelled_thread_returns_from_its_wait();
    a_cancelled_thread_opens_and_closes_to_the_end();
    if (may_fork)
        a_handler_may_close_during_a_fork();
    return 0;
}
