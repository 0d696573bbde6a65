/* SPDX-License-Identifier: MIT */
/*
 * The miniport for Intel's driver, through the public interface: what the adapter says, surfaces
 * whose size is in their private data, and batches, whose effect on memory is looked at.
 */
#include "miniports/intel/tokens.h"
#include "umd/umd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>

enum { PAGE = 4096, INFO = 4096, SECOND_LEVEL = 1 << 22, WAIT_MS = 20000 };

struct rig {
    struct umd umd;
    struct umd_fence fence;
    uint64_t fence_value;
    D3DKMT_HANDLE context;
    uint32_t *batch, *data; /* a page each, as the CPU sees them */
    uint64_t batch_address, data_address;
    size_t start; /* units of the batch's page before the next batch */
    D3DKMT_HANDLE allocations[2];
};

/* ---- private data */

static UINT describe_surface(unsigned char *data, size_t size, uint64_t bytes)
{
    struct token_writer writer = {.data = data, .size = size};
    size_t surface = tokens_begin(&writer, TOKEN_SURFACE, 0);
    size_t resource = tokens_begin(&writer, TOKEN_SURFACE_RESOURCE, 0);
    size_t texture = tokens_begin(&writer, TOKEN_RESOURCE_TEXTURE, 0);

    tokens_u64(&writer, TOKEN_TEXTURE_SIZE, bytes);
    tokens_end(&writer, texture);
    tokens_end(&writer, resource);
    tokens_end(&writer, surface);
    return (UINT)writer.used;
}

static NTSTATUS allocate(struct rig *rig, void *data, UINT size, void *memory,
                         D3DKMT_HANDLE *handle)
{
    D3DKMT_CREATEALLOCATION create;
    D3DDDI_ALLOCATIONINFO2 info;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = data;
    info.PrivateDriverDataSize = size;
    info.pSystemMem = memory;
    memset(&create, 0, sizeof(create));
    create.hDevice = rig->umd.device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    NTSTATUS status = D3DKMTCreateAllocation2(&create);
    *handle = info.hAllocation;
    return status;
}

static void *new_page(struct rig *rig, D3DKMT_HANDLE *handle, uint64_t *address)
{
    struct umd_buffer buffer = {.size = PAGE};
    unsigned char private_data[128];
    D3DKMT_LOCK2 lock;

    UINT size = describe_surface(private_data, sizeof(private_data), PAGE);
    assert_int_equal(allocate(rig, private_data, size, NULL, &buffer.allocation), STATUS_SUCCESS);
    memset(&lock, 0, sizeof(lock));
    lock.hDevice = rig->umd.device;
    lock.hAllocation = buffer.allocation;
    assert_int_equal(D3DKMTLock2(&lock), STATUS_SUCCESS);
    assert_int_equal(umd_buffer_map(&rig->umd, &buffer), STATUS_SUCCESS);
    *handle = buffer.allocation;
    *address = buffer.address;
    return lock.pData;
}

static int open_rig(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    assert_int_equal(d3dkmt_open("loopback:miniport=intel"), STATUS_SUCCESS);
    assert_int_equal(umd_open(&rig->umd, 0), STATUS_SUCCESS);
    assert_int_equal(umd_context_create(&rig->umd, 0, &rig->context), STATUS_SUCCESS);
    assert_int_equal(umd_fence_create(&rig->umd, 0, &rig->fence), STATUS_SUCCESS);
    rig->batch = new_page(rig, &rig->allocations[0], &rig->batch_address);
    rig->data = new_page(rig, &rig->allocations[1], &rig->data_address);
    *state = rig;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *rig = *state;

    umd_close(&rig->umd);
    D3DKMTCloseDxCoreDevice();
    free(rig);
    return 0;
}

/* ---- submission */

/* With a header that names the fence, unless value is 0. */
static NTSTATUS submit(struct rig *rig, uint64_t value)
{
    unsigned char header[128];
    struct token_writer writer = {.data = header, .size = sizeof(header)};
    size_t begin = tokens_begin(&writer, TOKEN_SUBMIT_HEADER, 0);
    D3DKMT_SUBMITCOMMAND args;

    if (value) {
        tokens_u64(&writer, TOKEN_SUBMIT_FENCE_ADDRESS, rig->fence.address);
        tokens_u64(&writer, TOKEN_SUBMIT_FENCE_VALUE, value);
    }
    tokens_end(&writer, begin);
    memset(&args, 0, sizeof(args));
    args.Commands = rig->batch_address + rig->start * sizeof(uint32_t);
    args.CommandLength = PAGE / 2;
    args.BroadcastContextCount = 1;
    args.BroadcastContext[0] = rig->context;
    args.pPrivateDriverData = header;
    args.PrivateDriverDataSize = (UINT)writer.used;
    return D3DKMTSubmitCommand(&args);
}

static void put(struct rig *rig, size_t at, const uint32_t *units, size_t count)
{
    memcpy(rig->batch + at, units, count * sizeof(*units));
}

/* Runs a batch to its end. */
static void run(struct rig *rig, const uint32_t *units, size_t count)
{
    put(rig, 0, units, count);
    assert_int_equal(submit(rig, ++rig->fence_value), STATUS_SUCCESS);
    assert_int_equal(umd_wait_on_cpu(&rig->umd, &rig->fence, rig->fence_value), STATUS_SUCCESS);
}

#define RUN(rig, ...)                                                                              \
    run(rig, (const uint32_t[]){__VA_ARGS__, 0x05000000},                                          \
        sizeof((const uint32_t[]){__VA_ARGS__, 0x05000000}) / sizeof(uint32_t))
#define AT(address) (uint32_t)(address), (uint32_t)((address) >> 32)

/* ---- the adapter */

static NTSTATUS query(struct rig *rig, void *data, UINT size)
{
    D3DKMT_QUERYADAPTERINFO args;

    memset(&args, 0, sizeof(args));
    args.hAdapter = rig->umd.adapter;
    args.Type = KMTQAITYPE_UMDRIVERPRIVATE;
    args.pPrivateDriverData = data;
    args.PrivateDriverDataSize = size;
    return D3DKMTQueryAdapterInfo(&args);
}

static uint64_t number(struct token_span stream, enum token id)
{
    uint64_t value = 0;

    assert_true(tokens_number(stream, id, &value));
    return value;
}

static void the_adapter_describes_a_tiger_lake(void **state)
{
    static unsigned char info[INFO];
    struct token_span all = {info, sizeof(info)}, part, slice;

    assert_int_equal(query(*state, info, sizeof(info)), STATUS_SUCCESS);
    assert_true(tokens_structure(all, TOKEN_ADAPTER_INFO, &all));
    assert_true(tokens_structure(all, TOKEN_ADAPTER_PLATFORM, &part));
    assert_int_equal(number(part, TOKEN_PLATFORM_PRODUCT), 33);
    assert_int_equal(number(part, TOKEN_PLATFORM_DEVICE_ID), 0x9a49);
    assert_int_equal(number(all, TOKEN_ADAPTER_SHARED_MEMORY), (uint64_t)8 << 30);
    assert_true(tokens_structure(all, TOKEN_ADAPTER_FEATURES, &part));
    assert_int_equal(number(part, TOKEN_FEATURE_SVM), 1);
    assert_true(tokens_structure(all, TOKEN_ADAPTER_TOPOLOGY, &part));
    assert_int_equal(number(part, TOKEN_TOPOLOGY_EU_COUNT), 96);
    assert_int_equal(number(part, TOKEN_TOPOLOGY_THREAD_COUNT), 672);
    assert_int_equal(number(part, TOKEN_TOPOLOGY_MAX_EU_PER_SUBSLICE), 16);
    assert_true(tokens_structure(part, TOKEN_TOPOLOGY_SLICES, &slice));
    assert_true(tokens_structure(slice, TOKEN_SLICE_DUAL_SUBSLICES, &slice));
    assert_true(tokens_structure(slice, TOKEN_DUAL_SUBSLICE_SUBSLICES, &slice));
    assert_int_equal(number(slice, TOKEN_SUBSLICE_EU_COUNT), 8);
    assert_true(tokens_structure(all, TOKEN_ADAPTER_HEAPS, &part));
    assert_true(tokens_structure(part, TOKEN_HEAPS_SVM, &part));
    assert_int_equal(number(part, TOKEN_HEAP_BASE), 0);
    assert_int_equal(number(part, TOKEN_HEAP_LIMIT), 0x7fffffffffff);
    assert_int_equal(query(*state, info, 512), STATUS_BUFFER_TOO_SMALL);
}

/* The helper in the driver store hands streams through, and says how large its structures are. */
static void the_driver_store_holds_the_helper(void **state)
{
    struct rig *rig = *state;
    struct {
        D3DDDI_QUERYREGISTRY_INFO info;
        wchar_t room[1024];
    } registry;
    D3DKMT_QUERYADAPTERINFO args;
    char path[2048];
    size_t (*size_of)(int);
    bool (*to_structure)(int, void *, size_t, const void *, const void *);
    static const char text[] = "abcd";
    unsigned char structure[8];

    memset(&registry, 0, sizeof(registry));
    registry.info.QueryType = D3DDDI_QUERYREGISTRY_DRIVERSTOREPATH;
    memset(&args, 0, sizeof(args));
    args.hAdapter = rig->umd.adapter;
    args.Type = KMTQAITYPE_QUERYREGISTRY;
    args.pPrivateDriverData = &registry;
    args.PrivateDriverDataSize = sizeof(registry);
    assert_int_equal(D3DKMTQueryAdapterInfo(&args), STATUS_SUCCESS);
    assert_int_equal(registry.info.Status, D3DDDI_QUERYREGISTRY_STATUS_SUCCESS);
    snprintf(path, sizeof(path), "%ls/libwsl_compute_helper.so", registry.info.OutputString);
    void *helper = dlopen(path, RTLD_NOW);
    if (!helper)
        fail_msg("%s", dlerror());
    void *symbol = dlsym(helper, "getSizeRequiredForStruct");
    memcpy(&size_of, &symbol, sizeof(symbol));
    assert_int_equal(size_of(TOKEN_ADAPTER_INFO), INFO);
    assert_int_equal(size_of(TOKEN_SURFACE), 8192);
    symbol = dlsym(helper, "tokensToStruct");
    memcpy(&to_structure, &symbol, sizeof(symbol));
    memset(structure, 0xee, sizeof(structure));
    assert_true(to_structure(TOKEN_SURFACE, structure, sizeof(structure), text, text + 4));
    assert_memory_equal(structure, "abcd\0\0\0\0", 8);
    assert_false(to_structure(TOKEN_SURFACE, structure, 3, text, text + 4));
    dlclose(helper);
}

/* GPU ticks and CPU nanoseconds of one moment, between two that the GPU writes. */
static void an_escape_tells_both_clocks(void **state)
{
    struct rig *rig = *state;
    uint64_t *times = (uint64_t *)(void *)rig->data, out[7] = {0};
    uint32_t in[14] = {40, 0, 12, 0, 25};
    D3DKMT_ESCAPE args;

    memset(&args, 0, sizeof(args));
    args.hAdapter = rig->umd.adapter;
    args.hDevice = rig->umd.device;
    args.Type = D3DKMT_ESCAPE_DRIVERPRIVATE;
    args.pPrivateDriverData = in;
    args.PrivateDriverDataSize = sizeof(in);
    RUN(rig, 0x7a000004, 0xc000, AT(rig->data_address), 0, 0);
    assert_int_equal(D3DKMTEscape(&args), STATUS_SUCCESS);
    RUN(rig, 0x7a000004, 0xc000, AT(rig->data_address + 8), 0, 0);
    memcpy(out, in, sizeof(out));
    assert_int_equal(in[4], 0);
    assert_true(times[0] <= out[3] && out[3] <= times[1]);
    assert_int_equal(out[4] / 1000000000 * 19200000 + out[4] % 1000000000 * 19200000 / 1000000000,
                     out[3]);
    assert_int_equal(out[5], 19200000);
    assert_int_equal(out[6], 1000000000);
    in[4] = 26; /* another question, another escape, no escape */
    assert_int_equal(D3DKMTEscape(&args), STATUS_NOT_SUPPORTED);
    in[4] = 25;
    in[2] = 13;
    assert_int_equal(D3DKMTEscape(&args), STATUS_NOT_SUPPORTED);
    in[2] = 12;
    args.PrivateDriverDataSize = sizeof(in) - 4;
    assert_int_equal(D3DKMTEscape(&args), STATUS_NOT_SUPPORTED);
}

/* ---- surfaces */

static void surfaces_have_the_size_in_their_description(void **state)
{
    unsigned char data[8192] = {0};
    struct rig *rig = *state;
    D3DKMT_HANDLE handle;

    UINT size = describe_surface(data, sizeof(data), 3 * PAGE);
    assert_int_equal(allocate(rig, data, sizeof(data), NULL, &handle), STATUS_SUCCESS);
    assert_int_equal(allocate(rig, data, size, NULL, &handle), STATUS_SUCCESS);
    assert_int_equal(allocate(rig, data, size - 4, NULL, &handle), STATUS_INVALID_PARAMETER);
    assert_int_equal(allocate(rig, data, 0, NULL, &handle), STATUS_INVALID_PARAMETER);
    describe_surface(data, sizeof(data), 0);
    assert_int_equal(allocate(rig, data, size, NULL, &handle), STATUS_INVALID_PARAMETER);
}

/* A pointer without ExistingSysMem, as Intel's driver hands one over: the GPU writes there. */
/* A description may hold any number, and be cut off anywhere. */
static void bad_descriptions_are_refused(void **state)
{
    static const uint64_t sizes[] = {0, (uint64_t)1 << 40, INT64_MAX, UINT64_MAX - PAGE,
                                     UINT64_MAX};
    struct rig *rig = *state;
    unsigned char private_data[128];
    D3DKMT_HANDLE handle;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        UINT size = describe_surface(private_data, sizeof(private_data), sizes[i]);

        assert_false(NT_SUCCESS(allocate(rig, private_data, size, NULL, &handle)));
        assert_false(NT_SUCCESS(allocate(rig, private_data, size, rig->data, &handle)));
    }
    UINT whole = describe_surface(private_data, sizeof(private_data), PAGE);
    for (UINT size = 0; size < whole; size++)
        assert_false(NT_SUCCESS(allocate(rig, private_data, size, NULL, &handle)));
    memset(private_data, 0xff, sizeof(private_data));
    assert_false(NT_SUCCESS(allocate(rig, private_data, whole, NULL, &handle)));
}

static void surfaces_may_lie_in_the_program_s_memory(void **state)
{
    static _Alignas(4096) uint32_t memory[PAGE / sizeof(uint32_t)];
    struct rig *rig = *state;
    struct umd_buffer buffer = {.size = PAGE};
    unsigned char data[128];

    UINT size = describe_surface(data, sizeof(data), PAGE);
    assert_int_equal(allocate(rig, data, size, memory, &buffer.allocation), STATUS_SUCCESS);
    assert_int_equal(umd_buffer_map(&rig->umd, &buffer), STATUS_SUCCESS);
    RUN(rig, 0x10000002, AT(buffer.address + 8), 0xc0ffee);
    assert_int_equal(memory[2], 0xc0ffee);
    umd_buffer_destroy(&rig->umd, &buffer);
}

/* ---- batches */

static void batches_store_numbers(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address;

    RUN(rig, 0x10000002, AT(at), 1,            /* MI_STORE_DATA_IMM, 4 bytes */
        0x10200003, AT(at + 8), 2, 3,          /* 8 bytes */
        0x7a000004, 0x4000, AT(at + 16), 4, 5, /* PIPE_CONTROL, immediate */
        0x7a000004, 0, 0, 0, 0, 0,             /* without an effect on memory */
        0x13004003, AT(at + 24), 6, 7,         /* MI_FLUSH_DW, immediate */
        0x13000003, 0, 0, 0, 0, 0x17000003, AT(at + 32), AT(at + 8)); /* MI_COPY_MEM_MEM */
    assert_int_equal(rig->data[0], 1);
    assert_int_equal(rig->data[1], 0);
    assert_memory_equal(rig->data + 2, ((uint32_t[]){2, 3, 4, 5, 6, 7, 2, 0}), 32);
}

static void batches_tell_the_time(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address, *times = (uint64_t *)(void *)rig->data;

    RUN(rig, 0x7a000004, 0xc000, AT(at), 0, 0, /* PIPE_CONTROL, timestamp */
        0x1300c003, AT(at + 8), 0, 0,          /* MI_FLUSH_DW, timestamp */
        0x12000002, 0x2358, AT(at + 16),       /* MI_STORE_REGISTER_MEM, low and high half */
        0x12000002, 0x235c, AT(at + 20));
    assert_true(times[0] > 0);
    assert_true(times[1] >= times[0]);
    assert_true(times[2] >= times[1]);
    assert_true(times[2] - times[0] < (uint64_t)WAIT_MS * 19200);
}

static void batches_chain_call_and_return(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address, batch = rig->batch_address;

    /* From 0 to 64 and never back; at 64 a call to 128, and on behind it. */
    put(rig, 64,
        (uint32_t[]){0x18800101 | SECOND_LEVEL, AT(batch + 128 * 4), 0x10000002, AT(at + 4), 2,
                     0x05000000},
        8);
    put(rig, 128, (uint32_t[]){0x10000002, AT(at), 1, 0x05000000}, 5);
    RUN(rig, 0x18800101, AT(batch + 64 * 4), 0x10000002, AT(at + 8), 3);
    assert_int_equal(rig->data[0], 1);
    assert_int_equal(rig->data[1], 2);
    assert_int_equal(rig->data[2], 0);
}

/* State and walkers have no effect on memory, nor have registers that nobody calculates with; their
 * length is known. */
static void other_commands_are_skipped_by_their_length(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address;

    RUN(rig, 0, 0x02800000, 0x04000000,     /* MI_NOOP, MI_ARB_CHECK, MI_ARB_ON_OFF */
        0x69041302,                         /* PIPELINE_SELECT: one unit */
        0x61010002, 0x10000002, 0, 0,       /* STATE_BASE_ADDRESS, short */
        0x70000001, 0x10000002, 0x10000002, /* MEDIA_VFE_STATE, short */
        0x71050000, 0x10000002,             /* GPGPU_WALKER, short */
        0x11000001, 0x20d8, 0xffffffff,     /* MI_LOAD_REGISTER_IMM */
        0x14800002, 0x20d8, AT(at), 0x15000001, 0x20d8, 0x20e0, /* from memory, from another */
        0x10000002, AT(at), 9);
    assert_int_equal(rig->data[0], 9);
}

/* ---- registers */

enum {
    GENERAL = 0x2600,
    CLOCK = 0x2358,
    RUN_TIME = 0x23a8,
    A = 0x20,
    B = 0x21,
    RESULT = 0x31,
    ZERO = 0x32,
    CARRY = 0x33
};
enum {
    LOAD = 0x080,
    LOAD_INVERTED = 0x480,
    LOAD_0 = 0x081,
    LOAD_1 = 0x481,
    ADD = 0x100,
    SUBTRACT = 0x101,
    AND = 0x102,
    OR = 0x103,
    XOR = 0x104,
    STORE = 0x180,
    STORE_INVERTED = 0x580
};

#define MATH(units)          0x0d000000 | ((units)-1)
#define ALU(operation, a, b) (uint32_t)(operation) << 20 | (uint32_t)(a) << 10 | (uint32_t)(b)
#define SET(general, low, high)                                                                    \
    0x11000003, GENERAL + 8 * (general), low, GENERAL + 8 * (general) + 4, high
#define KEEP(general, address)                                                                     \
    0x12000002, GENERAL + 8 * (general), AT(address), 0x12000002, GENERAL + 8 * (general) + 4,     \
        AT((address) + 4)

static void batches_calculate(void **state)
{
    static const struct {
        const char *what;
        uint64_t a, b;
        uint32_t operation, load, source, store;
        uint64_t result;
    } cases[] = {
        {"addition over 32 bits", 0xffffffff, 1, ADD, LOAD, RESULT, STORE, 0x100000000},
        {"a carry", UINT64_MAX, 1, ADD, LOAD, CARRY, STORE, UINT64_MAX},
        {"no carry", 2, 1, ADD, LOAD, CARRY, STORE, 0},
        {"subtraction", 5, 7, SUBTRACT, LOAD, RESULT, STORE, (uint64_t)-2},
        {"a borrow", 5, 7, SUBTRACT, LOAD, CARRY, STORE, UINT64_MAX},
        {"equality", 7, 7, SUBTRACT, LOAD, ZERO, STORE, UINT64_MAX},
        {"and", 0xff00ff, 0xf0f0f0, AND, LOAD, RESULT, STORE, 0xf000f0},
        {"or", 0xff00ff, 0xf0f0f0, OR, LOAD, RESULT, STORE, 0xfff0ff},
        {"exclusive or, inverted", 0xff00ff, 0xf0f0f0, XOR, LOAD, RESULT, STORE_INVERTED,
         ~(uint64_t)0x0ff00f},
        {"of the inverse", 1, 0, AND, LOAD_INVERTED, RESULT, STORE, 1},
        {"of zero", 5, 7, ADD, LOAD_0, RESULT, STORE, 5},
        {"of all bits", 5, 7, AND, LOAD_1, RESULT, STORE, 5},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t result;

        RUN(rig, SET(0, (uint32_t)cases[i].a, (uint32_t)(cases[i].a >> 32)),
            SET(15, (uint32_t)cases[i].b, (uint32_t)(cases[i].b >> 32)), MATH(5), 0,
            ALU(LOAD, A, 0), ALU(cases[i].load, B, 15), ALU(cases[i].operation, 0, 0),
            ALU(cases[i].store, 3, cases[i].source), KEEP(3, rig->data_address));
        memcpy(&result, rig->data, sizeof(result));
        if (result != cases[i].result)
            fail_msg("%s: 0x%llx", cases[i].what, (unsigned long long)result);
    }
}

/* From batch to batch, and every context its own. */
static void registers_belong_to_contexts(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address;
    D3DKMT_HANDLE first = rig->context;

    rig->data[0] = 0x1234;
    RUN(rig, 0x14800002, GENERAL, AT(at), 0x15000001, GENERAL,
        GENERAL + 12); /* memory, R0, R1's high half */
    RUN(rig, KEEP(1, at + 8));
    assert_memory_equal(rig->data + 2, ((uint32_t[]){0, 0x1234}), 8);
    assert_int_equal(umd_context_create(&rig->umd, 0, &rig->context), STATUS_SUCCESS);
    RUN(rig, KEEP(1, at + 8));
    assert_memory_equal(rig->data + 2, ((uint32_t[]){0, 0}), 8);
    rig->context = first;
    RUN(rig, KEEP(1, at + 8));
    assert_int_equal(rig->data[3], 0x1234);
}

static void contexts_know_how_long_they_ran(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address;

    RUN(rig, 0x12000002, RUN_TIME, AT(at), 0x15000001, CLOCK, GENERAL, KEEP(0, at + 8));
    RUN(rig, 0x12000002, RUN_TIME, AT(at + 4), 0x15000001, CLOCK, GENERAL, KEEP(0, at + 16));
    uint32_t ran = rig->data[1] - rig->data[0], passed = rig->data[4] - rig->data[2];
    assert_true(rig->data[1] >= rig->data[0]);
    assert_true(ran <= passed);
}

static void semaphores_wait_for_memory(void **state)
{
    struct rig *rig = *state;
    uint64_t at = rig->data_address;
    const uint32_t units[] = {0x0e00c002, 5,          AT(at), /* until memory equals 5 */
                              0x10000002, AT(at + 4), 1,      0x05000000};

    put(rig, 0, units, sizeof(units) / sizeof(units[0]));
    assert_int_equal(submit(rig, ++rig->fence_value), STATUS_SUCCESS);
    assert_int_equal(umd_fence_value(&rig->fence), rig->fence_value - 1);
    assert_int_equal(__atomic_load_n(&rig->data[1], __ATOMIC_ACQUIRE), 0);
    __atomic_store_n(&rig->data[0], 5, __ATOMIC_RELEASE);
    assert_int_equal(umd_wait_on_cpu(&rig->umd, &rig->fence, rig->fence_value), STATUS_SUCCESS);
    assert_int_equal(rig->data[1], 1);
}

/* ---- what stops a device: its own device and context each time */

static D3DKMT_DEVICEEXECUTION_STATE state_of(struct rig *rig)
{
    D3DKMT_GETDEVICESTATE args;

    memset(&args, 0, sizeof(args));
    args.hDevice = rig->umd.device;
    args.StateType = D3DKMT_DEVICESTATE_EXECUTION;
    assert_int_equal(D3DKMTGetDeviceState(&args), STATUS_SUCCESS);
    return args.ExecutionState;
}

static void bad_batches_stop_their_device(void **state)
{
    static const struct {
        const char *what;
        uint32_t units[6];
    } cases[] = {
        {"a copy of the blitter", {0x54c00008}},
        {"no command", {0xe0000000}},
        {"an unknown command of the memory interface", {0x17800001}}, /* MI_ATOMIC */
        {"a store that is too short", {0x10000001}},
        {"a write of depth counts", {0x7a000004, 0x8000, 0, 0, 0, 0}},
        {"a register that is not simulated", {0x12000002, 0x2000, 0, 0}},
        {"a calculation from one", {0x15000001, 0x2000, GENERAL}},
        {"an unknown calculation", {MATH(1), ALU(0x200, 0, 0)}},
        {"a load from nothing", {MATH(1), ALU(LOAD, A, 16)}},
        {"a load into nothing", {MATH(1), ALU(LOAD_0, 0x22, 0)}},
        {"a store of an input", {MATH(1), ALU(STORE, 0, A)}},
        {"a store into nothing", {MATH(1), ALU(STORE, 16, RESULT)}},
        {"a call within a call", {0x18800101 | SECOND_LEVEL}}, /* of itself */
        {"a jump to nothing", {0x18800101, 0, 1}},
        {"a write to nothing", {0x10000002, 0, 1, 7}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        void *fresh = NULL;

        open_rig(&fresh);
        struct rig *rig = fresh;
        put(rig, 0, cases[i].units, 6);
        if (cases[i].units[0] == (0x18800101 | SECOND_LEVEL))
            put(rig, 1, (const uint32_t[]){AT(rig->batch_address)}, 2);
        assert_int_equal(submit(rig, 1), STATUS_SUCCESS);
        (void)umd_wait_on_cpu(&rig->umd, &rig->fence, 1); /* ends with the device */
        if (state_of(rig) == D3DKMT_DEVICEEXECUTION_ACTIVE || umd_fence_value(&rig->fence) == 1)
            fail_msg("%s was executed", cases[i].what);
        close_rig(&fresh);
    }
}

/* A batch that runs in circles holds up nobody, and ends with its device. */
static void endless_batches_hold_up_nobody(void **state)
{
    struct rig *rig = *state;
    uint64_t half = rig->batch_address + PAGE / 2;
    D3DKMT_HANDLE first = rig->context;

    assert_int_equal(umd_context_create(&rig->umd, 0, &rig->context), STATUS_SUCCESS);
    rig->start = PAGE / 2 / sizeof(uint32_t);
    put(rig, rig->start, (const uint32_t[]){0x18800101, AT(half)}, 3);
    assert_int_equal(submit(rig, 1000), STATUS_SUCCESS);
    rig->context = first;
    rig->start = 0;
    RUN(rig, 0x10000002, AT(rig->data_address), 3);
    assert_int_equal(rig->data[0], 3);
    assert_int_equal(umd_fence_value(&rig->fence), rig->fence_value);
}

/* A header that is none; without a fence the batch runs all the same. */
static void submissions_have_a_header(void **state)
{
    struct rig *rig = *state;
    D3DKMT_SUBMITCOMMAND args;

    rig->start = PAGE / 2 / sizeof(uint32_t);
    put(rig, rig->start, (uint32_t[]){0x10000002, AT(rig->data_address), 1, 0x05000000}, 5);
    assert_int_equal(submit(rig, 0), STATUS_SUCCESS);
    rig->start = 0;
    RUN(rig, 0x10000002, AT(rig->data_address + 4), 1); /* behind it */
    assert_int_equal(rig->data[0], 1);
    memset(&args, 0, sizeof(args));
    args.Commands = rig->batch_address;
    args.CommandLength = PAGE;
    args.BroadcastContextCount = 1;
    args.BroadcastContext[0] = rig->context;
    assert_int_equal(D3DKMTSubmitCommand(&args), STATUS_SUCCESS);
    (void)umd_wait_on_cpu(&rig->umd, &rig->fence, rig->fence_value + 1);
    assert_int_not_equal(state_of(rig), D3DKMT_DEVICEEXECUTION_ACTIVE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(the_adapter_describes_a_tiger_lake),
        TEST(the_driver_store_holds_the_helper),
        TEST(an_escape_tells_both_clocks),
        TEST(surfaces_have_the_size_in_their_description),
        TEST(bad_descriptions_are_refused),
        TEST(surfaces_may_lie_in_the_program_s_memory),
        TEST(batches_store_numbers),
        TEST(batches_tell_the_time),
        TEST(batches_chain_call_and_return),
        TEST(other_commands_are_skipped_by_their_length),
        TEST(batches_calculate),
        TEST(registers_belong_to_contexts),
        TEST(contexts_know_how_long_they_ran),
        TEST(semaphores_wait_for_memory),
        cmocka_unit_test(bad_batches_stop_their_device),
        TEST(endless_batches_hold_up_nobody),
        TEST(submissions_have_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
