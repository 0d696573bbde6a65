/* SPDX-License-Identifier: MIT */
/*
 * Messages of the host: of any length, with any content, early, late, twice, in floods, and a
 * global channel that goes while somebody waits for one.
 */
#include "core/wire/host_message.h"
#include "guest/tour.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static struct liar *liar;
static struct guest_process *process;
static struct world world;

static int set_up(void **state)
{
    struct host_config config;

    memset(&config, 0, sizeof(config));
    config.async_messages = *state != NULL;
    liar = liar_open(&config);
    process = liar_process(liar, false);
    world_create(&world, tour_call, process);
    return world.failures ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    liar_listen(liar, NULL, NULL);
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    uint32_t objects = host_object_count(liar->real.host);
    liar_close(liar);
    return objects || world.failures ? -1 : 0;
}

static uint64_t counted(int event)
{
    uint64_t value = 0;

    return read(event, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static void still_works(void)
{
    const char *failure = NULL;

    if (tour_run(liar, false, &failure) != 0)
        fail_msg("%s fails: %s", failure, d3dkmt_last_error());
}

/* ---- bytes */

static void every_length(void **state)
{
    static const unsigned char fillings[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

    (void)state;
    for (size_t size = 0; size <= LIAR_MESSAGE_MAX; size++) {
        for (size_t i = 0; i < sizeof(fillings); i++) {
            unsigned char bytes[LIAR_MESSAGE_MAX];

            memset(bytes, fillings[i], sizeof(bytes));
            liar_settle(liar);
            assert_true(liar_send(liar, bytes, size));
        }
    }
    liar_settle(liar);
    still_works();
}

/* Good messages cut short must not reach anybody. */
static void truncated_signals(void **state)
{
    struct wire_signalguestevent signal;
    _Alignas(8) unsigned char args[CALL_ARGS_MAX];
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *wait = (void *)args;
    uint64_t never = UINT64_MAX;

    (void)state;
    counted(world.event);
    memset(args, 0, sizeof(args));
    wait->hDevice = world.handles[WORLD_DEVICE];
    wait->ObjectCount = 1;
    wait->ObjectHandleArray = &world.handles[WORLD_FENCE];
    wait->FenceValueArray = &never;
    wait->hAsyncEvent = (HANDLE)(intptr_t)world.event;
    assert_int_equal(tour_call(process, D3DKMT_OP_WaitForSynchronizationObjectFromCpu, wait), 0);
    for (uint64_t id = 0; id < 16; id++) {
        wire_host_message_signal(&signal, id, false);
        for (size_t size = 0; size < sizeof(signal) && size < WIRE_HOST_MESSAGE_SIZE; size++) {
            liar_settle(liar);
            assert_true(liar_send(liar, &signal, size));
        }
    }
    liar_settle(liar);
    assert_int_equal(counted(world.event), 0);
}

static void random_bytes(void **state)
{
    uint64_t seed = 20;

    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        unsigned char bytes[LIAR_MESSAGE_MAX];

        for (size_t i = 0; i < sizeof(bytes); i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (unsigned char)(seed >> 56);
        }
        /* Half of them as messages that there are. */
        if (round & 1) {
            struct wire_signalguestevent signal;

            wire_host_message_signal(&signal, 0, round & 2);
            memcpy(bytes, &signal, WIRE_HEADER_SIZE);
        }
        while (!liar_send(liar, bytes, round % 3 ? WIRE_HOST_MESSAGE_SIZE : round % 65))
            liar_settle(liar);
    }
    liar_settle(liar);
    still_works();
}

static void wrong_guest_data(void **state)
{
    static const uint64_t cookies[] = {0, 1, 2, 3, UINT64_MAX, (uint64_t)1 << 63};
    static const uint32_t values[] = {0, 1, 2, UINT32_MAX};
    D3DKMT_GETDEVICESTATE query;

    (void)state;
    for (unsigned bits = 0; bits < 256; bits += 17) {
        for (size_t c = 0; c < sizeof(cookies) / sizeof(cookies[0]); c++) {
            for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
                struct wire_setguestdata data;

                wire_host_message_set_data(&data, cookies[c], values[v]);
                data.bits = bits;
                while (!liar_send(liar, &data, sizeof(data)))
                    liar_settle(liar);
            }
        }
    }
    liar_settle(liar);
    /* The state of a device is asked for anew, and is what it was. */
    memset(&query, 0, sizeof(query));
    query.hDevice = world.handles[WORLD_DEVICE];
    query.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_int_equal(tour_call(process, D3DKMT_OP_GetDeviceState, &query), STATUS_SUCCESS);
    assert_int_equal(query.ExecutionState, D3DKMT_DEVICEEXECUTION_ACTIVE);
}

/* ---- events at the wrong time */

/* Number of signals for the wait that is being sent, before its reply goes back. */
static unsigned early_signals;

static void signal_early(struct liar *host, struct liar_exchange *exchange, void *context)
{
    const struct wire_waitforsyncobjectfromcpu *wait = (const void *)exchange->request->bytes;
    struct wire_signalguestevent signal;

    if (exchange->request->command != &wire_vgpu_commands[WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU])
        return;
    *(uint64_t *)context = wait->guest_event_pointer;
    wire_host_message_signal(&signal, wait->guest_event_pointer, false);
    for (unsigned i = 0; i < early_signals; i++)
        assert_true(liar_send(host, &signal, sizeof(signal)));
    liar_settle(host);
}

static NTSTATUS wait_for(uint64_t value, int event)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = world.handles[WORLD_DEVICE];
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &world.handles[WORLD_FENCE];
    wait.FenceValueArray = &value;
    wait.hAsyncEvent = (HANDLE)(intptr_t)event;
    return tour_call(process, D3DKMT_OP_WaitForSynchronizationObjectFromCpu, &wait);
}

static void signals_before_the_reply(void **state)
{
    uint64_t id = 0;

    (void)state;
    liar_listen(liar, signal_early, &id);
    for (early_signals = 1; early_signals < 4; early_signals++)
        assert_int_equal(wait_for(UINT64_MAX - 1, 0), STATUS_SUCCESS);
    /* An eventfd counts the first and only that. */
    counted(world.event);
    assert_int_equal(wait_for(UINT64_MAX - 1, world.event), STATUS_SUCCESS);
    assert_int_equal(counted(world.event), 1);
    assert_int_equal(counted(world.event), 0);
}

static void signals_after_the_end(void **state)
{
    struct wire_signalguestevent signal;
    uint64_t id = 0;

    (void)state;
    early_signals = 0;
    liar_listen(liar, signal_early, &id);
    assert_int_equal(wait_for(0, 0), STATUS_SUCCESS);
    assert_int_equal(wait_for(0, world.event), STATUS_SUCCESS);
    counted(world.event);
    for (uint64_t number = id > 20 ? id - 20 : 0; number < id + 200; number++) {
        wire_host_message_signal(&signal, number, number & 1);
        while (!liar_send(liar, &signal, sizeof(signal)))
            liar_settle(liar);
    }
    liar_settle(liar);
    liar_listen(liar, NULL, NULL);
    still_works();
}

/* ---- floods while others work */

static void flood(struct liar *host)
{
    for (uint64_t id = 0; id < 20000; id++) {
        struct wire_signalguestevent signal;

        wire_host_message_signal(&signal, id % 300, false);
        d3dkmti_guest_vm_host_message(host->real.vm, &signal, sizeof(signal));
    }
}

static void floods(void **state)
{
    (void)state;
    assert_true(liar_run(liar, flood));
    for (int i = 0; i < 20; i++) {
        NTSTATUS status = wait_for(0, i & 1 ? world.event : 0);

        assert_int_equal(status, STATUS_SUCCESS);
    }
    liar_settle(liar);
    still_works();
}

/* ---- nobody left to signal */

static void *wait_for_ever(void *result)
{
    *(NTSTATUS *)result = wait_for(UINT64_MAX - 1, 0);
    return NULL;
}

static void rescind_global(struct liar *host)
{
    d3dkmti_guest_vm_global_rescinded(host->real.vm);
}

static atomic_uint waits_sent;

static void count_waits(struct liar *host, struct liar_exchange *exchange, void *context)
{
    (void)host, (void)context;
    if (exchange->request->command == &wire_vgpu_commands[WIRE_VGPU_WAITFORSYNCOBJECTFROMCPU])
        atomic_fetch_add(&waits_sent, 1);
}

/* Signals come over the global channel: without it nothing would ever end a wait. */
static void waits_end_with_the_global_channel(void **state)
{
    pthread_t thread;
    NTSTATUS result = STATUS_PENDING;

    (void)state;
    atomic_store(&waits_sent, 0);
    liar_listen(liar, count_waits, NULL);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_ever, &result), 0);
    while (atomic_load(&waits_sent) == 0)
        usleep(100);
    assert_true(liar_run(liar, rescind_global));
    pthread_join(thread, NULL);
    assert_int_equal(result, STATUS_DEVICE_REMOVED);
    /* Those that come later do not even begin. */
    assert_int_equal(wait_for(UINT64_MAX - 1, 0), STATUS_DEVICE_REMOVED);
    liar_settle(liar);
    liar_listen(liar, NULL, NULL);
}

/* The world cannot be destroyed on the host any more: its process goes with the host. */
static int tear_down_cut_off(void **state)
{
    (void)state;
    world_destroy(&world);
    d3dkmti_guest_process_close(process);
    liar_close(liar);
    return 0;
}

int main(void)
{
    static char async[] = "async";
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_ASYNC(name)                                                                           \
    {                                                                                              \
#name " (async)", name, set_up, tear_down, async                                           \
    }
    const struct CMUnitTest tests[] = {
        TEST(every_length),
        TEST(truncated_signals),
        TEST(random_bytes),
        TEST(wrong_guest_data),
        TEST(signals_before_the_reply),
        TEST_ASYNC(signals_before_the_reply),
        TEST(signals_after_the_end),
        TEST(floods),
        cmocka_unit_test_setup_teardown(waits_end_with_the_global_channel, set_up,
                                        tear_down_cut_off),
    };
#undef TEST
#undef TEST_ASYNC

    return cmocka_run_group_tests(tests, NULL, NULL);
}
