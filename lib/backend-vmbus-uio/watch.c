/* SPDX-License-Identifier: MIT */
/* The one thread of the transport: it reads while no call does, and looks for what comes and goes.
 */
#include "backend-vmbus-uio/unit.h"
#include "core/clock.h"

#include "core/last_error.h"
#include "core/log.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* sysfs tells nobody when it changes; and a host need not interrupt as it should. */
enum { SCAN_MS = 1000, EVENTS_AT_ONCE = 16, ATTENTION = VMBUS_UNITS };

/*
 * Edges, so that a reader that sleeps on the same device and this thread leave each other alone.
 * Messages of the host come on the global channel only; of others the end is of interest, whatever
 * way it is told.
 */
NTSTATUS vmbus_watch_add(struct vmbus_transport *transport, struct vmbus_unit *unit)
{
    uint32_t interrupts = unit == &transport->units[0] ? EPOLLIN : 0;
    struct epoll_event event = {.events = interrupts | EPOLLRDHUP | EPOLLET,
                                .data.u32 = (uint32_t)(unit - transport->units)};

    if (epoll_ctl(transport->epoll, EPOLL_CTL_ADD, unit->channel.node.file, &event) == 0)
        return STATUS_SUCCESS;
    return d3dkmti_fail(STATUS_NO_MEMORY, "the channel's interrupts cannot be watched: %s",
                        strerror(errno));
}

void vmbus_watch_attend(void *context)
{
    struct vmbus_transport *transport = context;
    const uint64_t one = 1;

    (void)!write(transport->attention, &one, sizeof(one));
}

static void serve_all(struct vmbus_transport *transport)
{
    for (int i = 0; i < VMBUS_UNITS; i++)
        if (transport->units[i].present)
            (void)vmbus_channel_serve(&transport->units[i].channel);
}

static bool one_is_dead(struct vmbus_transport *transport)
{
    for (int i = 0; i < VMBUS_UNITS; i++)
        if (transport->units[i].present && atomic_load(&transport->units[i].channel.dead))
            return true;
    return false;
}

static uint64_t now_ms(void)
{
    return now_ns() / 1000000;
}

static void *watch(void *context)
{
    struct vmbus_transport *transport = context;
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t next_scan = now_ms() + SCAN_MS, count_up;

    while (!atomic_load(&transport->stopping)) {
        uint64_t now = now_ms();
        int count = epoll_wait(transport->epoll, events, EVENTS_AT_ONCE,
                               next_scan > now ? (int)(next_scan - now) : 0);

        for (int i = 0; i < count; i++) {
            if (events[i].data.u32 != ATTENTION) {
                (void)vmbus_channel_serve(&transport->units[events[i].data.u32].channel);
            } else {
                (void)!read(transport->attention, &count_up, sizeof(count_up));
                serve_all(transport);
            }
        }
        bool due = now_ms() >= next_scan;
        if (due)
            serve_all(transport);
        if ((!due && !one_is_dead(transport)) || atomic_load(&transport->stopping))
            continue;
        NTSTATUS status = vmbus_units_scan(transport);
        if (!NT_SUCCESS(status))
            d3dkmti_log(D3DKMT_LOG_DEBUG, "vmbus-uio", "%s", d3dkmti_fail_reason());
        next_scan = now_ms() + SCAN_MS;
    }
    return NULL;
}

NTSTATUS vmbus_watch_start(struct vmbus_transport *transport)
{
    sigset_t all, old;

    /* It takes no signals, which are the program's, but its own faults (guard.h). */
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    transport->watching = pthread_create(&transport->watcher, NULL, watch, transport) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return transport->watching
               ? STATUS_SUCCESS
               : d3dkmti_fail(STATUS_NO_MEMORY, "no thread for the host's messages");
}

void vmbus_watch_stop(struct vmbus_transport *transport)
{
    if (!transport->watching)
        return;
    atomic_store(&transport->stopping, true);
    vmbus_watch_attend(transport);
    pthread_join(transport->watcher, NULL);
    transport->watching = false;
}
