/* SPDX-License-Identifier: MIT */
/* Processes that together want more than a segment has: who moves out, who is spared, and that
 * everything is back when it is used. */
#include "fixture.h"

#include <string.h>

#define LOCAL_PAGES 64u

struct setting {
    struct rig rig;
    struct rig other;
};

static int set_up(void **state)
{
    static struct setting setting;
    struct gpu_adapter_config config = rig_adapter_config();

    config.segment_size[KMD_SEGMENT_LOCAL] = LOCAL_PAGES * PAGE;
    rig_open(&setting.rig, NULL, &config);
    rig_open_process(&setting.other, &setting.rig);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    rig_close_process(&setting->other);
    rig_close(&setting->rig);
    return 0;
}

static void memory_info(struct rig *rig, struct gpu_memory_info *info)
{
    gpu_process_memory_info(rig->process, KMD_SEGMENT_LOCAL, info);
}

static uint64_t usage(struct rig *rig)
{
    struct gpu_memory_info info;

    memory_info(rig, &info);
    return info.usage / PAGE;
}

static uint64_t used_pages(struct rig *rig)
{
    return gpu_adapter_segment_used(rig->adapter, KMD_SEGMENT_LOCAL) / PAGE;
}

static void reserve(struct rig *rig, uint64_t pages, NTSTATUS expected)
{
    assert_int_equal(gpu_process_set_reservation(rig->process, KMD_SEGMENT_LOCAL, pages * PAGE),
                     expected);
}

static struct buffer buffer_of(struct rig *rig, uint64_t pages, uint32_t priority)
{
    struct buffer buffer = buffer_create(rig, pages * PAGE);

    gpu_allocation_set_priority(buffer.allocation, priority);
    return buffer;
}

/* Runs an addition on every page of a buffer; the memory must be there for it. */
static void use(struct rig *rig, struct gpu_context *context, struct commands *commands,
                const struct buffer *buffer)
{
    commands_restart(commands);
    for (uint64_t offset = 0; offset < buffer->size; offset += PAGE)
        softgpu_atomic(&commands->writer, 4, SOFTGPU_ATOMIC_ADD, buffer->address + offset, 1, 0, 0);
    assert_int_equal(commands_run(rig, commands, gpu_context_queue(context)), GPU_DEVICE_ACTIVE);
}

static void what_is_moved_out_comes_back_for_the_next_run(void **state)
{
    struct setting *setting = *state;
    struct rig *one = &setting->rig;
    struct rig *two = &setting->other;
    struct gpu_context *context_one = rig_new_context(one, NODE_3D);
    struct gpu_context *context_two = rig_new_context(two, NODE_3D);
    struct commands commands_one = commands_create(one); /* 16 pages */
    struct commands commands_two = commands_create(two);
    struct buffer mine = buffer_of(one, 30, D3DDDI_ALLOCATIONPRIORITY_LOW);
    struct buffer yours = buffer_of(two, 30, D3DDDI_ALLOCATIONPRIORITY_NORMAL);

    assert_int_equal(usage(one), 16);
    assert_int_equal(usage(two), 46);
    assert_false(gpu_allocation_is_resident(mine.allocation));
    assert_int_equal(used_pages(one), 62);
    for (uint32_t round = 1; round <= 20; round++) {
        use(one, context_one, &commands_one, &mine);
        assert_int_equal(usage(one), 46);
        assert_in_range(used_pages(one), 46, LOCAL_PAGES);
        use(two, context_two, &commands_two, &yours);
        assert_int_equal(usage(two), 46);
        assert_int_equal(*(uint32_t *)mine.data, round);
        assert_int_equal(((uint32_t *)yours.data)[29 * 1024], round);
    }
    gpu_context_destroy(context_one);
    gpu_context_destroy(context_two);
    commands_destroy(one, &commands_one);
    commands_destroy(two, &commands_two);
    buffer_destroy(one, &mine);
    buffer_destroy(two, &yours);
    assert_int_equal(used_pages(one), 0);
}

static void the_lowest_priority_moves_out_first(void **state)
{
    struct setting *setting = *state;
    struct rig *rig = &setting->rig;
    struct buffer high = buffer_of(rig, 20, D3DDDI_ALLOCATIONPRIORITY_HIGH);
    struct buffer low = buffer_of(rig, 20, D3DDDI_ALLOCATIONPRIORITY_LOW);
    struct buffer normal = buffer_of(rig, 20, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    struct buffer first = buffer_of(&setting->other, 20, D3DDDI_ALLOCATIONPRIORITY_NORMAL);

    assert_false(gpu_allocation_is_resident(low.allocation));
    assert_true(gpu_allocation_is_resident(normal.allocation));
    struct buffer second = buffer_of(&setting->other, 20, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    assert_false(gpu_allocation_is_resident(normal.allocation));
    assert_true(gpu_allocation_is_resident(high.allocation));
    assert_int_equal(usage(rig), 20);
    buffer_destroy(rig, &high);
    buffer_destroy(rig, &low);
    buffer_destroy(rig, &normal);
    buffer_destroy(&setting->other, &first);
    buffer_destroy(&setting->other, &second);
}

static void among_equals_the_longest_unused_moves_out(void **state)
{
    struct setting *setting = *state;
    struct rig third;
    struct gpu_context *context = rig_new_context(&setting->rig, NODE_3D);
    struct commands commands = commands_create(&setting->rig);
    struct buffer recent = buffer_of(&setting->rig, 4, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    struct buffer unused = buffer_of(&setting->other, 20, D3DDDI_ALLOCATIONPRIORITY_NORMAL);

    rig_open_process(&third, &setting->rig);
    use(&setting->rig, context, &commands, &recent);
    struct buffer newcomer = buffer_of(&third, 40, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    assert_false(gpu_allocation_is_resident(unused.allocation));
    assert_true(gpu_allocation_is_resident(recent.allocation));
    assert_true(gpu_allocation_is_resident(newcomer.allocation));
    buffer_destroy(&third, &newcomer);
    rig_close_process(&third);
    gpu_context_destroy(context);
    commands_destroy(&setting->rig, &commands);
    buffer_destroy(&setting->rig, &recent);
    buffer_destroy(&setting->other, &unused);
}

static void offered_memory_of_anybody_goes_before_anything_moves(void **state)
{
    struct setting *setting = *state;
    struct buffer kept = buffer_of(&setting->rig, 20, D3DDDI_ALLOCATIONPRIORITY_MINIMUM);
    struct buffer offered = buffer_of(&setting->rig, 30, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM);

    assert_int_equal(
        gpu_device_offer(setting->rig.device, 1, &offered.allocation, GPU_OFFER_HIGH, false),
        STATUS_SUCCESS);
    *(uint32_t *)offered.data = 5;
    struct buffer newcomer = buffer_of(&setting->other, 40, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
    assert_int_equal(*(uint32_t *)offered.data, 0);
    assert_true(gpu_allocation_is_resident(kept.allocation));
    buffer_destroy(&setting->rig, &kept);
    buffer_destroy(&setting->rig, &offered);
    buffer_destroy(&setting->other, &newcomer);
}

static void reservations_are_guaranteed(void **state)
{
    struct setting *setting = *state;
    struct gpu_memory_info info;
    uint64_t value;
    uint64_t trim;

    reserve(&setting->rig, 32, STATUS_SUCCESS);
    memory_info(&setting->other, &info);
    assert_int_equal(info.budget, 32 * PAGE);
    assert_int_equal(info.available_for_reservation, 32 * PAGE);
    struct buffer kept = buffer_of(&setting->rig, 30, D3DDDI_ALLOCATIONPRIORITY_MINIMUM);
    struct gpu_allocation *greedy = rig_allocate(&setting->other, 33 * PAGE, 0);
    assert_int_equal(gpu_paging_queue_make_resident(setting->other.paging, 1, &greedy,
                                                    GPU_RESIDENT_CANT_TRIM_FURTHER, &value, &trim),
                     STATUS_NO_MEMORY);
    assert_int_equal(trim, PAGE);
    struct buffer full = buffer_of(&setting->other, 32, D3DDDI_ALLOCATIONPRIORITY_MAXIMUM);
    assert_int_equal(usage(&setting->rig), 30);
    assert_int_equal(usage(&setting->other), 32);
    /* Nobody may reserve what others need to run at all. */
    reserve(&setting->other, 33, STATUS_INVALID_PARAMETER);
    memory_info(&setting->rig, &info);
    assert_int_equal(info.available_for_reservation, 32 * PAGE);
    reserve(&setting->rig, 0, STATUS_SUCCESS);
    memory_info(&setting->other, &info);
    assert_int_equal(info.budget, LOCAL_PAGES * PAGE);
    gpu_allocation_release(greedy);
    buffer_destroy(&setting->rig, &kept);
    buffer_destroy(&setting->other, &full);
}

static void a_reservation_ends_with_its_process(void **state)
{
    struct setting *setting = *state;
    struct rig third;
    struct gpu_memory_info info;

    rig_open_process(&third, &setting->rig);
    reserve(&third, 20, STATUS_SUCCESS);
    memory_info(&setting->rig, &info);
    assert_int_equal(info.budget, 44 * PAGE);
    rig_close_process(&third);
    memory_info(&setting->rig, &info);
    assert_int_equal(info.budget, LOCAL_PAGES * PAGE);
}

/* ---- Memory in use */

/* While one process runs, its memory stays; the other's work on another engine waits for room, and
 * is done when the first has ended. */
static void memory_in_use_is_waited_for(void **state)
{
    struct setting *setting = *state;
    struct rig *one = &setting->rig;
    struct rig *two = &setting->other;
    struct gate gate;
    struct gpu_context *context_one = rig_new_context(one, NODE_3D);
    struct gpu_context *context_two = rig_new_context(two, NODE_COPY);
    struct commands commands_one = commands_create(one);
    struct buffer mine = buffer_of(one, 30, D3DDDI_ALLOCATIONPRIORITY_LOW);
    struct gpu_fence *done = rig_new_fence(one, 0);
    uint64_t one_value = 1;

    gate_close(&gate, one, &commands_one);
    softgpu_atomic(&commands_one.writer, 4, SOFTGPU_ATOMIC_ADD, mine.address, 1, 0, 0);
    commands_submit(&commands_one, gpu_context_queue(context_one));
    assert_int_equal(gpu_queue_signal(gpu_context_queue(context_one), 1, &done, &one_value),
                     STATUS_SUCCESS);
    gate_until_entered(&gate);

    struct commands commands_two = commands_create(two);
    struct buffer yours = buffer_of(two, 30, D3DDDI_ALLOCATIONPRIORITY_HIGH);
    struct gpu_fence *other_done = rig_new_fence(two, 0);

    assert_int_equal(usage(one), 46);
    assert_true(usage(two) < 46);
    softgpu_write32(&commands_two.writer, yours.address, 2);
    commands_submit(&commands_two, gpu_context_queue(context_two));
    assert_int_equal(gpu_queue_signal(gpu_context_queue(context_two), 1, &other_done, &one_value),
                     STATUS_SUCCESS);
    assert_int_equal(*(uint32_t *)yours.data, 0); /* it cannot have run: there is no room */
    gate_open(&gate);
    assert_int_equal(rig_wait(one, done, 1), GPU_WAIT_SATISFIED);
    assert_int_equal(rig_wait(two, other_done, 1), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_device_get_state(one->device), GPU_DEVICE_ACTIVE);
    assert_int_equal(gpu_device_get_state(two->device), GPU_DEVICE_ACTIVE);
    assert_int_equal(*(uint32_t *)mine.data, 1);
    assert_int_equal(*(uint32_t *)yours.data, 2);
    gpu_fence_release(done);
    gpu_fence_release(other_done);
    gpu_context_destroy(context_one);
    gpu_context_destroy(context_two);
    commands_destroy(one, &commands_one);
    commands_destroy(two, &commands_two);
    buffer_destroy(one, &mine);
    buffer_destroy(two, &yours);
}

/* Who waits for room and goes away leaves nobody waiting for it. */
static void a_destroyed_claim_holds_nobody_up(void **state)
{
    struct setting *setting = *state;
    struct rig *one = &setting->rig;
    struct gate gate;
    struct gpu_context *context = rig_new_context(one, NODE_3D);
    struct commands commands = commands_create(one);
    struct buffer mine = buffer_of(one, 30, D3DDDI_ALLOCATIONPRIORITY_LOW);
    struct rig two;

    gate_close(&gate, one, &commands);
    commands_submit(&commands, gpu_context_queue(context));
    gate_until_entered(&gate);
    rig_open_process(&two, one);
    struct gpu_context *waiting = rig_new_context(&two, NODE_COPY);
    struct commands commands_two = commands_create(&two);
    struct buffer yours = buffer_of(&two, 30, D3DDDI_ALLOCATIONPRIORITY_HIGH);
    softgpu_write32(&commands_two.writer, yours.address, 2);
    commands_submit(&commands_two, gpu_context_queue(waiting));
    gpu_device_flush(two.device); /* its turn came, and it waits */
    gpu_context_destroy(waiting);
    gate_open(&gate);
    use(one, context, &commands, &mine);
    commands_destroy(&two, &commands_two);
    buffer_destroy(&two, &yours);
    rig_close_process(&two);
    gpu_context_destroy(context);
    commands_destroy(one, &commands);
    buffer_destroy(one, &mine);
}

/* Two engines, two processes, room for one of them at a time: both get on, and nothing faults. */
static void processes_take_turns(void **state)
{
    struct setting *setting = *state;
    struct rig *rigs[] = {&setting->rig, &setting->other};
    struct gpu_context *contexts[2];
    struct commands commands[2];
    struct buffer buffers[2];
    struct gpu_fence *done[2];
    uint64_t rounds = 300;

    for (unsigned i = 0; i < 2; i++) {
        contexts[i] = rig_new_context(rigs[i], i ? NODE_COPY : NODE_3D);
        commands[i] = commands_create(rigs[i]);
        buffers[i] = buffer_of(rigs[i], 40, D3DDDI_ALLOCATIONPRIORITY_NORMAL);
        done[i] = rig_new_fence(rigs[i], 0);
        for (uint64_t page = 0; page < 40; page++)
            softgpu_atomic(&commands[i].writer, 4, SOFTGPU_ATOMIC_ADD,
                           buffers[i].address + page * PAGE, 1, 0, 0);
    }
    for (uint64_t round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < 2; i++)
            commands_submit(&commands[i], gpu_context_queue(contexts[i]));
    }
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(gpu_queue_signal(gpu_context_queue(contexts[i]), 1, &done[i], &rounds),
                         STATUS_SUCCESS);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(rig_wait(rigs[i], done[i], rounds), GPU_WAIT_SATISFIED);
        assert_int_equal(gpu_device_get_state(rigs[i]->device), GPU_DEVICE_ACTIVE);
        assert_int_equal(((uint32_t *)buffers[i].data)[39 * 1024], rounds);
    }
    for (unsigned i = 0; i < 2; i++) {
        gpu_fence_release(done[i]);
        gpu_context_destroy(contexts[i]);
        commands_destroy(rigs[i], &commands[i]);
        buffer_destroy(rigs[i], &buffers[i]);
    }
    assert_int_equal(used_pages(rigs[0]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_moved_out_comes_back_for_the_next_run),
        TEST(the_lowest_priority_moves_out_first),
        TEST(among_equals_the_longest_unused_moves_out),
        TEST(offered_memory_of_anybody_goes_before_anything_moves),
        TEST(reservations_are_guaranteed),
        TEST(a_reservation_ends_with_its_process),
        TEST(memory_in_use_is_waited_for),
        TEST(a_destroyed_claim_holds_nobody_up),
        TEST(processes_take_turns),
    };

    return cmocka_run_group_tests_name("gpu-trim", tests, NULL, NULL);
}
