/* SPDX-License-Identifier: MIT */
/*
 * Adapters that do not start, and adapters and channels that go: before, after and in the middle of
 * every exchange of the tour. What comes back afterwards works.
 */
#include "guest/held.h"
#include "guest/tour.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct liar *liar;

static void assert_honest_tour(const char *after)
{
    const char *failure = NULL;
    uint32_t objects = host_object_count(liar->real.host);

    liar_listen(liar, NULL, NULL);
    if (tour_run(liar, false, &failure) != 0)
        fail_msg("after %s %s fails: %s", after, failure, d3dkmt_last_error());
    assert_int_equal(host_object_count(liar->real.host), objects);
}

static NTSTATUS open_process(void)
{
    struct guest_process_options options = {1, "arrival", false, false};
    struct guest_process *process;
    NTSTATUS status = d3dkmti_guest_process_open(liar->real.vm, &options, &process);

    if (NT_SUCCESS(status))
        d3dkmti_guest_process_close(process);
    return status;
}

/* ---- refusals at the start */

/* How the host answers a command. */
struct answer {
    bool global;
    uint32_t number;
    enum { ANSWER_FAIL, ANSWER_EMPTY, ANSWER_ZERO, ANSWER_TRANSPORT } how;
    const char *name;
};

static void answer_badly(struct liar *host, struct liar_exchange *exchange, void *context)
{
    const struct answer *answer = context;
    const struct wire_command *command = exchange->request->command;
    uint32_t failure = (uint32_t)STATUS_UNSUCCESSFUL;

    (void)host;
    if (command != wire_command_find(answer->global ? WIRE_GLOBAL : WIRE_VGPU, answer->number))
        return;
    if (answer->how == ANSWER_EMPTY)
        exchange->size = 0;
    if (answer->how == ANSWER_TRANSPORT)
        exchange->status = STATUS_DEVICE_REMOVED;
    if (answer->how == ANSWER_FAIL || answer->how == ANSWER_ZERO)
        memset(exchange->reply, 0, exchange->size);
    if (answer->how == ANSWER_FAIL && exchange->size >= sizeof(failure)) {
        /* Where a status may stand: in front, and behind a handle. */
        memcpy(exchange->reply, &failure, sizeof(failure));
        if (exchange->size >= 2 * sizeof(failure))
            memcpy(exchange->reply + sizeof(failure), &failure, sizeof(failure));
        exchange->size = exchange->size < 8 ? exchange->size : 8;
    }
}

/* A refused start leaves no process to open, or one without adapters; a new arrival works. */
static void refused_starts(void **state)
{
    static const struct answer answers[] = {
        {true, WIRE_GLOBAL_SETIOSPACEREGION, ANSWER_FAIL, "a refused IO space"},
        {true, WIRE_GLOBAL_SETIOSPACEREGION, ANSWER_EMPTY, "an empty answer on the IO space"},
        {true, WIRE_GLOBAL_SETIOSPACEREGION, ANSWER_TRANSPORT, "a channel gone at the IO space"},
        {false, WIRE_VGPU_OPENADAPTER, ANSWER_FAIL, "a refused OPENADAPTER"},
        {false, WIRE_VGPU_OPENADAPTER, ANSWER_EMPTY, "an empty answer to OPENADAPTER"},
        {false, WIRE_VGPU_OPENADAPTER, ANSWER_TRANSPORT, "a channel gone at OPENADAPTER"},
        {false, WIRE_VGPU_GETINTERNALADAPTERINFO, ANSWER_EMPTY, "no adapter info"},
        {false, WIRE_VGPU_GETINTERNALADAPTERINFO, ANSWER_TRANSPORT, "a channel gone at the info"},
        {true, WIRE_GLOBAL_CREATEPROCESS, ANSWER_EMPTY, "an empty answer to CREATEPROCESS"},
        {true, WIRE_GLOBAL_CREATEPROCESS, ANSWER_ZERO, "process 0"},
        {true, WIRE_GLOBAL_CREATEPROCESS, ANSWER_TRANSPORT, "a channel gone at CREATEPROCESS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        bool of_process = answers[i].global && answers[i].number == WIRE_GLOBAL_CREATEPROCESS;
        unsigned failures;

        liar = liar_open_empty(NULL);
        liar_listen(liar, answer_badly, (void *)(uintptr_t)&answers[i]);
        liar_arrive(liar);
        if (of_process)
            assert_false(NT_SUCCESS(open_process()));
        failures = tour_run(liar, false, NULL);
        if (failures == 0)
            print_error("%s went unnoticed\n", answers[i].name);
        assert_int_not_equal(failures, 0);
        liar_listen(liar, NULL, NULL);
        if (!of_process) {
            liar_remove(liar);
            liar_arrive(liar);
        }
        assert_honest_tour(answers[i].name);
        liar_close(liar);
    }
}

static void refusing_transport(void **state)
{
    (void)state;
    liar = liar_open_empty(NULL);
    liar->refuse_open = STATUS_NO_MEMORY;
    liar_arrive(liar);
    assert_int_equal(open_process(), STATUS_DEVICE_REMOVED);
    liar->refuse_open = STATUS_SUCCESS;
    liar_remove(liar);
    liar_arrive(liar);
    assert_honest_tour("a channel that did not open");
    liar_close(liar);

    liar = liar_open_empty(NULL);
    liar->refuse_io_space = STATUS_NO_MEMORY;
    liar_arrive(liar);
    assert_int_equal(open_process(), STATUS_DEVICE_REMOVED);
    liar->refuse_io_space = STATUS_SUCCESS;
    liar_remove(liar);
    liar_arrive(liar);
    assert_honest_tour("an IO space that could not be had");
    liar_close(liar);
}

/* Versions and capabilities that no host has. */
static void wild_pci_words(void **state)
{
    static const uint32_t versions[] = {1, 15, 16, 39, 41, 255, 0x7fffffff, 0xffffffff};

    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        struct host_config config;
        char text[32];

        /* The host itself speaks what the guest makes of the offer. */
        memset(&config, 0, sizeof(config));
        config.interface_version = versions[i] >= WIRE_VERSION ? WIRE_VERSION : 27;
        config.caps = HOST_CAPS_MAP_GUEST_MEMORY;
        liar = liar_open_empty(&config);
        liar->offered_version = versions[i];
        liar->host_caps = 0xffffffff;
        liar_arrive(liar);
        snprintf(text, sizeof(text), "version %u", versions[i]);
        /* Below the last compatible version the simulated host refuses the adapter. */
        if (versions[i] < WIRE_VERSION_LAST_COMPATIBLE)
            assert_int_not_equal(tour_run(liar, false, NULL), 0);
        else
            assert_honest_tour(text);
        liar_close(liar);
    }
}

/* ---- departures in the middle */

enum departure { CHANNEL_GOES, FUNCTION_GOES, GLOBAL_GOES, DEPARTURES };

static const char *const departure_names[DEPARTURES] = {
    "the adapter's channel went", "the PCI function went", "the global channel went"};

struct moment {
    unsigned at; /* number of the exchange */
    enum departure departure;
    atomic_bool reached; /* maybe by the thread that follows descriptors */
};

static void rescind_channel(struct liar *host)
{
    d3dkmti_guest_vm_channel_rescinded(host->real.vm, 1);
}

static void rescind_global(struct liar *host)
{
    d3dkmti_guest_vm_global_rescinded(host->real.vm);
}

static void depart(struct liar *host, struct liar_exchange *exchange, void *context)
{
    static void (*const departures[DEPARTURES])(struct liar *) = {rescind_channel, liar_remove,
                                                                  rescind_global};
    struct moment *moment = context;

    if (exchange->number != moment->at)
        return;
    atomic_store(&moment->reached, true);
    pthread_mutex_lock(&host->mutex);
    unsigned closings = host->closings;
    pthread_mutex_unlock(&host->mutex);
    assert_true(liar_run(host, departures[moment->departure]));
    liar_await_closing(host, closings);
    bool global_went = moment->departure == GLOBAL_GOES;
    if (global_went == (exchange->channel == GUEST_CHANNEL_GLOBAL))
        exchange->status = STATUS_DEVICE_REMOVED;
}

static void bring_back(void)
{
    liar_settle(liar);
    liar_listen(liar, NULL, NULL);
    liar_remove(liar);
    liar_arrive(liar);
}

static void departures(void **state)
{
    struct host_config config;
    unsigned mappings, descriptors, exchanges;

    memset(&config, 0, sizeof(config));
    config.async_messages = *state != NULL;
    liar = liar_open(&config);
    assert_honest_tour("the start");
    exchanges = liar->exchanges;
    mappings = held_mappings();
    descriptors = held_descriptors();
    for (unsigned departure = 0; departure < DEPARTURES; departure++) {
        for (unsigned at = 0; at < exchanges; at++) {
            struct moment moment = {at, (enum departure)departure, false};

            liar_listen(liar, depart, &moment);
            tour_run(liar, false, NULL);
            assert_true(atomic_load(&moment.reached));
            bring_back();
            /* Without the global channel the host cannot be told that the process went. */
            if (departure != GLOBAL_GOES && host_object_count(liar->real.host) != 0)
                fail_msg("%s at exchange %u: %u objects are left", departure_names[departure], at,
                         host_object_count(liar->real.host));
            assert_honest_tour(departure_names[departure]);
        }
    }
    assert_int_equal(held_mappings(), mappings);
    assert_int_equal(held_descriptors(), descriptors);
    liar_close(liar);
}

/* ---- senseless sequences */

static void senseless_arrivals(void **state)
{
    LUID luid = {0x1234, 0};

    (void)state;
    liar = liar_open(NULL);
    for (unsigned i = 0; i < 50; i++) {
        d3dkmti_guest_vm_global_offered(liar->real.vm);
        d3dkmti_guest_vm_channel_offered(liar->real.vm, 1, luid);
        d3dkmti_guest_vm_channel_offered(liar->real.vm, 7, luid);
        d3dkmti_guest_vm_channel_rescinded(liar->real.vm, 99);
        d3dkmti_guest_vm_pci_removed(liar->real.vm, 99);
        luid.LowPart++;
    }
    assert_honest_tour("offers that lead nowhere");
    liar_remove(liar);
    liar_remove(liar);
    d3dkmti_guest_vm_global_rescinded(liar->real.vm);
    d3dkmti_guest_vm_global_rescinded(liar->real.vm);
    assert_int_not_equal(tour_run(liar, false, NULL), 0);
    liar_arrive(liar);
    assert_honest_tour("everything went twice");
    liar_close(liar);
}

int main(void)
{
    static char async[] = "async";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_starts),
        cmocka_unit_test(refusing_transport),
        cmocka_unit_test(wild_pci_words),
        cmocka_unit_test(departures),
        cmocka_unit_test_prestate(departures, async),
        cmocka_unit_test(senseless_arrivals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
