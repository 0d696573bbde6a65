/* SPDX-License-Identifier: MIT */
/* Each command of the software GPU: what it does to memory, and what it refuses. */
#include "fixture.h"

#include <stdatomic.h>
#include <string.h>

struct setting {
    struct rig rig;
    struct gpu_context *context;
    struct gpu_queue *queue;
    struct commands commands;
    struct buffer memory; /* 64 KiB */
};

#define MEMORY_BYTES (64u * 1024u)

static int set_up(void **state)
{
    static struct setting setting;

    rig_open(&setting.rig, NULL, NULL);
    setting.context = rig_new_context(&setting.rig, NODE_3D);
    setting.queue = gpu_context_queue(setting.context);
    setting.commands = commands_create(&setting.rig);
    setting.memory = buffer_create(&setting.rig, MEMORY_BYTES);
    *state = &setting;
    return 0;
}

static int tear_down(void **state)
{
    struct setting *setting = *state;

    buffer_destroy(&setting->rig, &setting->memory);
    commands_destroy(&setting->rig, &setting->commands);
    gpu_context_destroy(setting->context);
    rig_close(&setting->rig);
    return 0;
}

static void expect(struct setting *setting, enum gpu_device_state state)
{
    assert_int_equal(commands_run(&setting->rig, &setting->commands, setting->queue), state);
}

static uint32_t *words_of(struct setting *setting)
{
    return setting->memory.data;
}

static void nop_does_nothing(void **state)
{
    struct setting *setting = *state;

    softgpu_nop(&setting->commands.writer, 1);
    softgpu_nop(&setting->commands.writer, 3000); /* longer than the interpreter looks at once */
    softgpu_write32(&setting->commands.writer, setting->memory.address, 7);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(words_of(setting)[0], 7);
}

static void empty_buffers_are_fine(void **state)
{
    expect(*state, GPU_DEVICE_ACTIVE);
}

static void fill_writes_its_range_and_no_more(void **state)
{
    struct setting *setting = *state;
    uint32_t *words = words_of(setting);

    softgpu_fill(&setting->commands.writer, setting->memory.address + 8, 0x11223344, 12000);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(words[1], 0);
    for (unsigned i = 2; i < 2 + 3000; i++)
        assert_int_equal(words[i], 0x11223344);
    assert_int_equal(words[3002], 0);
}

static void fill_keeps_its_phase_over_pages(void **state)
{
    struct setting *setting = *state;
    uint8_t *bytes = setting->memory.data;
    static const uint8_t pattern[] = {0x44, 0x33, 0x22, 0x11};
    struct gpu_map map = {.allocation = setting->memory.allocation,
                          .size_in_pages = 1,
                          .protection = GPU_PROTECTION_WRITE};
    uint64_t address;

    /* Two pages in the wrong order: the access is cut at the page, in the middle of a pattern. */
    map.placement.base = UINT64_C(0x200000000);
    map.offset_in_pages = 1;
    assert_int_equal(gpu_address_map(setting->rig.process, &map, &address), STATUS_SUCCESS);
    map.placement.base += PAGE;
    map.offset_in_pages = 0;
    assert_int_equal(gpu_address_map(setting->rig.process, &map, &address), STATUS_SUCCESS);
    softgpu_fill(&setting->commands.writer, UINT64_C(0x200000000) + PAGE - 5, 0x11223344, 16);
    expect(setting, GPU_DEVICE_ACTIVE);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(bytes[2 * PAGE - 5 + i], pattern[i % 4]);
    for (unsigned i = 5; i < 16; i++)
        assert_int_equal(bytes[i - 5], pattern[i % 4]);
    assert_int_equal(bytes[11], 0);
}

static void copy_moves_bytes_at_any_alignment(void **state)
{
    struct setting *setting = *state;
    uint8_t *bytes = setting->memory.data;

    for (unsigned i = 0; i < 20000; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    softgpu_copy(&setting->commands.writer, setting->memory.address + 40001,
                 setting->memory.address + 3, 19000);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_memory_equal(bytes + 40001, bytes + 3, 19000);
    assert_int_equal(bytes[40000], 0);
    assert_int_equal(bytes[59001], 0);
}

static void long_copies_go_on_where_they_yielded(void **state)
{
    struct setting *setting = *state;
    uint64_t size = (UINT64_C(24) << 20) + 12;
    struct buffer source = buffer_create(&setting->rig, size);
    struct buffer destination = buffer_create(&setting->rig, size);
    uint32_t *words = source.data;
    struct gpu_context *rival = rig_new_context(&setting->rig, NODE_3D);
    struct commands other = commands_create(&setting->rig);

    for (uint64_t i = 0; i < size / 4; i++)
        words[i] = (uint32_t)(i * 2654435761u);
    softgpu_copy(&setting->commands.writer, destination.address, source.address, size);
    softgpu_write32(&other.writer, setting->memory.address, 1);
    for (unsigned i = 0; i < 200; i++)
        commands_submit(&other, gpu_context_queue(rival));
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_memory_equal(destination.data, source.data, size);
    gpu_context_destroy(rival);
    commands_destroy(&setting->rig, &other);
    buffer_destroy(&setting->rig, &destination);
    buffer_destroy(&setting->rig, &source);
}

static void overlapping_copies_harm_nobody_else(void **state)
{
    struct setting *setting = *state;
    uint8_t *bytes = setting->memory.data;

    softgpu_copy(&setting->commands.writer, setting->memory.address + 100, setting->memory.address,
                 10000);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(bytes[10100], 0);
}

static void write_stores_32_and_64_bits(void **state)
{
    struct setting *setting = *state;
    uint64_t value;

    softgpu_write32(&setting->commands.writer, setting->memory.address + 4, 0xdeadbeef);
    softgpu_write64(&setting->commands.writer, setting->memory.address + 8,
                    UINT64_C(0x0123456789abcdef));
    softgpu_write64(&setting->commands.writer, setting->memory.address + 4093,
                    UINT64_C(0x1122334455667788));
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(words_of(setting)[0], 0);
    assert_int_equal(words_of(setting)[1], 0xdeadbeef);
    memcpy(&value, (uint8_t *)setting->memory.data + 8, 8);
    assert_int_equal(value, UINT64_C(0x0123456789abcdef));
    memcpy(&value, (uint8_t *)setting->memory.data + 4093, 8);
    assert_int_equal(value, UINT64_C(0x1122334455667788));
}

struct atomic_case {
    enum softgpu_atomic operation;
    uint64_t before;
    uint64_t operand;
    uint64_t compare;
    uint64_t after;
};

static void atomics_compute_and_return_the_old_value(void **state)
{
    static const struct atomic_case cases[] = {
        {SOFTGPU_ATOMIC_ADD, 0xffffffff, 2, 0, UINT64_C(0x100000001)},
        {SOFTGPU_ATOMIC_AND, 0xf0f0, 0xff00, 0, 0xf000},
        {SOFTGPU_ATOMIC_OR, 0xf0f0, 0x0f00, 0, 0xfff0},
        {SOFTGPU_ATOMIC_XOR, 0xf0f0, 0xff00, 0, 0x0ff0},
        {SOFTGPU_ATOMIC_MIN, 5, 0x80000000, 0, 5},
        {SOFTGPU_ATOMIC_MAX, 5, 0x80000000, 0, 0x80000000},
        {SOFTGPU_ATOMIC_EXCHANGE, 5, 6, 0, 6},
        {SOFTGPU_ATOMIC_COMPARE_EXCHANGE, 5, 6, 5, 6},
        {SOFTGPU_ATOMIC_COMPARE_EXCHANGE, 5, 6, 4, 5},
    };
    struct setting *setting = *state;
    uint64_t *wide = setting->memory.data;
    uint32_t *narrow = (uint32_t *)setting->memory.data + 512;
    uint64_t at = setting->memory.address;
    size_t count = sizeof(cases) / sizeof(cases[0]);

    for (size_t i = 0; i < count; i++) {
        wide[2 * i] = cases[i].before;
        narrow[2 * i] = (uint32_t)cases[i].before;
        softgpu_atomic(&setting->commands.writer, 8, cases[i].operation, at + 16 * i,
                       cases[i].operand, cases[i].compare, at + 16 * i + 8);
        softgpu_atomic(&setting->commands.writer, 4, cases[i].operation, at + 2048 + 8 * i,
                       cases[i].operand, cases[i].compare, at + 2048 + 8 * i + 4);
    }
    expect(setting, GPU_DEVICE_ACTIVE);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(wide[2 * i], cases[i].after);
        assert_int_equal(wide[2 * i + 1], cases[i].before);
        assert_int_equal(narrow[2 * i], (uint32_t)cases[i].after);
        assert_int_equal(narrow[2 * i + 1], (uint32_t)cases[i].before);
    }
}

static void arithmetic_works_element_by_element(void **state)
{
    struct setting *setting = *state;
    uint32_t *words = words_of(setting);
    float *floats = setting->memory.data;
    uint64_t at = setting->memory.address;
    const uint32_t count = 2500; /* more than one chunk, not a multiple of it */

    for (uint32_t i = 0; i < count; i++) {
        words[i] = i * 0x10001u;
        words[count + i] = ~i;
    }
    softgpu_arithmetic(&setting->commands.writer, SOFTGPU_ADD, SOFTGPU_U32, at + 8 * count, at,
                       at + 4 * count, count);
    softgpu_arithmetic(&setting->commands.writer, SOFTGPU_MUL, SOFTGPU_U32, at + 12 * count, at,
                       at + 4 * count, count);
    softgpu_arithmetic(&setting->commands.writer, SOFTGPU_XOR, SOFTGPU_U32, at + 16 * count, at,
                       at + 4 * count, count);
    expect(setting, GPU_DEVICE_ACTIVE);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(words[2 * count + i], i * 0x10001u + ~i);
        assert_int_equal(words[3 * count + i], i * 0x10001u * ~i);
        assert_int_equal(words[4 * count + i], (i * 0x10001u) ^ ~i);
    }
    for (uint32_t i = 0; i < count; i++) {
        floats[i] = (float)i;
        floats[count + i] = 0.5f;
    }
    commands_restart(&setting->commands);
    softgpu_arithmetic(&setting->commands.writer, SOFTGPU_ADD, SOFTGPU_F32, at + 8 * count, at,
                       at + 4 * count, count);
    softgpu_arithmetic(&setting->commands.writer, SOFTGPU_MUL, SOFTGPU_F32, at + 12 * count, at,
                       at + 4 * count, count);
    expect(setting, GPU_DEVICE_ACTIVE);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(floats[2 * count + i] == (float)i + 0.5f);
        assert_true(floats[3 * count + i] == (float)i * 0.5f);
    }
}

static void timestamps_grow(void **state)
{
    struct setting *setting = *state;
    uint64_t *values = setting->memory.data;

    softgpu_timestamp(&setting->commands.writer, setting->memory.address);
    softgpu_timestamp(&setting->commands.writer, setting->memory.address + 8);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_not_equal(values[0], 0);
    assert_true(values[1] >= values[0]);
}

static void signal_sets_a_fence_and_wakes_its_waiter(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 3);
    uint64_t address;

    assert_int_equal(gpu_address_map_fence(setting->rig.process, fence, true, &address),
                     STATUS_SUCCESS);
    softgpu_signal(&setting->commands.writer, address, 10);
    commands_submit(&setting->commands, setting->queue);
    assert_int_equal(rig_wait(&setting->rig, fence, 10), GPU_WAIT_SATISFIED);
    assert_int_equal(gpu_fence_value(fence), 10);
    assert_int_equal(gpu_address_free(setting->rig.process, address, PAGE), STATUS_SUCCESS);
    gpu_fence_release(fence);
}

static void submit_data_name_a_fence(void **state)
{
    struct setting *setting = *state;
    struct gpu_fence *fence = rig_new_fence(&setting->rig, 0);
    struct softgpu_submit data;
    uint64_t address;

    assert_int_equal(gpu_address_map_fence(setting->rig.process, fence, true, &address),
                     STATUS_SUCCESS);
    data = softgpu_submit_data(address, 5);
    softgpu_write32(&setting->commands.writer, setting->memory.address, 9);
    assert_int_equal(gpu_queue_submit(setting->queue, setting->commands.buffer.address,
                                      (uint32_t)softgpu_writer_size(&setting->commands.writer),
                                      &data, sizeof(data)),
                     STATUS_SUCCESS);
    assert_int_equal(rig_wait(&setting->rig, fence, 5), GPU_WAIT_SATISFIED);
    assert_int_equal(words_of(setting)[0], 9);
    gpu_fence_release(fence);
}

static void wait_lets_other_contexts_run(void **state)
{
    struct setting *setting = *state;
    struct gpu_context *other = rig_new_context(&setting->rig, NODE_3D);
    struct commands release = commands_create(&setting->rig);

    softgpu_wait(&setting->commands.writer, SOFTGPU_GREATER_EQUAL, setting->memory.address, 5);
    softgpu_wait(&setting->commands.writer, SOFTGPU_EQUAL, setting->memory.address, 6);
    softgpu_wait(&setting->commands.writer, SOFTGPU_NOT_EQUAL, setting->memory.address, 5);
    softgpu_write32(&setting->commands.writer, setting->memory.address + 8, 1);
    commands_submit(&setting->commands, setting->queue);
    softgpu_write64(&release.writer, setting->memory.address, 6);
    assert_int_equal(commands_run(&setting->rig, &release, gpu_context_queue(other)),
                     GPU_DEVICE_ACTIVE);
    commands_restart(&setting->commands);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(words_of(setting)[2], 1);
    gpu_context_destroy(other);
    commands_destroy(&setting->rig, &release);
}

static bool sum(void *context, const struct softgpu_call *call)
{
    uint32_t *calls = context;
    uint32_t total = 0;

    (*calls)++;
    for (uint32_t i = 2; i < call->argument_count; i++)
        total += call->arguments[i];
    return call->services->WriteMemory(call->execution, softgpu_get64(call->arguments), &total,
                                       sizeof(total));
}

static void call_reaches_a_registered_function(void **state)
{
    struct setting *setting = *state;
    void *adapter = gpu_adapter_miniport_adapter(setting->rig.adapter);
    uint32_t arguments[] = {0, 0, 10, 20, 30};
    uint32_t calls = 0;

    softgpu_put64(arguments, setting->memory.address + 40);
    assert_int_equal(kmd_softgpu_set_function(adapter, SOFTGPU_MAX_FUNCTIONS, sum, &calls),
                     STATUS_INVALID_PARAMETER);
    assert_int_equal(kmd_softgpu_set_function(adapter, 63, sum, &calls), STATUS_SUCCESS);
    softgpu_call_function(&setting->commands.writer, 63, arguments, 5);
    expect(setting, GPU_DEVICE_ACTIVE);
    assert_int_equal(calls, 1);
    assert_int_equal(words_of(setting)[10], 60);
    assert_int_equal(kmd_softgpu_set_function(adapter, 63, NULL, NULL), STATUS_SUCCESS);
    expect(setting, GPU_DEVICE_DMA_FAULT);
}

/* ---- Refusals */

struct bad_command {
    uint32_t words[12];
    uint32_t count;
};

static void malformed_commands_are_dma_faults(void **state)
{
    static const struct bad_command cases[] = {
        {{SOFTGPU_NOP}, 1},                           /* length 0 */
        {{SOFTGPU_NOP | 2 << 16}, 1},                 /* longer than the buffer */
        {{SOFTGPU_OPCODE_COUNT | 1 << 16}, 1},        /* no such command */
        {{0xffff | 1 << 16}, 1},                      /* no such command */
        {{SOFTGPU_FILL | 5 << 16}, 5},                /* too short */
        {{SOFTGPU_FILL | 7 << 16}, 7},                /* too long */
        {{SOFTGPU_FILL | 6 << 16, 0, 0, 0, 3, 0}, 6}, /* size not a multiple of 4 */
        {{SOFTGPU_ATOMIC32 | 10 << 16, SOFTGPU_ATOMIC_OPERATION_COUNT}, 10}, /* no such operation */
        {{SOFTGPU_ATOMIC64 | 10 << 16, SOFTGPU_ATOMIC_ADD, 4}, 10},          /* not aligned */
        {{SOFTGPU_WAIT | 6 << 16, 3}, 6},                     /* no such comparison */
        {{SOFTGPU_WAIT | 6 << 16, 0, 4}, 6},                  /* not aligned */
        {{SOFTGPU_SIGNAL | 5 << 16, 4}, 5},                   /* not aligned */
        {{SOFTGPU_ADD | 9 << 16, 2}, 9},                      /* no such type */
        {{SOFTGPU_XOR | 9 << 16, SOFTGPU_F32}, 9},            /* no such combination */
        {{SOFTGPU_CALL | 2 << 16, 0}, 2},                     /* no such function */
        {{SOFTGPU_CALL | 2 << 16, SOFTGPU_MAX_FUNCTIONS}, 2}, /* no such function */
        {{SOFTGPU_HANG | 2 << 16}, 2},                        /* operands */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *own = NULL;
        struct setting *setting;

        set_up(&own);
        setting = own;
        memcpy(setting->commands.buffer.data, cases[i].words, sizeof(cases[i].words));
        setting->commands.writer.used = cases[i].count;
        expect(setting, GPU_DEVICE_DMA_FAULT);
        tear_down(&own);
    }
}

static void ragged_length_is_a_dma_fault(void **state)
{
    struct setting *setting = *state;

    assert_int_equal(gpu_queue_submit(setting->queue, setting->commands.buffer.address, 6, NULL, 0),
                     STATUS_SUCCESS);
    rig_wait_for_error(&setting->rig);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_DMA_FAULT);
}

static void truncated_submit_data_are_a_dma_fault(void **state)
{
    struct setting *setting = *state;
    struct softgpu_submit data = softgpu_submit_data(setting->memory.address, 1);

    assert_int_equal(
        gpu_queue_submit(setting->queue, setting->commands.buffer.address, 0, &data, 8),
        STATUS_SUCCESS);
    rig_wait_for_error(&setting->rig);
    assert_int_equal(setting->rig.error_state, GPU_DEVICE_DMA_FAULT);
}

static void writer_leaves_out_what_does_not_fit(void **state)
{
    uint32_t words[8] = {0};
    struct softgpu_writer writer;

    (void)state;
    softgpu_writer_init(&writer, words, sizeof(words));
    softgpu_write32(&writer, 1, 2);
    assert_int_equal(softgpu_writer_size(&writer), 16);
    softgpu_write64(&writer, 1, 2);
    assert_true(writer.overflow);
    assert_int_equal(writer.used, 4);
    assert_int_equal(words[4], 0);
    softgpu_write32(&writer, 1, 2); /* would fit, but the buffer is broken already */
    assert_int_equal(softgpu_writer_size(&writer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nop_does_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_buffers_are_fine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fill_writes_its_range_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fill_keeps_its_phase_over_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copy_moves_bytes_at_any_alignment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_copies_go_on_where_they_yielded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overlapping_copies_harm_nobody_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(write_stores_32_and_64_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(atomics_compute_and_return_the_old_value, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(arithmetic_works_element_by_element, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timestamps_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(signal_sets_a_fence_and_wakes_its_waiter, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(submit_data_name_a_fence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wait_lets_other_contexts_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(call_reaches_a_registered_function, set_up, tear_down),
        cmocka_unit_test(malformed_commands_are_dma_faults),
        cmocka_unit_test_setup_teardown(ragged_length_is_a_dma_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncated_submit_data_are_a_dma_fault, set_up, tear_down),
        cmocka_unit_test(writer_leaves_out_what_does_not_fit),
    };

    return cmocka_run_group_tests_name("gpu-commands", tests, NULL, NULL);
}
