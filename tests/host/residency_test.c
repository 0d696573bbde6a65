/* SPDX-License-Identifier: MIT */
/* Offers, priorities and residency as messages: what the host does, tells and refuses. */
#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/gpu/paging.h"
#include "host/guest.h"

#include <stdlib.h>

static const struct guest_mode *mode;

enum { PAGES = 16, BUDGET = 40 };

struct rig {
    struct guest_vm vm;
    struct guest *guest;
    uint32_t device, other_device;
    struct guest_queue paging;
    uint32_t allocation; /* resident */
};

static int open_rig(void **state)
{
    static struct rig rig;
    struct host_config config = {.adapter_count = 1};

    config.adapters[0].budget[KMD_SEGMENT_LOCAL] = BUDGET * PAGE;
    guest_vm_open(&rig.vm, mode, &config);
    rig.guest = guest_open(&rig.vm, 0);
    rig.device = guest_create_device(rig.guest);
    rig.other_device = guest_create_device(rig.guest);
    rig.paging = guest_create_paging_queue(rig.guest, rig.device);
    assert_int_equal(guest_try_allocation(rig.guest, rig.device, PAGES * PAGE, 0, &rig.allocation),
                     STATUS_SUCCESS);
    guest_make_resident(rig.guest, &rig.paging, rig.allocation);
    *state = &rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;

    guest_close(rig->guest);
    assert_int_equal(host_object_count(rig->vm.host), 0);
    guest_vm_close(&rig->vm);
    return 0;
}

static NTSTATUS offer(struct rig *rig, uint32_t device, uint32_t handle, bool resource,
                      uint32_t priority, uint32_t flags)
{
    struct wire_offerallocations *offer =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_OFFERALLOCATIONS);

    offer->device = device;
    offer->allocation_count = 1;
    offer->priority = priority;
    offer->flags = flags;
    offer->resources = resource;
    guest_append(rig->guest, &handle, sizeof(handle));
    return guest_send(rig->guest);
}

static NTSTATUS reclaim(struct rig *rig, uint32_t count, const uint32_t *handles, bool resources,
                        bool results)
{
    struct wire_reclaimallocations *reclaim =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_RECLAIMALLOCATIONS);

    reclaim->device = rig->device;
    reclaim->paging_queue = rig->paging.handle;
    reclaim->allocation_count = count;
    reclaim->resources = resources;
    reclaim->write_results = results;
    guest_append(rig->guest, handles, count * sizeof(*handles));
    return guest_send(rig->guest);
}

static uint32_t result_of(struct rig *rig, uint32_t index)
{
    return wire_span_u32(&rig->guest->reply.tails[WIRE_REPLY_TAIL_RECLAIMALLOCATIONS_DISCARDED],
                         index);
}

static NTSTATUS lock(struct rig *rig, uint32_t allocation)
{
    struct wire_lock2 *lock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_LOCK2);

    lock->args.device = rig->device;
    lock->args.allocation = allocation;
    return guest_send(rig->guest);
}

static NTSTATUS unlock(struct rig *rig, uint32_t allocation)
{
    struct wire_unlock2 *unlock = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UNLOCK2);

    unlock->args.device = rig->device;
    unlock->args.allocation = allocation;
    return guest_send(rig->guest);
}

static NTSTATUS ask_residency(struct rig *rig, uint32_t device, uint32_t allocation)
{
    struct wire_queryallocationresidency *query =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_QUERYALLOCATIONRESIDENCY);

    query->args.device = device;
    query->args.allocation_count = 1;
    guest_append(rig->guest, &allocation, sizeof(allocation));
    return guest_send(rig->guest);
}

static uint32_t residency(struct rig *rig, uint32_t allocation)
{
    assert_int_equal(ask_residency(rig, rig->device, allocation), STATUS_SUCCESS);
    return wire_span_u32(
        &rig->guest->reply.tails[WIRE_REPLY_TAIL_QUERYALLOCATIONRESIDENCY_RESIDENCY_STATUS], 0);
}

/* A resource of two allocations of PAGES each, both resident. */
static uint32_t create_resource(struct rig *rig, uint32_t flags, uint32_t parts[2])
{
    struct softgpu_allocation data =
        softgpu_allocation_data(PAGES * PAGE, SOFTGPU_ALLOCATION_CPU_VISIBLE);
    struct wire_allocation_info info = {.priv_drv_data_size = sizeof(data)};
    struct wire_createallocation *create =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_CREATEALLOCATION);

    create->device = rig->device;
    create->alloc_count = 2;
    create->flags = WIRE_CREATE_ALLOCATION_CREATE_RESOURCE | flags;
    for (unsigned i = 0; i < 2; i++)
        guest_append(rig->guest, &info, sizeof(info));
    for (unsigned i = 0; i < 2; i++)
        guest_append(rig->guest, &data, sizeof(data));
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    uint32_t resource = guest_reply(rig->guest, createallocation)->resource;
    for (unsigned i = 0; i < 2; i++) {
        const struct wire_allocation_result *result = wire_span_at(
            &rig->guest->reply.tails[WIRE_REPLY_TAIL_CREATEALLOCATION_ALLOCATION_INFO], i);
        parts[i] = result->allocation;
    }
    return resource;
}

static void offered_memory_is_told_and_locked_out(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(residency(rig, rig->allocation), 1);
    assert_int_equal(lock(rig, rig->allocation), STATUS_SUCCESS);
    assert_int_equal(offer(rig, rig->device, rig->allocation, false, GPU_OFFER_LOW, 0),
                     STATUS_INVALID_PARAMETER); /* locked */
    assert_int_equal(unlock(rig, rig->allocation), STATUS_SUCCESS);
    assert_int_equal(offer(rig, rig->device, rig->allocation, false, GPU_OFFER_LOW, 0),
                     STATUS_SUCCESS);
    assert_int_equal(residency(rig, rig->allocation), 3);
    assert_int_equal(lock(rig, rig->allocation), STATUS_INVALID_PARAMETER);
    assert_true(NT_SUCCESS(reclaim(rig, 1, &rig->allocation, false, true)));
    assert_int_equal(result_of(rig, 0), GPU_RECLAIM_OK);
    uint64_t value = guest_reply(rig->guest, reclaimallocations)->paging_fence_value;
    assert_true(value > 1);
    guest_wait(rig->guest, rig->device, rig->paging.fence, value);
    assert_true(*rig->paging.fence_value >= value);
    assert_int_equal(residency(rig, rig->allocation), 1);
    assert_int_equal(lock(rig, rig->allocation), STATUS_SUCCESS);
}

static void results_are_one_for_each(void **state)
{
    struct rig *rig = *state;
    uint32_t handles[2] = {rig->allocation}, more;

    assert_int_equal(guest_try_allocation(rig->guest, rig->device, PAGES * PAGE, 0, &handles[1]),
                     STATUS_SUCCESS);
    guest_make_resident(rig->guest, &rig->paging, handles[1]);
    assert_int_equal(offer(rig, rig->device, handles[1], false, GPU_OFFER_LOW, 0), STATUS_SUCCESS);
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, PAGES * PAGE, 0, &more),
                     STATUS_SUCCESS);
    guest_make_resident(rig->guest, &rig->paging, more);
    assert_true(NT_SUCCESS(reclaim(rig, 2, handles, false, true)));
    assert_int_equal(rig->guest->reply.tails[0].count, 2);
    assert_int_equal(result_of(rig, 0), GPU_RECLAIM_OK);
    assert_int_equal(result_of(rig, 1), GPU_RECLAIM_DISCARDED);
    assert_true(NT_SUCCESS(reclaim(rig, 2, handles, false, false)));
    assert_int_equal(rig->guest->reply.tails[0].count, 1);
}

/* One of its allocations lost its content: so did the resource. */
static void resources_stand_for_their_allocations(void **state)
{
    struct rig *rig = *state;
    uint32_t parts[2];
    uint32_t resource = create_resource(rig, 0, parts);

    assert_int_equal(guest_destroy_allocation(rig->guest, rig->device, 0, &rig->allocation, 1),
                     STATUS_SUCCESS);
    for (unsigned i = 0; i < 2; i++)
        guest_make_resident(rig->guest, &rig->paging, parts[i]);
    assert_int_equal(
        offer(rig, rig->device, resource, true, GPU_OFFER_NORMAL, WIRE_OFFER_OFFER_IMMEDIATELY),
        STATUS_SUCCESS);
    assert_int_equal(residency(rig, parts[0]), 3);
    assert_int_equal(residency(rig, parts[1]), 3);
    assert_int_equal(
        guest_try_allocation(rig->guest, rig->device, PAGES * PAGE, 0, &rig->allocation),
        STATUS_SUCCESS);
    guest_make_resident(rig->guest, &rig->paging, rig->allocation);
    assert_true(NT_SUCCESS(reclaim(rig, 1, &resource, true, true)));
    assert_int_equal(result_of(rig, 0), GPU_RECLAIM_DISCARDED);
    assert_int_equal(residency(rig, parts[0]), 1);
    assert_int_equal(residency(rig, parts[1]), 1);
}

static void impossible_offers_are_refused(void **state)
{
    struct rig *rig = *state;
    uint32_t parts[2], lent;
    uint32_t shared = create_resource(
        rig, WIRE_CREATE_ALLOCATION_CREATE_SHARED | WIRE_CREATE_ALLOCATION_NT_SECURITY_SHARING,
        parts);

    assert_int_equal(offer(rig, rig->device, shared, true, GPU_OFFER_LOW, 0), STATUS_NOT_SUPPORTED);
    assert_int_equal(offer(rig, rig->device, parts[0], false, GPU_OFFER_LOW, 0),
                     STATUS_NOT_SUPPORTED);
    assert_int_equal(guest_try_allocation(rig->guest, rig->device, PAGE,
                                          WIRE_CREATE_ALLOCATION_EXISTING_SYSMEM, &lent),
                     STATUS_SUCCESS);
    assert_int_equal(offer(rig, rig->device, lent, false, GPU_OFFER_LOW, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(offer(rig, rig->device, rig->allocation, true, GPU_OFFER_LOW, 0),
                     STATUS_INVALID_PARAMETER); /* no resource */
    assert_int_equal(offer(rig, rig->device, rig->allocation, false, 0, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(offer(rig, rig->device, rig->allocation, false, GPU_OFFER_LOW, 4),
                     STATUS_INVALID_PARAMETER); /* an unknown flag */
    assert_int_equal(offer(rig, rig->device, 0, false, GPU_OFFER_LOW, 0), STATUS_INVALID_PARAMETER);
    assert_int_equal(reclaim(rig, 0, NULL, false, true), STATUS_INVALID_PARAMETER);
    assert_int_equal(residency(rig, rig->allocation), 1);
}

/* ---- priorities */

static NTSTATUS set_priorities(struct rig *rig, uint32_t resource, uint32_t count,
                               const uint32_t *handles, const uint32_t *priorities)
{
    struct wire_setallocationpriority *set =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_SETALLOCATIONPRIORITY);

    set->device = rig->device;
    set->resource = resource;
    set->allocation_count = count;
    guest_append(rig->guest, handles, count * sizeof(*handles));
    guest_append(rig->guest, priorities, (resource ? 1 : count) * sizeof(*priorities));
    return guest_send(rig->guest);
}

static NTSTATUS get_priorities(struct rig *rig, uint32_t device, uint32_t resource, uint32_t count,
                               const uint32_t *handles)
{
    struct wire_getallocationpriority *get =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_GETALLOCATIONPRIORITY);

    get->device = device;
    get->resource = resource;
    get->allocation_count = count;
    guest_append(rig->guest, handles, count * sizeof(*handles));
    return guest_send(rig->guest);
}

static uint32_t priority(struct rig *rig, uint32_t index)
{
    return wire_span_u32(&rig->guest->reply.tails[WIRE_REPLY_TAIL_GETALLOCATIONPRIORITY_PRIORITIES],
                         index);
}

static void priorities_are_kept(void **state)
{
    struct rig *rig = *state;
    uint32_t parts[2];
    uint32_t resource = create_resource(rig, 0, parts);
    const uint32_t priorities[] = {D3DDDI_ALLOCATIONPRIORITY_HIGH, D3DDDI_ALLOCATIONPRIORITY_LOW};
    const uint32_t maximum = D3DDDI_ALLOCATIONPRIORITY_MAXIMUM;

    assert_int_equal(get_priorities(rig, rig->device, 0, 2, parts), STATUS_SUCCESS);
    assert_int_equal(priority(rig, 0), D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    assert_int_equal(set_priorities(rig, 0, 2, parts, priorities), STATUS_SUCCESS);
    assert_int_equal(get_priorities(rig, rig->device, 0, 2, parts), STATUS_SUCCESS);
    assert_int_equal(priority(rig, 0), priorities[0]);
    assert_int_equal(priority(rig, 1), priorities[1]);
    assert_int_equal(get_priorities(rig, rig->device, resource, 0, NULL), STATUS_SUCCESS);
    assert_int_equal(priority(rig, 0), priorities[1]);
    assert_int_equal(set_priorities(rig, resource, 0, NULL, &maximum), STATUS_SUCCESS);
    assert_int_equal(get_priorities(rig, rig->device, 0, 2, parts), STATUS_SUCCESS);
    assert_int_equal(priority(rig, 0), maximum);
    assert_int_equal(priority(rig, 1), maximum);
}

static void wrong_priorities_change_nothing(void **state)
{
    struct rig *rig = *state;
    const uint32_t handles[] = {rig->allocation, 0x12345};
    const uint32_t priorities[] = {1, 1};

    assert_int_equal(set_priorities(rig, 0, 2, handles, priorities), STATUS_INVALID_PARAMETER);
    assert_int_equal(set_priorities(rig, rig->allocation, 0, NULL, priorities),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(set_priorities(rig, 0, 0, NULL, NULL), STATUS_INVALID_PARAMETER);
    assert_int_equal(get_priorities(rig, rig->device, rig->allocation, 1, handles),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(get_priorities(rig, rig->device, 0, 1, handles), STATUS_SUCCESS);
    assert_int_equal(priority(rig, 0), D3DDDI_ALLOCATIONPRIORITY_NORMAL);
}

/* ---- segments */

static NTSTATUS set_properties(struct rig *rig, uint32_t mask, uint32_t supported,
                               uint32_t preferred)
{
    struct wire_updateallocationproperty *update =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_UPDATEALLOCATIONPROPERTY);

    update->args.paging_queue = rig->paging.handle;
    update->args.allocation = rig->allocation;
    update->args.property_mask = mask;
    update->args.supported_segment_set = supported;
    update->args.preferred_segment = preferred;
    return guest_send(rig->guest);
}

static void properties_say_where_memory_lies(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(set_properties(rig, WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT, 0,
                                    2u | 1u << WIRE_SEGMENT_PREFERENCE_SEGMENT_ID1_SHIFT),
                     STATUS_SUCCESS);
    assert_true(guest_reply(rig->guest, updateallocationproperty)->paging_fence_value > 0);
    assert_int_equal(residency(rig, rig->allocation), 2);
    assert_int_equal(set_properties(rig, WIRE_PROPERTY_MASK_SET_SUPPORTED_SEGMENTSET, 1, 0),
                     STATUS_SUCCESS); /* the second preference is what is left */
    assert_int_equal(residency(rig, rig->allocation), 1);
    assert_int_equal(set_properties(rig, WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT, 0, 2),
                     STATUS_INVALID_PARAMETER); /* not supported any more */
}

static void impossible_properties_are_refused(void **state)
{
    struct rig *rig = *state;
    static const struct {
        uint32_t mask, supported, preferred;
        NTSTATUS status;
    } wrong[] = {
        {0, 0, 0, STATUS_INVALID_PARAMETER},
        {WIRE_PROPERTY_MASK_SET_SUPPORTED_SEGMENTSET, 0, 0, STATUS_INVALID_PARAMETER},
        {WIRE_PROPERTY_MASK_SET_SUPPORTED_SEGMENTSET, 5, 0, STATUS_INVALID_PARAMETER},
        {WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT, 0, 0, STATUS_INVALID_PARAMETER},
        {WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT, 0, 3, STATUS_INVALID_PARAMETER},
        {WIRE_PROPERTY_MASK_SET_ACCESSED_PHYSICALLY, 0, 0, STATUS_NOT_SUPPORTED},
        {8, 0, 0, STATUS_NOT_SUPPORTED}, /* SetUnmoveable */
    };

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(set_properties(rig, wrong[i].mask, wrong[i].supported, wrong[i].preferred),
                         wrong[i].status);
    assert_int_equal(residency(rig, rig->allocation), 1);
}

static void heap_transitions_are_flushed(void **state)
{
    struct rig *rig = *state;

    gpu_adapter_set_asynchronous_paging(host_gpu_adapter(rig->vm.host, 0), true);
    assert_int_equal(set_properties(rig, WIRE_PROPERTY_MASK_SET_PREFERRED_SEGMENT, 0, 2),
                     STATUS_PENDING);
    uint64_t value = guest_reply(rig->guest, updateallocationproperty)->paging_fence_value;
    guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_FLUSHHEAPTRANSITIONS);
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
    assert_true(__atomic_load_n(rig->paging.fence_value, __ATOMIC_ACQUIRE) >= value);
}

/* ---- handles of another device */

static void allocations_of_another_device_are_refused(void **state)
{
    struct rig *rig = *state;
    struct guest_queue paging = guest_create_paging_queue(rig->guest, rig->other_device);

    assert_int_equal(offer(rig, rig->other_device, rig->allocation, false, GPU_OFFER_LOW, 0),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(ask_residency(rig, rig->other_device, rig->allocation),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(get_priorities(rig, rig->other_device, 0, 1, &rig->allocation),
                     STATUS_INVALID_PARAMETER);
    struct wire_makeresident *make = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_MAKERESIDENT);
    make->paging_queue = paging.handle;
    make->alloc_count = 1;
    guest_append(rig->guest, &rig->allocation, sizeof(rig->allocation));
    assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
    struct wire_evict *evict = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_EVICT);
    evict->device = rig->other_device;
    evict->alloc_count = 1;
    guest_append(rig->guest, &rig->allocation, sizeof(rig->allocation));
    (void)guest_send(rig->guest); /* has no status */
    assert_int_equal(residency(rig, rig->allocation), 1);
    struct wire_invalidatecache *invalidate =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_INVALIDATECACHE);
    invalidate->device = rig->other_device;
    invalidate->allocation = rig->allocation;
    assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
    invalidate = guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_INVALIDATECACHE);
    invalidate->device = rig->device;
    invalidate->allocation = rig->allocation;
    assert_int_equal(guest_send(rig->guest), STATUS_SUCCESS);
}

/* What CPUs do not cache has nothing to invalidate. */
static void uncached_memory_is_not_invalidated(void **state)
{
    struct rig *rig = *state;
    uint32_t parts[2];

    (void)create_resource(rig, 0, parts);
    struct wire_invalidatecache *invalidate =
        guest_begin(rig->guest, WIRE_VGPU, WIRE_VGPU_INVALIDATECACHE);
    invalidate->device = rig->device;
    invalidate->allocation = parts[0];
    invalidate->length = PAGE;
    assert_int_equal(guest_send(rig->guest), STATUS_INVALID_PARAMETER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offered_memory_is_told_and_locked_out),
        TEST(results_are_one_for_each),
        TEST(resources_stand_for_their_allocations),
        TEST(impossible_offers_are_refused),
        TEST(priorities_are_kept),
        TEST(wrong_priorities_change_nothing),
        TEST(properties_say_where_memory_lies),
        TEST(impossible_properties_are_refused),
        TEST(heap_transitions_are_flushed),
        TEST(allocations_of_another_device_are_refused),
        TEST(uncached_memory_is_not_invalidated),
    };
    return guest_run_in_each_mode(&mode, tests, sizeof(tests) / sizeof(tests[0]));
}
