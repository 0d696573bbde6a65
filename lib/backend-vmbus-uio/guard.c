/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

enum { MOST_GUARDS = 64 };

/* The handler reads these without a lock: a range counts while its start is set. */
static struct {
    _Atomic uintptr_t start;
    atomic_size_t size;
} guards[MOST_GUARDS];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;

/*
 * A handler that passes on to this one, and is passed on to by it, would go round for ever: the
 * same fault comes again, further down the stack. Handlers may leave by a jump, after which what is
 * here is of a fault that is over: the next one has another context, or one in the same place and
 * then this handler's frame as well.
 */
static _Thread_local struct {
    const void *context;
    uintptr_t frame;
} passed_on;

static bool is_handler(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Another fault than ours. Without a handler for it the access is made again on return, and ends
 * the process as it would have. */
static __attribute__((noinline)) void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction none = {.sa_handler = SIG_DFL};
    const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    bool again = passed_on.frame > frame && passed_on.context == context;

    if (again || !is_handler(&previous)) {
        sigaction(SIGBUS, &none, NULL);
        return;
    }
    passed_on.context = context;
    passed_on.frame = frame;
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(number, info, context);
    else
        previous.sa_handler(number);
    passed_on.frame = 0;
}

static void handle(int number, siginfo_t *info, void *context)
{
    uintptr_t address = (uintptr_t)info->si_addr;
    int saved = errno;

    for (int i = 0; i < MOST_GUARDS; i++) {
        uintptr_t start = atomic_load(&guards[i].start);
        size_t size = atomic_load(&guards[i].size);

        if (start == 0 || address < start || address - start >= size ||
            start != atomic_load(&guards[i].start)) /* the size is another's */
            continue;
        if (mmap((void *)start, size, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
            break;
        errno = saved;
        return;
    }
    errno = saved;
    pass_on(number, info, context);
}

/* Anew if somebody else has put a handler of theirs in its place, to which all is passed on then.
 */
static bool install(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK}, found;

    sigemptyset(&action.sa_mask);
    action.sa_sigaction = handle;
    if (sigaction(SIGBUS, NULL, &found) != 0)
        return false;
    if ((found.sa_flags & SA_SIGINFO) && found.sa_sigaction == handle)
        return true;
    previous = found;
    return sigaction(SIGBUS, &action, NULL) == 0;
}

bool vmbus_guard_add(void *start, size_t size)
{
    bool added = false;

    pthread_mutex_lock(&mutex);
    for (int i = 0; i < MOST_GUARDS && !added && install(); i++) {
        if (atomic_load(&guards[i].start) != 0)
            continue;
        atomic_store(&guards[i].size, size);
        atomic_store(&guards[i].start, (uintptr_t)start);
        added = true;
    }
    pthread_mutex_unlock(&mutex);
    return added;
}

/* Takes no lock, so that a forked child may. */
void vmbus_guard_remove(const void *start)
{
    for (int i = 0; i < MOST_GUARDS; i++)
        if (atomic_load(&guards[i].start) == (uintptr_t)start)
            atomic_store(&guards[i].start, 0);
}
