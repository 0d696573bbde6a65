/* SPDX-License-Identifier: MIT */
#include "miniports/intel/adapter_info.h"

#include "miniports/intel/tokens.h"

#define GIB ((uint64_t)1 << 30)

/* Tiger Lake LP, GT2: the numbers of Intel's own lists. */
enum {
    PRODUCT_TIGERLAKE_LP = 33,
    CORE_GEN12LP = 18,
    DEVICE_ID = 0x9a49,
    MAX_MHZ = 1300,
    SLICES = 1,
    DUAL_SUBSLICES = 6,
    SUBSLICES_PER_DUAL = 2,
    EUS_PER_SUBSLICE = 8,
    EUS = DUAL_SUBSLICES * SUBSLICES_PER_DUAL * EUS_PER_SUBSLICE,
    EUS_PER_DUAL = SUBSLICES_PER_DUAL * EUS_PER_SUBSLICE,
    THREADS_PER_EU = 7,
    L3_KIB = 3840,
    L3_BANKS = 8,
    HEAPS_32BIT = 4,
};

static void write_platform(struct token_writer *writer)
{
    size_t begin = tokens_begin(writer, TOKEN_ADAPTER_PLATFORM, 0);

    tokens_u32(writer, TOKEN_PLATFORM_PRODUCT, PRODUCT_TIGERLAKE_LP);
    tokens_u32(writer, TOKEN_PLATFORM_RENDER_CORE, CORE_GEN12LP);
    tokens_u32(writer, TOKEN_PLATFORM_DEVICE_ID, DEVICE_ID);
    tokens_end(writer, begin);
}

/* Of the GPU's features those that the simulated one has: an address space of each process' own,
 * which the CPU's addresses are part of. Tiling, compression and preemption within a batch it has
 * not. */
static void write_features(struct token_writer *writer)
{
    static const enum token features[] = {TOKEN_FEATURE_PPGTT, TOKEN_FEATURE_64BIT_PAGE_TABLES,
                                          TOKEN_FEATURE_SVM, TOKEN_FEATURE_L3_COHERENT};
    size_t begin = tokens_begin(writer, TOKEN_ADAPTER_FEATURES, 0);

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        tokens_u32(writer, features[i], 1);
    tokens_end(writer, begin);
}

static void write_subslice(struct token_writer *writer, uint32_t index)
{
    size_t begin = tokens_begin(writer, TOKEN_DUAL_SUBSLICE_SUBSLICES, index);

    tokens_bool(writer, TOKEN_SUBSLICE_ENABLED, true);
    tokens_u32(writer, TOKEN_SUBSLICE_EU_COUNT, EUS_PER_SUBSLICE);
    tokens_end(writer, begin);
}

static void write_dual_subslice(struct token_writer *writer, uint32_t index)
{
    size_t begin = tokens_begin(writer, TOKEN_SLICE_DUAL_SUBSLICES, index);

    tokens_bool(writer, TOKEN_DUAL_SUBSLICE_ENABLED, true);
    for (uint32_t i = 0; i < SUBSLICES_PER_DUAL; i++)
        write_subslice(writer, i);
    tokens_end(writer, begin);
}

static void write_slice(struct token_writer *writer, uint32_t index)
{
    size_t begin = tokens_begin(writer, TOKEN_TOPOLOGY_SLICES, index);

    tokens_bool(writer, TOKEN_SLICE_ENABLED, true);
    for (uint32_t i = 0; i < DUAL_SUBSLICES; i++)
        write_dual_subslice(writer, i);
    tokens_end(writer, begin);
}

/* From Gen12 on the driver counts dual subslices as subslices. */
static void write_topology(struct token_writer *writer)
{
    static const struct {
        enum token id;
        uint32_t value;
    } numbers[] = {
        {TOKEN_TOPOLOGY_EU_COUNT, EUS},
        {TOKEN_TOPOLOGY_THREAD_COUNT, EUS * THREADS_PER_EU},
        {TOKEN_TOPOLOGY_SLICE_COUNT, SLICES},
        {TOKEN_TOPOLOGY_SUBSLICE_COUNT, DUAL_SUBSLICES},
        {TOKEN_TOPOLOGY_DUAL_SUBSLICE_COUNT, DUAL_SUBSLICES},
        {TOKEN_TOPOLOGY_L3_BANKS, L3_BANKS},
        {TOKEN_TOPOLOGY_MAX_EU_PER_SUBSLICE, EUS_PER_DUAL},
        {TOKEN_TOPOLOGY_MAX_SLICES, SLICES},
        {TOKEN_TOPOLOGY_MAX_SUBSLICES, DUAL_SUBSLICES},
        {TOKEN_TOPOLOGY_MAX_DUAL_SUBSLICES, DUAL_SUBSLICES},
        {TOKEN_TOPOLOGY_THREADS_PER_EU, THREADS_PER_EU},
    };
    size_t begin = tokens_begin(writer, TOKEN_ADAPTER_TOPOLOGY, 0);

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        tokens_u32(writer, numbers[i].id, numbers[i].value);
    tokens_u64(writer, TOKEN_TOPOLOGY_L3_KIB, L3_KIB);
    for (uint32_t i = 0; i < SLICES; i++)
        write_slice(writer, i);
    tokens_end(writer, begin);
}

static void write_heap(struct token_writer *writer, enum token id, uint32_t index, uint64_t base,
                       uint64_t size)
{
    size_t begin = tokens_begin(writer, id, index);

    tokens_u64(writer, TOKEN_HEAP_BASE, base);
    tokens_u64(writer, TOKEN_HEAP_LIMIT, base + size - 1);
    tokens_end(writer, begin);
}

/* The lower half of 48 bits is shared with the CPU's addresses; the driver's own heaps follow. */
static void write_heaps(struct token_writer *writer)
{
    const uint64_t half = (uint64_t)1 << 47, heap_32bit = 4 * GIB, standard = 256 * GIB;
    size_t begin = tokens_begin(writer, TOKEN_ADAPTER_HEAPS, 0);

    write_heap(writer, TOKEN_HEAPS_SVM, 0, 0, half);
    for (uint32_t i = 0; i < HEAPS_32BIT; i++)
        write_heap(writer, TOKEN_HEAPS_32BIT, i, half + i * heap_32bit, heap_32bit);
    uint64_t behind = half + HEAPS_32BIT * heap_32bit;
    write_heap(writer, TOKEN_HEAPS_STANDARD, 0, behind, standard);
    write_heap(writer, TOKEN_HEAPS_STANDARD_64K, 0, behind + standard, standard);
    tokens_end(writer, begin);
}

size_t adapter_info_write(void *data, size_t size)
{
    struct token_writer writer = {.data = data, .size = size};
    size_t begin = tokens_begin(&writer, TOKEN_ADAPTER_INFO, 0);

    write_platform(&writer);
    write_features(&writer);
    tokens_u32(&writer, TOKEN_ADAPTER_TIMESTAMP_HZ, ADAPTER_INFO_TIMESTAMP_HZ);
    tokens_u32(&writer, TOKEN_ADAPTER_MAX_MHZ, MAX_MHZ);
    tokens_u64(&writer, TOKEN_ADAPTER_DEDICATED_MEMORY, ADAPTER_INFO_DEDICATED_MEMORY);
    tokens_u64(&writer, TOKEN_ADAPTER_SHARED_MEMORY, ADAPTER_INFO_SHARED_MEMORY);
    write_topology(&writer);
    write_heaps(&writer);
    tokens_end(&writer, begin);
    return writer.overflow ? 0 : writer.used;
}
