/* SPDX-License-Identifier: MIT */
/*
 * Each world has at most one object of each kind, in a slot that all threads take handles from:
 * what a thread uses, another may be destroying. Handles are sometimes guessed as well.
 */
#include "storm.h"

#include "gpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WORLDS = 5, COMMAND_BYTES = 4096, SIZE = 65536 };

static _Atomic(D3DKMT_HANDLE) slots[STORM_KIND_COUNT][WORLDS];
static _Atomic uint64_t command_addresses[WORLDS], addresses[WORLDS];
static LUID adapter_luid;
static int notification_event;

/* NOPs and an end: what engines execute. Nobody writes it. */
static _Alignas(4096) uint32_t command_words[COMMAND_BYTES / 4];

/* ---- chance ---------------------------------------------------------------------------------- */

uint64_t storm_random(struct storm_chance *chance)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return chance->state;
}

static bool one_in(struct storm_chance *chance, unsigned count)
{
    return storm_random(chance) % count == 0;
}

/* A step's surroundings. */
struct world {
    struct storm_chance *chance;
    unsigned index;
};

static D3DKMT_HANDLE get(const struct world *world, enum storm_kind kind)
{
    D3DKMT_HANDLE handle = atomic_load(&slots[kind][world->index]);

    if (one_in(world->chance, 64))
        handle ^= UINT32_C(1) << 30; /* another life of the same index */
    if (one_in(world->chance, 64))
        handle += 0x40; /* the next index: what is being created, or another's */
    return handle;
}

static D3DKMT_HANDLE take(const struct world *world, enum storm_kind kind)
{
    return atomic_exchange(&slots[kind][world->index], 0);
}

/* Whether a step that makes an object leaves the one that is there: what hangs on it lives longer.
 */
static bool keeps(const struct world *world, enum storm_kind kind, unsigned lifetime)
{
    return atomic_load(&slots[kind][world->index]) && !one_in(world->chance, lifetime);
}

/* ---- destroying ------------------------------------------------------------------------------ */

static NTSTATUS destroy_object(const struct world *world, enum storm_kind kind,
                               D3DKMT_HANDLE handle)
{
    D3DKMT_DESTROYALLOCATION2 allocation;
    const D3DKMT_CLOSEADAPTER adapter = {handle};
    const D3DKMT_DESTROYDEVICE device = {handle};
    const D3DKMT_DESTROYCONTEXT context = {handle};
    const D3DKMT_DESTROYHWQUEUE hw_queue = {handle};
    const D3DKMT_DESTROYSYNCHRONIZATIONOBJECT sync_object = {handle};
    D3DDDI_DESTROYPAGINGQUEUE paging_queue = {handle};

    switch (kind) {
    case STORM_ADAPTER:
        return D3DKMTCloseAdapter(&adapter);
    case STORM_DEVICE:
        return D3DKMTDestroyDevice(&device);
    case STORM_CONTEXT:
    case STORM_HW_CONTEXT:
        return D3DKMTDestroyContext(&context);
    case STORM_HW_QUEUE:
        return D3DKMTDestroyHwQueue(&hw_queue);
    case STORM_PAGING_QUEUE:
        return D3DKMTDestroyPagingQueue(&paging_queue);
    case STORM_FENCE:
    case STORM_SEMAPHORE:
    case STORM_NOTIFICATION:
        return D3DKMTDestroySynchronizationObject(&sync_object);
    default:
        break;
    }
    memset(&allocation, 0, sizeof(allocation));
    allocation.hDevice = get(world, STORM_DEVICE);
    allocation.hResource = kind == STORM_RESOURCE ? handle : 0;
    allocation.phAllocationList = kind == STORM_RESOURCE ? NULL : &handle;
    allocation.AllocationCount = kind != STORM_RESOURCE;
    return D3DKMTDestroyAllocation2(&allocation);
}

/* What an object took the place of goes. */
static NTSTATUS put(const struct world *world, enum storm_kind kind, D3DKMT_HANDLE handle,
                    NTSTATUS status)
{
    if (!NT_SUCCESS(status))
        return status;
    D3DKMT_HANDLE old = atomic_exchange(&slots[kind][world->index], handle);
    return old ? destroy_object(world, kind, old) : status;
}

static NTSTATUS destroy_something(const struct world *world)
{
    enum storm_kind kind = storm_random(world->chance) % STORM_KIND_COUNT;

    /* With a device goes all the rest, so that devices must live longer. */
    if (kind <= STORM_DEVICE && !one_in(world->chance, 4))
        return STATUS_SUCCESS;
    D3DKMT_HANDLE handle = take(world, kind);
    return handle ? destroy_object(world, kind, handle) : STATUS_SUCCESS;
}

/* ---- creating -------------------------------------------------------------------------------- */

static NTSTATUS open_adapter(const struct world *world)
{
    D3DKMT_OPENADAPTERFROMLUID open;

    memset(&open, 0, sizeof(open));
    open.AdapterLuid = adapter_luid;
    NTSTATUS status = D3DKMTOpenAdapterFromLuid(&open);
    return put(world, STORM_ADAPTER, open.hAdapter, status);
}

static NTSTATUS create_device(const struct world *world)
{
    D3DKMT_CREATEDEVICE create;

    if (keeps(world, STORM_DEVICE, 20))
        return STATUS_SUCCESS;
    memset(&create, 0, sizeof(create));
    create.hAdapter = get(world, STORM_ADAPTER);
    NTSTATUS status = D3DKMTCreateDevice(&create);
    return put(world, STORM_DEVICE, create.hDevice, status);
}

static NTSTATUS create_context(const struct world *world)
{
    bool hardware = one_in(world->chance, 2);
    D3DKMT_CREATECONTEXTVIRTUAL create;

    if (keeps(world, hardware ? STORM_HW_CONTEXT : STORM_CONTEXT, 5))
        return STATUS_SUCCESS;
    memset(&create, 0, sizeof(create));
    create.hDevice = get(world, STORM_DEVICE);
    create.NodeOrdinal = one_in(world->chance, 2);
    create.EngineAffinity = 1;
    create.Flags.HwQueueSupported = hardware;
    NTSTATUS status = D3DKMTCreateContextVirtual(&create);
    return put(world, hardware ? STORM_HW_CONTEXT : STORM_CONTEXT, create.hContext, status);
}

static NTSTATUS create_queue(const struct world *world)
{
    D3DKMT_CREATEHWQUEUE create;
    D3DKMT_CREATEPAGINGQUEUE paging;

    if (one_in(world->chance, 2)) {
        memset(&create, 0, sizeof(create));
        create.hHwContext = get(world, STORM_HW_CONTEXT);
        NTSTATUS status = D3DKMTCreateHwQueue(&create);
        return put(world, STORM_HW_QUEUE, create.hHwQueue, status);
    }
    memset(&paging, 0, sizeof(paging));
    paging.hDevice = get(world, STORM_DEVICE);
    paging.Priority = D3DDDI_PAGINGQUEUE_PRIORITY_NORMAL;
    NTSTATUS status = D3DKMTCreatePagingQueue(&paging);
    return put(world, STORM_PAGING_QUEUE, paging.hPagingQueue, status);
}

static NTSTATUS create_allocation(const struct world *world)
{
    static const enum storm_kind kinds[] = {STORM_COMMANDS, STORM_ALLOCATION, STORM_RESOURCE};
    enum storm_kind kind = kinds[storm_random(world->chance) % 3];
    struct softgpu_allocation data = softgpu_allocation_data(
        kind == STORM_COMMANDS ? COMMAND_BYTES : SIZE,
        kind == STORM_COMMANDS ? SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_NON_LOCAL
                               : SOFTGPU_ALLOCATION_CPU_VISIBLE);
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    if (keeps(world, kind, 5))
        return STATUS_SUCCESS;
    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    if (kind == STORM_COMMANDS)
        info.pSystemMem = command_words;
    memset(&create, 0, sizeof(create));
    create.hDevice = get(world, STORM_DEVICE);
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.Flags.CreateResource = kind == STORM_RESOURCE;
    create.Flags.ReadOnly = kind == STORM_COMMANDS;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    return put(world, kind, kind == STORM_RESOURCE ? create.hResource : info.hAllocation, status);
}

static NTSTATUS create_sync_object(const struct world *world)
{
    static const struct {
        enum storm_kind kind;
        D3DDDI_SYNCHRONIZATIONOBJECT_TYPE type;
    } kinds[] = {{STORM_FENCE, D3DDDI_MONITORED_FENCE},
                 {STORM_SEMAPHORE, D3DDDI_SEMAPHORE},
                 {STORM_NOTIFICATION, D3DDDI_CPU_NOTIFICATION}};
    unsigned chosen = storm_random(world->chance) % 3;
    D3DKMT_CREATESYNCHRONIZATIONOBJECT2 create;

    memset(&create, 0, sizeof(create));
    create.hDevice = get(world, STORM_DEVICE);
    create.Info.Type = kinds[chosen].type;
    if (create.Info.Type == D3DDDI_SEMAPHORE)
        create.Info.Semaphore.MaxCount = 4;
    if (create.Info.Type == D3DDDI_CPU_NOTIFICATION)
        create.Info.CPUNotification.Event = (HANDLE)(intptr_t)notification_event;
    NTSTATUS status = D3DKMTCreateSynchronizationObject2(&create);
    return put(world, kinds[chosen].kind, create.hSyncObject, status);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static NTSTATUS map(const struct world *world)
{
    bool commands = one_in(world->chance, 2);
    D3DDDI_MAPGPUVIRTUALADDRESS args;
    D3DDDI_MAKERESIDENT resident;
    D3DKMT_HANDLE allocation = get(world, commands ? STORM_COMMANDS : STORM_ALLOCATION);

    memset(&args, 0, sizeof(args));
    args.hPagingQueue = get(world, STORM_PAGING_QUEUE);
    args.hAllocation = allocation;
    args.SizeInPages = commands ? 1 : SIZE / 4096;
    args.Protection.Write = !commands;
    NTSTATUS status = D3DKMTMapGpuVirtualAddress(&args);
    if (!NT_SUCCESS(status))
        return status;
    atomic_store(commands ? &command_addresses[world->index] : &addresses[world->index],
                 args.VirtualAddress);
    memset(&resident, 0, sizeof(resident));
    resident.hPagingQueue = args.hPagingQueue;
    resident.NumAllocations = 1;
    resident.AllocationList = &allocation;
    return D3DKMTMakeResident(&resident);
}

static NTSTATUS unmap(const struct world *world)
{
    D3DKMT_FREEGPUVIRTUALADDRESS args;

    memset(&args, 0, sizeof(args));
    args.hAdapter = get(world, STORM_ADAPTER);
    args.BaseAddress = atomic_exchange(&addresses[world->index], 0);
    args.Size = SIZE;
    return args.BaseAddress ? D3DKMTFreeGpuVirtualAddress(&args) : STATUS_SUCCESS;
}

static NTSTATUS evict(const struct world *world)
{
    D3DKMT_HANDLE allocation = get(world, STORM_ALLOCATION);
    D3DKMT_EVICT args;

    memset(&args, 0, sizeof(args));
    args.hDevice = get(world, STORM_DEVICE);
    args.NumAllocations = 1;
    args.AllocationList = &allocation;
    return D3DKMTEvict(&args);
}

static NTSTATUS lock_and_unlock(const struct world *world)
{
    D3DKMT_LOCK2 lock;

    memset(&lock, 0, sizeof(lock));
    lock.hDevice = get(world, STORM_DEVICE);
    lock.hAllocation = get(world, STORM_ALLOCATION);
    NTSTATUS status = D3DKMTLock2(&lock);
    /* The memory may be gone already: it is another thread that destroys. */
    const D3DKMT_UNLOCK2 unlock = {lock.hDevice, lock.hAllocation};
    return NT_SUCCESS(status) ? D3DKMTUnlock2(&unlock) : status;
}

static NTSTATUS offer_and_reclaim(const struct world *world)
{
    D3DKMT_HANDLE allocation = get(world, STORM_ALLOCATION);
    D3DKMT_OFFERALLOCATIONS offer;
    D3DKMT_RECLAIMALLOCATIONS2 reclaim;

    memset(&offer, 0, sizeof(offer));
    offer.hDevice = get(world, STORM_DEVICE);
    offer.HandleList = &allocation;
    offer.NumAllocations = 1;
    offer.Priority = D3DKMT_OFFER_PRIORITY_NORMAL;
    NTSTATUS status = D3DKMTOfferAllocations(&offer);
    memset(&reclaim, 0, sizeof(reclaim));
    reclaim.hPagingQueue = get(world, STORM_PAGING_QUEUE);
    reclaim.HandleList = &allocation;
    reclaim.NumAllocations = 1;
    return NT_SUCCESS(status) ? D3DKMTReclaimAllocations2(&reclaim) : status;
}

/* ---- work ------------------------------------------------------------------------------------ */

static NTSTATUS submit(const struct world *world)
{
    D3DKMT_SUBMITCOMMANDTOHWQUEUE args;
    uint64_t commands = atomic_load(&command_addresses[world->index]);

    if (commands == 0)
        return map(world);
    if (one_in(world->chance, 300))
        commands = storm_random(world->chance); /* the device faults */
    if (one_in(world->chance, 2))
        return umd_submit(get(world, STORM_CONTEXT), commands, 256);
    memset(&args, 0, sizeof(args));
    args.hHwQueue = get(world, STORM_HW_QUEUE);
    args.HwQueueProgressFenceId = storm_random(world->chance) % 1000;
    args.CommandBuffer = commands;
    args.CommandLength = 256;
    return D3DKMTSubmitCommandToHwQueue(&args);
}

static struct umd_fence some_fence(const struct world *world)
{
    static const enum storm_kind kinds[] = {STORM_FENCE, STORM_FENCE, STORM_FENCE, STORM_SEMAPHORE,
                                            STORM_NOTIFICATION};

    return (struct umd_fence){.object = get(world, kinds[storm_random(world->chance) % 5])};
}

static NTSTATUS signal(const struct world *world)
{
    struct umd_fence fence = some_fence(world);
    uint64_t value = storm_random(world->chance) % 1000;

    if (one_in(world->chance, 2))
        return client_signal(get(world, STORM_DEVICE), fence.object, value);
    return umd_signal(get(world, STORM_CONTEXT), &fence, value);
}

static NTSTATUS wait_on_gpu(const struct world *world)
{
    struct umd_fence fence = some_fence(world);

    return umd_wait(get(world, STORM_CONTEXT), &fence, storm_random(world->chance) % 1000);
}

static NTSTATUS wait_on_cpu(const struct world *world)
{
    int event = one_in(world->chance, 2) ? notification_event : 0;

    return client_wait(get(world, STORM_DEVICE), get(world, STORM_FENCE),
                       storm_random(world->chance) % 500, event);
}

static NTSTATUS ask_the_host(const struct world *world)
{
    return client_ask(get(world, STORM_DEVICE));
}

/* A device in the error state makes room for another, or the storm would be over soon. */
static NTSTATUS ask(const struct world *world)
{
    D3DKMT_GETDEVICESTATE state;

    memset(&state, 0, sizeof(state));
    state.hDevice = get(world, STORM_DEVICE);
    state.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    NTSTATUS status = D3DKMTGetDeviceState(&state);
    if (!NT_SUCCESS(status) || state.ExecutionState == D3DKMT_DEVICEEXECUTION_ACTIVE)
        return status;
    D3DKMT_HANDLE device = take(world, STORM_DEVICE);
    for (int kind = STORM_DEVICE + 1; kind < STORM_KIND_COUNT; kind++)
        (void)take(world, (enum storm_kind)kind);
    return device ? destroy_object(world, STORM_DEVICE, device) : status;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    NTSTATUS (*carry_out)(const struct world *world);
} steps[] = {
    {"open adapter", open_adapter},
    {"create device", create_device},
    {"create device", create_device},
    {"create context", create_context},
    {"create context", create_context},
    {"create queue", create_queue},
    {"create queue", create_queue},
    {"create allocation", create_allocation},
    {"create allocation", create_allocation},
    {"create synchronization object", create_sync_object},
    {"create synchronization object", create_sync_object},
    {"map", map},
    {"map", map},
    {"unmap", unmap},
    {"evict", evict},
    {"lock", lock_and_unlock},
    {"offer", offer_and_reclaim},
    {"submit", submit},
    {"submit", submit},
    {"submit", submit},
    {"signal", signal},
    {"signal", signal},
    {"signal", signal},
    {"wait on the GPU", wait_on_gpu},
    {"wait on the CPU", wait_on_cpu},
    {"wait on the CPU", wait_on_cpu},
    {"ask", ask},
    {"ask", ask},
    {"ask the host", ask_the_host},
    {"destroy", destroy_something},
    {"destroy", destroy_something},
};

/* What may become of a call on objects that others destroy; nothing else may. */
static bool is_expected(NTSTATUS status)
{
    static const NTSTATUS failures[] = {
        STATUS_INVALID_PARAMETER, /* no such object, or not of this device */
        STATUS_DEVICE_REMOVED,    /* the device went, or is in the error state */
        STATUS_NO_MEMORY,         /* the adapter was closed since the call began */
        STATUS_BUFFER_TOO_SMALL,  /* the host refused with an answer that has no room to say why */
        STATUS_NOT_SUPPORTED,     /* not simulated */
    };

    for (unsigned i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (status == failures[i])
            return true;
    }
    return NT_SUCCESS(status);
}

static atomic_uint fruitful[sizeof(steps) / sizeof(steps[0])];

const char *storm_fruitless_step(void)
{
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (atomic_load(&fruitful[i]) == 0)
            return steps[i].name;
    }
    return NULL;
}

bool storm_step(struct storm_chance *chance)
{
    unsigned step = storm_random(chance) % (sizeof(steps) / sizeof(steps[0]));
    struct world world = {chance, storm_random(chance) % WORLDS};
    NTSTATUS status = steps[step].carry_out(&world);

    if (NT_SUCCESS(status) || status == STATUS_NOT_SUPPORTED)
        atomic_fetch_add(&fruitful[step], 1);
    if (is_expected(status))
        return true;
    fprintf(stderr, "%s: %s; last error: %s\n", steps[step].name, d3dkmt_status_name(status),
            d3dkmt_last_error());
    return false;
}

void storm_begin(LUID luid, int event)
{
    struct storm_chance chance = {1};
    struct softgpu_writer writer;

    adapter_luid = luid;
    notification_event = event;
    memset(slots, 0, sizeof(slots));
    memset(addresses, 0, sizeof(addresses));
    memset(command_addresses, 0, sizeof(command_addresses));
    softgpu_writer_init(&writer, command_words, sizeof(command_words));
    for (unsigned i = 0; i < COMMAND_BYTES / 4; i++)
        softgpu_nop(&writer, 1);
    for (unsigned i = 0; i < WORLDS; i++) {
        struct world world = {&chance, i};

        (void)open_adapter(&world);
        (void)create_device(&world);
    }
}

void storm_destroy_devices(void)
{
    for (unsigned i = 0; i < WORLDS; i++) {
        const D3DKMT_DESTROYDEVICE destroy = {atomic_exchange(&slots[STORM_DEVICE][i], 0)};

        if (destroy.hDevice)
            (void)D3DKMTDestroyDevice(&destroy);
    }
}
