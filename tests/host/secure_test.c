/* SPDX-License-Identifier: MIT */
/* What miniports learn of the VM and its processes, escapes that the host knows, and secure VMs. */
#include "host/guest.h"

#include <stdlib.h>
#include <string.h>

#include "backend-loopback/kmd/softgpu.h"

static const struct guest_mode *mode;

/* The software GPU, with an eye on who comes. */
static struct kmd_interface watched;
static struct {
    char name[128];
    int processes;
    bool secure;
} seen;

static NTSTATUS watch_process(void *adapter, const struct kmd_process_info *info, void **process)
{
    (void)adapter;
    *process = &seen;
    if (info->flags == KMD_PROCESS_VIRTUAL_MACHINE) {
        assert_ptr_equal(info->worker, &seen);
        strncpy(seen.name, info->name, sizeof(seen.name) - 1);
    }
    seen.processes++;
    return STATUS_SUCCESS;
}

static void watch_process_end(void *adapter, void *process)
{
    (void)adapter;
    assert_ptr_equal(process, &seen);
    seen.processes--;
}

static NTSTATUS watch_vm(void *adapter, const struct kmd_virtual_machine *data)
{
    (void)adapter;
    assert_ptr_equal(data->worker, &seen);
    seen.secure = data->secure;
    return STATUS_SUCCESS;
}

struct rig {
    struct guest_vm vm;
    struct guest *guest;
};

static struct rig *open_rig(bool secure)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct host_config config = {.adapter_count = 2, .secure = secure};
    assert_non_null(rig);
    memset(&seen, 0, sizeof(seen));
    watched = kmd_softgpu;
    watched.CreateProcess = watch_process;
    watched.DestroyProcess = watch_process_end;
    watched.SetVirtualMachineData = watch_vm;
    config.adapters[0].miniport = &watched;
    guest_vm_open(&rig->vm, mode, &config);
    rig->guest = guest_open(&rig->vm, 0);
    return rig;
}

static int open_plain(void **state)
{
    *state = open_rig(false);
    return 0;
}

static int open_secure(void **state)
{
    *state = open_rig(true);
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;
    guest_close(rig->guest);
    guest_vm_close(&rig->vm);
    assert_int_equal(seen.processes, 0);
    free(rig);
    return 0;
}

/* ---- processes */

static void processes_come_with_their_names(void **state)
{
    struct rig *rig = *state;
    static const uint16_t name[] = {'u', 'm', 'd', ' ', 0xfc, 0x20ac, 0xd83d, 0xde00, 0xdc00, 0};
    struct guest *named = calloc(1, sizeof(*named));
    assert_non_null(named);
    assert_int_equal(seen.processes, 1); /* the worker: no process has used the adapter yet */
    named->vm = &rig->vm;
    struct wire_createprocess *create = guest_begin(named, WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS);
    memcpy(create->process_name, name, sizeof(name));
    assert_int_equal(guest_send(named), STATUS_SUCCESS);
    named->process = guest_reply(named, createprocess)->hprocess;
    guest_create_device(named);
    assert_int_equal(seen.processes, 2);
    assert_string_equal(seen.name, "umd \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
    guest_close(named);
    assert_int_equal(seen.processes, 1);
}

/* Names come without a terminator from guests that mean harm. */
static void endless_names_are_cut(void **state)
{
    struct rig *rig = *state;
    struct guest *named = calloc(1, sizeof(*named));
    assert_non_null(named);
    named->vm = &rig->vm;
    struct wire_createprocess *create = guest_begin(named, WIRE_GLOBAL, WIRE_GLOBAL_CREATEPROCESS);
    for (unsigned i = 0; i < sizeof(create->process_name) / 2; i++)
        create->process_name[i] = 0x20ac;
    assert_int_equal(guest_send(named), STATUS_SUCCESS);
    named->process = guest_reply(named, createprocess)->hprocess;
    guest_create_device(named);
    assert_int_equal(strlen(seen.name), 63); /* whole characters of three bytes */
    guest_close(named);
}

/* ---- escapes that the host knows */

static void handles_are_translated_if_they_are_the_callers(void **state)
{
    struct rig *rig = *state;
    uint32_t device = guest_create_device(rig->guest);
    struct guest_queue paging = guest_create_paging_queue(rig->guest, device);
    struct guest_memory memory = guest_create_memory(rig->guest, device, paging.handle, PAGE);
    uint32_t data[2] = {D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE, memory.allocation};
    assert_int_equal(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data)),
        STATUS_SUCCESS);
    assert_int_equal(data[1], memory.allocation);
    data[0] = D3DDDI_DRIVERESCAPETYPE_TRANSLATERESOURCEHANDLE; /* it is no resource */
    assert_false(NT_SUCCESS(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data))));
    data[0] = D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE;
    data[1] = device;
    assert_false(NT_SUCCESS(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data))));
    data[1] = 0;
    assert_false(NT_SUCCESS(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data))));
    struct guest *other = guest_open(&rig->vm, 0);
    struct guest *own = rig->guest;
    rig->guest = other;
    data[1] = memory.allocation;
    assert_false(NT_SUCCESS(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data))));
    rig->guest = own;
    guest_close(other);
}

static void malformed_known_escapes_are_refused(void **state)
{
    struct rig *rig = *state;
    uint32_t data[2] = {D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE, 0x40};
    assert_false(NT_SUCCESS(guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, 7)));
    assert_false(NT_SUCCESS(guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, 3)));
    data[0] = 4; /* no number of a known escape */
    assert_false(NT_SUCCESS(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data))));
}

/* ---- secure VMs */

static NTSTATUS echo(struct rig *rig, uint32_t flags)
{
    struct softgpu_escape data = {
        .magic = SOFTGPU_ESCAPE_MAGIC, .operation = SOFTGPU_ESCAPE_ECHO, .argument = 5};
    NTSTATUS status = guest_escape(rig->guest, 0, flags, &data, sizeof(data));
    if (NT_SUCCESS(status))
        assert_true(data.result == ~UINT64_C(5));
    return status;
}

static uint32_t adapter_bits(struct rig *rig)
{
    guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETINTERNALADAPTERINFO);
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    return ((const struct wire_getinternaladapterinfo_reply_before_40 *)(const void *)
                rig->guest->reply.bytes)
        ->bits;
}

static void plain_vms_send_any_escape(void **state)
{
    assert_int_equal(echo(*state, 0), STATUS_SUCCESS);
    assert_false(seen.secure);
    assert_false(adapter_bits(*state) & WIRE_ADAPTER_SECURE_VIRTUAL_MACHINE);
}

static void secure_vms_send_known_escapes_only(void **state)
{
    struct rig *rig = *state;
    uint32_t device = guest_create_device(rig->guest);
    struct guest_queue paging = guest_create_paging_queue(rig->guest, device);
    struct guest_memory memory = guest_create_memory(rig->guest, device, paging.handle, PAGE);
    uint32_t data[2] = {D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE, memory.allocation};
    assert_true(seen.secure);
    assert_true(adapter_bits(rig) & WIRE_ADAPTER_SECURE_VIRTUAL_MACHINE);
    assert_false(NT_SUCCESS(echo(rig, 0)));
    assert_false(NT_SUCCESS(echo(rig, WIRE_ESCAPE_HARDWARE_ACCESS)));
    assert_false(NT_SUCCESS(guest_escape(rig->guest, 0, 0, data, sizeof(data))));
    assert_int_equal(
        guest_escape(rig->guest, 0, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE, data, sizeof(data)),
        STATUS_SUCCESS);
    /* A known mark on unknown data is no way in. */
    assert_false(NT_SUCCESS(echo(rig, WIRE_ESCAPE_DRIVER_KNOWN_ESCAPE)));
}

/* The built-in GPU behind no IOMMU. */
static NTSTATUS start_without_iommu(const struct kmd_start_info *start,
                                    struct kmd_adapter_info *info, void **adapter)
{
    NTSTATUS status = kmd_softgpu.StartDevice(start, info, adapter);

    info->capabilities &= ~KMD_CAPABILITY_IOMMU_SECURE_MODE;
    return status;
}

static void secure_vms_need_an_iommu_for_compute(void **state)
{
    struct kmd_interface no_iommu = kmd_softgpu;
    struct host_config config = {.adapter_count = 1, .secure = true, .io_space_size = 16u << 20};
    struct host *host = NULL;
    (void)state;
    no_iommu.StartDevice = start_without_iommu;
    config.adapters[0].miniport = &no_iommu;
    config.adapters[0].compute_only = true;
    assert_false(NT_SUCCESS(host_create(&config, &host)));
    assert_null(host);
    config.adapters[0].compute_only = false; /* one with graphics does without */
    assert_int_equal(host_create(&config, &host), STATUS_SUCCESS);
    host_destroy(host);
    config.adapters[0].miniport = &kmd_softgpu;
    config.adapters[0].compute_only = true;
    assert_int_equal(host_create(&config, &host), STATUS_SUCCESS);
    host_destroy(host);
}

#define PLAIN(function)  cmocka_unit_test_setup_teardown(function, open_plain, close_rig)
#define SECURE(function) cmocka_unit_test_setup_teardown(function, open_secure, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(processes_come_with_their_names),
        PLAIN(endless_names_are_cut),
        PLAIN(handles_are_translated_if_they_are_the_callers),
        PLAIN(malformed_known_escapes_are_refused),
        PLAIN(plain_vms_send_any_escape),
        SECURE(secure_vms_send_known_escapes_only),
        cmocka_unit_test(secure_vms_need_an_iommu_for_compute),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
