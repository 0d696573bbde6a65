/* SPDX-License-Identifier: MIT */
/*
 * Handing a slot over. Who waits says so in the state before sleeping, so that a hand-over to
 * somebody who looks costs no system call.
 */
#include "backend-loopback/remote/frame.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS_PER_CLOCK = 64 };

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static uint32_t load(struct remote_slot *slot)
{
    return atomic_load_explicit(&slot->state, memory_order_acquire);
}

static uint32_t spin(struct remote_slot *slot, uint32_t state, uint64_t spin_ns)
{
    uint64_t end = now_ns() + spin_ns;
    uint32_t seen;

    do {
        for (int i = 0; i < LOOKS_PER_CLOCK; i++) {
            seen = load(slot);
            if (seen != state)
                return seen;
            pause_briefly();
        }
        sched_yield(); /* the other may be waiting for this very processor */
    } while (now_ns() < end);
    return seen;
}

uint32_t remote_slot_wait(struct remote_slot *slot, uint32_t state, uint64_t spin_ns)
{
    uint32_t asleep = state | REMOTE_SLOT_ASLEEP;
    uint32_t seen = load(slot);

    if (seen == state && spin_ns > 0)
        seen = spin(slot, state, spin_ns);
    if (seen == state && atomic_compare_exchange_strong(&slot->state, &seen, asleep))
        seen = asleep;
    if (seen == asleep) {
        syscall(SYS_futex, &slot->state, FUTEX_WAIT, asleep, NULL, NULL, 0);
        seen = load(slot);
    }
    /* The bit may be the other's, who waits for what comes next. */
    return seen & ~(uint32_t)REMOTE_SLOT_ASLEEP;
}

static void wake(struct remote_slot *slot, int most)
{
    syscall(SYS_futex, &slot->state, FUTEX_WAKE, most, NULL, NULL, 0);
}

void remote_slot_set(struct remote_slot *slot, uint32_t state)
{
    uint32_t old = atomic_exchange_explicit(&slot->state, state, memory_order_acq_rel);

    if (old & REMOTE_SLOT_ASLEEP)
        wake(slot, 1);
}

void remote_slot_close(struct remote_slot *slot)
{
    atomic_store_explicit(&slot->state, REMOTE_SLOT_CLOSED, memory_order_release);
    wake(slot, INT_MAX);
}
