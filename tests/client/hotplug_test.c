/* SPDX-License-Identifier: MIT */
/* Adapters that go and come while a program uses them. */
#include "client.h"
#include "gpu.h"
#include "guest/held.h"

#include "backend-loopback/backend.h"
#include "backend-loopback/host/host.h"

#include <d3dkmt/loopback.h>
#include <d3dkmt/syncfile.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct client_gpu gpu;

static int set_up(void **state)
{
    static bool registered;

    if (!registered && !NT_SUCCESS(d3dkmt_register_backend(&d3dkmt_loopback_backend)))
        return -1;
    registered = true;
    if (!NT_SUCCESS(d3dkmt_open(*state ? *state : "loopback")))
        return -1;
    return NT_SUCCESS(client_gpu_open(&gpu)) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    client_gpu_close(&gpu);
    D3DKMTCloseDxCoreDevice();
    return 0;
}

static uint32_t add(const struct d3dkmt_loopback_adapter *wanted)
{
    uint32_t number = UINT32_MAX;

    assert_int_equal(d3dkmt_loopback_add_adapter(wanted, &number), STATUS_SUCCESS);
    return number;
}

static void pull_out(uint32_t number)
{
    assert_int_equal(d3dkmt_loopback_remove_adapter(number), STATUS_SUCCESS);
}

static unsigned enumerate(D3DKMT_ADAPTERINFO *adapters)
{
    D3DKMT_ENUMADAPTERS2 list = {.NumAdapters = HOST_MAX_ADAPTERS, .pAdapters = adapters};

    assert_success(D3DKMTEnumAdapters2(&list));
    for (UINT i = 0; i < list.NumAdapters; i++) {
        const D3DKMT_CLOSEADAPTER close_adapter = {adapters[i].hAdapter};

        assert_success(D3DKMTCloseAdapter(&close_adapter));
    }
    return list.NumAdapters;
}

static bool same_luid(LUID left, LUID right)
{
    return left.LowPart == right.LowPart && left.HighPart == right.HighPart;
}

/* ---- calls that wait */

struct waiter {
    pthread_t thread;
    _Atomic pid_t id;
    NTSTATUS status;
};

static void *wait_for_ever(void *argument)
{
    struct waiter *waiter = argument;

    atomic_store(&waiter->id, (pid_t)syscall(SYS_gettid));
    waiter->status = client_wait(gpu.umd.device, gpu.fence.object, 1, 0);
    return NULL;
}

static void waiting_calls_end(void **state)
{
    struct waiter waiters[3] = {0};

    (void)state;
    for (unsigned i = 0; i < COUNT(waiters); i++) {
        assert_int_equal(pthread_create(&waiters[i].thread, NULL, wait_for_ever, &waiters[i]), 0);
        while (atomic_load(&waiters[i].id) == 0)
            ;
        client_until_asleep(atomic_load(&waiters[i].id));
    }
    pull_out(0);
    for (unsigned i = 0; i < COUNT(waiters); i++) {
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].status, STATUS_DEVICE_REMOVED);
    }
}

static void eventfds_and_sync_files_are_signalled(void **state)
{
    D3DKMT_CREATESYNCFILE create = {
        .hDevice = gpu.umd.device, .hMonitoredFence = gpu.fence.object, .FenceValue = 1};
    struct d3dkmt_sync_file_info *info;
    struct pollfd event = {.fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN};

    (void)state;
    assert_success(client_wait(gpu.umd.device, gpu.fence.object, 1, event.fd));
    assert_success(D3DKMTCreateSyncFile(&create));
    pull_out(0);
    assert_int_equal(poll(&event, 1, 10000), 1);
    assert_int_equal(d3dkmt_sync_file_wait((int)create.hSyncFile, 10000), STATUS_SUCCESS);
    assert_success(d3dkmt_sync_file_info((int)create.hSyncFile, &info));
    assert_int_equal(info->status, STATUS_DEVICE_REMOVED);
    d3dkmt_sync_file_info_free(info);
    close((int)create.hSyncFile);
    close(event.fd);
}

static void an_engine_at_work_is_stopped(void **state)
{
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, gpu.commands.cpu, gpu.commands.size);
    softgpu_hang(&writer);
    assert_success(umd_submit(gpu.context, gpu.commands.address, softgpu_writer_size(&writer)));
    pull_out(0); /* long before the engine would be reset */
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
}

/* ---- what is left */

static void later_calls_fail_and_memory_stays(void **state)
{
    unsigned char *bytes = gpu.target.cpu;
    D3DKMT_HANDLE context;
    struct umd_fence fence;

    (void)state;
    assert_success(client_gpu_run(&gpu, 0x12345678));
    bytes[100] = 0xab;
    pull_out(0);
    assert_true(umd_fence_value(&gpu.fence) == UINT64_MAX);
    assert_int_equal(*(uint32_t *)gpu.target.cpu, 0x12345678);
    assert_int_equal(bytes[100], 0xab);
    bytes[100] = 0xcd;
    assert_int_equal(bytes[100], 0xcd);
    assert_fails(client_ask(gpu.umd.device), STATUS_DEVICE_REMOVED);
    assert_fails(umd_context_create(&gpu.umd, 0, &context), STATUS_DEVICE_REMOVED);
    assert_fails(umd_fence_create(&gpu.umd, 0, &fence), STATUS_DEVICE_REMOVED);
    assert_fails(umd_submit(gpu.context, gpu.commands.address, 8), STATUS_DEVICE_REMOVED);
    assert_fails(umd_signal(gpu.context, &gpu.fence, 9), STATUS_DEVICE_REMOVED);
    assert_fails(client_wait(gpu.umd.device, gpu.fence.object, 1, 0), STATUS_DEVICE_REMOVED);
    assert_int_equal(d3dkmt_loopback_remove_adapter(0), STATUS_INVALID_PARAMETER);
}

static void nobody_elses_memory_shows_through(void **state)
{
    struct client_gpu next;
    const unsigned char *old = gpu.target.cpu;
    const void *old_fence = gpu.fence.cpu;

    (void)state;
    assert_success(client_gpu_run(&gpu, 1));
    pull_out(0);
    add(NULL);
    assert_success(client_gpu_open(&next));
    for (uint32_t word = 2; word < 10; word++) {
        assert_success(client_gpu_run(&next, word));
        memset(next.commands.cpu, 0x77, next.commands.size);
    }
    assert_int_equal(*(const uint32_t *)(const void *)old, 1);
    assert_true(__atomic_load_n((const uint64_t *)old_fence, __ATOMIC_ACQUIRE) == UINT64_MAX);
    client_gpu_close(&next);
}

static void nothing_is_left_behind(void **state)
{
    unsigned descriptors = held_descriptors(), mappings = 0;

    (void)state;
    client_gpu_close(&gpu);
    mappings = held_mappings();
    for (unsigned i = 0; i < 40; i++) { /* more often than there are places */
        assert_success(client_gpu_open(&gpu));
        assert_success(client_gpu_run(&gpu, i));
        pull_out(0);
        assert_int_equal(host_object_count(loopback_host()), 0);
        client_gpu_close(&gpu);
        assert_int_equal(add(NULL), 0);
    }
    assert_int_equal(held_descriptors(), descriptors);
    assert_int_equal(held_mappings(), mappings);
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 7));
}

/* ---- enumeration */

static void enumeration_follows(void **state)
{
    D3DKMT_ADAPTERINFO adapters[HOST_MAX_ADAPTERS];
    LUID first;

    (void)state;
    assert_int_equal(enumerate(adapters), 2);
    first = adapters[0].AdapterLuid;
    pull_out(0);
    assert_int_equal(enumerate(adapters), 1);
    assert_false(same_luid(adapters[0].AdapterLuid, first));
    /* A new one has a name that was never used; one that says so has the old. */
    assert_int_equal(add(NULL), 0);
    assert_int_equal(enumerate(adapters), 2);
    assert_false(same_luid(adapters[1].AdapterLuid, first));
    const struct d3dkmt_loopback_adapter same = {.luid = first, .compute_only = true};
    assert_int_equal(add(&same), 2);
    assert_int_equal(enumerate(adapters), 2); /* compute-only adapters need EnumAdapters3 */
    D3DKMT_OPENADAPTERFROMLUID open = {.AdapterLuid = first};
    assert_success(D3DKMTOpenAdapterFromLuid(&open));
    uint32_t number;
    assert_int_equal(d3dkmt_loopback_add_adapter(&same, &number), STATUS_OBJECT_NAME_COLLISION);
}

static void there_are_so_many_places(void **state)
{
    uint32_t number;

    (void)state;
    for (uint32_t i = 1; i < HOST_MAX_ADAPTERS; i++)
        assert_int_equal(add(NULL), i);
    assert_int_equal(d3dkmt_loopback_add_adapter(NULL, &number), STATUS_INSUFFICIENT_RESOURCES);
    pull_out(5);
    assert_int_equal(add(NULL), 5);
    assert_int_equal(d3dkmt_loopback_remove_adapter(HOST_MAX_ADAPTERS), STATUS_INVALID_PARAMETER);
}

static void an_adapter_that_comes_back_works(void **state)
{
    struct client_gpu old = gpu;
    const struct d3dkmt_loopback_adapter same = {.luid = gpu.umd.luid};

    (void)state;
    pull_out(0);
    add(&same);
    assert_success(client_gpu_open(&gpu));
    assert_true(same_luid(gpu.umd.luid, old.umd.luid));
    assert_success(client_gpu_run(&gpu, 5));
    /* What was on the old one stays dead. */
    assert_fails(client_ask(old.umd.device), STATUS_DEVICE_REMOVED);
    client_gpu_close(&old);
    assert_success(client_gpu_run(&gpu, 6));
}

static void another_adapter_goes_on(void **state)
{
    (void)state;
    assert_success(client_gpu_run(&gpu, 1));
    pull_out(1);
    assert_success(client_gpu_run(&gpu, 2));
    add(NULL);
    assert_success(client_gpu_run(&gpu, 3));
}

static void without_a_host_there_is_nothing_to_steer(void **state)
{
    uint32_t number;

    (void)state;
    assert_int_equal(d3dkmt_loopback_add_adapter(NULL, &number), STATUS_DEVICE_REMOVED);
    assert_int_equal(d3dkmt_loopback_remove_adapter(0), STATUS_DEVICE_REMOVED);
}

/* ---- under load */

static atomic_bool stop_users;
static atomic_uint runs;

static void *use_whatever_is_there(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop_users)) {
        struct client_gpu own;
        NTSTATUS status = client_gpu_open(&own);

        for (uint32_t i = 0; NT_SUCCESS(status) && i < 20; i++) {
            status = client_gpu_run(&own, i + 1);
            if (NT_SUCCESS(status))
                atomic_fetch_add(&runs, 1);
        }
        client_gpu_close(&own);
    }
    return NULL;
}

static void adapters_go_and_come_under_load(void **state)
{
    pthread_t users[4];

    (void)state;
    atomic_store(&stop_users, false);
    for (unsigned i = 0; i < COUNT(users); i++)
        assert_int_equal(pthread_create(&users[i], NULL, use_whatever_is_there, NULL), 0);
    for (unsigned i = 0; i < 25; i++) {
        /* Each time somebody has used the adapter that is there. */
        for (unsigned before = atomic_load(&runs); atomic_load(&runs) < before + 10;)
            usleep(100);
        pull_out(0);
        add(NULL);
    }
    atomic_store(&stop_users, true);
    for (unsigned i = 0; i < COUNT(users); i++)
        pthread_join(users[i], NULL);
    client_gpu_close(&gpu);
    assert_int_equal(host_object_count(loopback_host()), 0);
    assert_success(client_gpu_open(&gpu));
    assert_success(client_gpu_run(&gpu, 1));
}

int main(void)
{
    static char async[] = "loopback:async", pages[] = "loopback:page-lists,pending",
                two[] = "loopback:adapters=2", old[] = "loopback:version=27";
#define TEST_ON(name, options)                                                                     \
    {                                                                                              \
#name " (" #options ")", name, set_up, tear_down, options                                  \
    }
#define TEST(name)                                                                                 \
    TEST_ON(name, NULL), TEST_ON(name, async), TEST_ON(name, pages), TEST_ON(name, old)
    const struct CMUnitTest tests[] = {
        TEST(waiting_calls_end),
        TEST(eventfds_and_sync_files_are_signalled),
        TEST(an_engine_at_work_is_stopped),
        TEST(later_calls_fail_and_memory_stays),
        TEST(nobody_elses_memory_shows_through),
        TEST(nothing_is_left_behind),
        TEST_ON(enumeration_follows, two),
        TEST_ON(there_are_so_many_places, NULL),
        TEST(an_adapter_that_comes_back_works),
        TEST_ON(another_adapter_goes_on, two),
        cmocka_unit_test(without_a_host_there_is_nothing_to_steer),
        TEST(adapters_go_and_come_under_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
