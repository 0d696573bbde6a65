/* SPDX-License-Identifier: MIT */
/*
 * The services of a miniport while it executes: every access goes through the process's page
 * tables. What a guest lets two engines, or an engine and its CPU, touch at once without a fence
 * between them races here as it does on hardware; only atomics and fences are ordered.
 */
#include <string.h>

#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/engine.h"
#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/turns.h"

#define MAX_LOCKED_BYTES                                                                           \
    (UINT64_C(4)                                                                                   \
     << 20) /* moved under one hold of the table lock: changes of the tables wait for it */
#define TIME_SLICE_NS UINT64_C(2000000)

static struct gpu_process *process_of(const struct kmd_execution *execution)
{
    return execution->queue->device->process;
}

static bool fault(struct kmd_execution *execution, uint64_t address, bool write)
{
    if (!execution->fault.valid) {
        execution->fault.valid = true;
        execution->fault.write = write;
        execution->fault.address = address;
    }
    return false;
}

/* Table lock held. Addresses that would wrap at 2^64 fail long before, at the end of the address
 * space. */
static bool translate(struct kmd_execution *execution, uint64_t address, uint64_t size, bool write,
                      struct gpu_translation *translation)
{
    execution->wrote |= write;
    if (!gpu_page_table_translate(&process_of(execution)->table, address, size, translation) ||
        (write && !translation->writable))
        return fault(execution, address, write);
    return true;
}

/* Uses `memory` (NULL: the zero page), which is `offset` bytes into the access. */
typedef void (*visitor)(void *context, uint8_t *memory, uint64_t offset, uint64_t size);

static bool visit_locked(struct kmd_execution *execution, uint64_t address, uint64_t offset,
                         uint64_t size, bool write, visitor visit, void *context)
{
    uint64_t end = offset + size;

    while (offset < end) {
        struct gpu_translation translation;

        if (!translate(execution, address + offset, end - offset, write, &translation))
            return false;
        visit(context, translation.memory, offset, translation.size);
        offset += translation.size;
    }
    return true;
}

static bool visit_memory(struct kmd_execution *execution, uint64_t address, uint64_t size,
                         bool write, visitor visit, void *context)
{
    pthread_rwlock_t *lock = &process_of(execution)->table_lock;
    bool good = true;

    for (uint64_t offset = 0; offset < size && good;) {
        uint64_t piece = size - offset < MAX_LOCKED_BYTES ? size - offset : MAX_LOCKED_BYTES;

        pthread_rwlock_rdlock(lock);
        good = visit_locked(execution, address, offset, piece, write, visit, context);
        pthread_rwlock_unlock(lock);
        offset += piece;
    }
    return good;
}

static void visit_read(void *context, uint8_t *memory, uint64_t offset, uint64_t size)
{
    uint8_t *data = context;

    if (memory)
        memcpy(data + offset, memory, size);
    else
        memset(data + offset, 0, size);
}

static bool read_memory(struct kmd_execution *execution, uint64_t address, void *data, size_t size)
{
    return visit_memory(execution, address, size, false, visit_read, data);
}

struct write_source {
    const uint8_t *data;
};

static void visit_write(void *context, uint8_t *memory, uint64_t offset, uint64_t size)
{
    const struct write_source *source = context;

    if (memory)
        memcpy(memory, source->data + offset, size);
}

static bool write_memory(struct kmd_execution *execution, uint64_t address, const void *data,
                         size_t size)
{
    struct write_source source = {data};

    return visit_memory(execution, address, size, true, visit_write, &source);
}

/* The byte of the pattern that a piece starts with depends on where in the access it lies. */
static void visit_fill(void *context, uint8_t *memory, uint64_t offset, uint64_t size)
{
    uint32_t pattern = *(const uint32_t *)context;
    unsigned phase = offset % sizeof(pattern) * 8;
    uint64_t pair;

    if (!memory)
        return;
    if (phase)
        pattern = pattern >> phase | pattern << (32 - phase);
    pair = pattern | (uint64_t)pattern << 32;
    for (; size >= sizeof(pair); size -= sizeof(pair), memory += sizeof(pair))
        memcpy(memory, &pair, sizeof(pair));
    memcpy(memory, &pair, size);
}

static bool fill_memory(struct kmd_execution *execution, uint64_t address, uint32_t pattern,
                        uint64_t size)
{
    if (size % sizeof(pattern) != 0)
        return fault(execution, address, true);
    return visit_memory(execution, address, size, true, visit_fill, &pattern);
}

/* Table lock held. */
static bool copy_locked(struct kmd_execution *execution, uint64_t destination, uint64_t source,
                        uint64_t size)
{
    while (size > 0) {
        struct gpu_translation from;
        struct gpu_translation to;
        uint64_t piece;

        if (!translate(execution, source, size, false, &from) ||
            !translate(execution, destination, size, true, &to))
            return false;
        piece = from.size < to.size ? from.size : to.size;
        /* Two addresses may lead to the same memory. */
        if (to.memory && from.memory)
            memmove(to.memory, from.memory, piece);
        else if (to.memory)
            memset(to.memory, 0, piece);
        source += piece;
        destination += piece;
        size -= piece;
    }
    return true;
}

static bool copy_memory(struct kmd_execution *execution, uint64_t destination, uint64_t source,
                        uint64_t size)
{
    pthread_rwlock_t *lock = &process_of(execution)->table_lock;
    bool good = true;

    while (size > 0 && good) {
        uint64_t piece = size < MAX_LOCKED_BYTES ? size : MAX_LOCKED_BYTES;

        pthread_rwlock_rdlock(lock);
        good = copy_locked(execution, destination, source, piece);
        pthread_rwlock_unlock(lock);
        source += piece;
        destination += piece;
        size -= piece;
    }
    return good;
}

/* ---- Atomics */

static uint64_t next_load(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)operand;
    (void)compare;
    return old;
}

static uint64_t next_store(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)old;
    (void)compare;
    return operand;
}

static uint64_t next_add(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old + operand;
}

static uint64_t next_and(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old & operand;
}

static uint64_t next_or(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old | operand;
}

static uint64_t next_xor(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old ^ operand;
}

static uint64_t next_min(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old < operand ? old : operand;
}

static uint64_t next_max(uint64_t old, uint64_t operand, uint64_t compare)
{
    (void)compare;
    return old > operand ? old : operand;
}

static uint64_t next_compare_exchange(uint64_t old, uint64_t operand, uint64_t compare)
{
    return old == compare ? operand : old;
}

typedef uint64_t (*atomic_step)(uint64_t old, uint64_t operand, uint64_t compare);

static const atomic_step steps[KMD_ATOMIC_COUNT] = {
    [KMD_ATOMIC_LOAD] = next_load,      [KMD_ATOMIC_STORE] = next_store,
    [KMD_ATOMIC_ADD] = next_add,        [KMD_ATOMIC_AND] = next_and,
    [KMD_ATOMIC_OR] = next_or,          [KMD_ATOMIC_XOR] = next_xor,
    [KMD_ATOMIC_MIN] = next_min,        [KMD_ATOMIC_MAX] = next_max,
    [KMD_ATOMIC_EXCHANGE] = next_store, [KMD_ATOMIC_COMPARE_EXCHANGE] = next_compare_exchange,
};

static uint64_t step32(void *memory, enum kmd_atomic operation, uint32_t operand, uint32_t compare)
{
    _Atomic uint32_t *word = memory;
    uint32_t old = atomic_load_explicit(word, memory_order_acquire);

    if (operation != KMD_ATOMIC_LOAD) {
        while (!atomic_compare_exchange_weak(word, &old,
                                             (uint32_t)steps[operation](old, operand, compare)))
            ;
    }
    return old;
}

static uint64_t step64(void *memory, enum kmd_atomic operation, uint64_t operand, uint64_t compare)
{
    _Atomic uint64_t *word = memory;
    uint64_t old = atomic_load_explicit(word, memory_order_acquire);

    if (operation != KMD_ATOMIC_LOAD) {
        while (!atomic_compare_exchange_weak(word, &old, steps[operation](old, operand, compare)))
            ;
    }
    return old;
}

static bool atomic_memory(struct kmd_execution *execution, uint64_t address, uint32_t width,
                          enum kmd_atomic operation, uint64_t operand, uint64_t compare,
                          uint64_t *old)
{
    pthread_rwlock_t *lock = &process_of(execution)->table_lock;
    bool write = operation != KMD_ATOMIC_LOAD;
    struct gpu_translation translation;
    uint64_t value = 0;
    bool good;

    if ((width != 4 && width != 8) || address % width != 0 ||
        (unsigned)operation >= KMD_ATOMIC_COUNT)
        return fault(execution, address, write);
    pthread_rwlock_rdlock(lock);
    good = translate(execution, address, width, write, &translation);
    if (good && translation.memory && width == 4)
        value = step32(translation.memory, operation, (uint32_t)operand, (uint32_t)compare);
    else if (good && translation.memory)
        value = step64(translation.memory, operation, operand, compare);
    pthread_rwlock_unlock(lock);
    if (old)
        *old = value;
    return good;
}

/* ---- Fences, time, scheduling */

/* The fence whose value lies at `address`, referenced, or NULL. Table lock held. */
static struct gpu_fence *fence_at(struct gpu_process *process, uint64_t address)
{
    struct gpu_range *range = gpu_range_overlap(&process->mappings, address, address + 1);
    struct gpu_mapping *mapping = (struct gpu_mapping *)(void *)range;

    if (!mapping || !mapping->fence || range->start != address)
        return NULL;
    return gpu_fence_reference(mapping->fence);
}

static bool signal_fence(struct kmd_execution *execution, uint64_t address, uint64_t value)
{
    struct gpu_process *process = process_of(execution);
    struct gpu_translation translation;
    struct gpu_fence *fence = NULL;
    bool good;

    if (address % sizeof(value) != 0)
        return fault(execution, address, true);
    pthread_rwlock_rdlock(&process->table_lock);
    good = translate(execution, address, sizeof(value), true, &translation);
    if (good) {
        fence = fence_at(process, address);
        if (!fence && translation.memory)
            (void)step64(translation.memory, KMD_ATOMIC_STORE, value, 0);
    }
    pthread_rwlock_unlock(&process->table_lock);
    if (fence) {
        gpu_fence_signal(fence, value);
        gpu_fence_release(fence);
    }
    return good;
}

static uint64_t timestamp(struct kmd_execution *execution)
{
    const struct gpu_clock *clock = execution->queue->node->adapter->machine->clock;

    return clock->now(clock);
}

static bool should_yield(struct kmd_execution *execution)
{
    struct gpu_queue *queue = execution->queue;
    int32_t best = atomic_load_explicit(&queue->node->best_ready, memory_order_relaxed);
    int32_t own = atomic_load_explicit(&queue->priority, memory_order_relaxed);

    if (atomic_load_explicit(&queue->stop, memory_order_relaxed) || best > own)
        return true;
    if (best < own)
        return false;
    if (queue->node->adapter->machine->turns)
        return gpu_turns_yield(queue->node->adapter->machine->turns);
    return timestamp(execution) - execution->started >= TIME_SLICE_NS;
}

const struct kmd_services gpu_services = {
    .size = sizeof(struct kmd_services),
    .version = KMD_SERVICES_VERSION,
    .ReadMemory = read_memory,
    .WriteMemory = write_memory,
    .CopyMemory = copy_memory,
    .FillMemory = fill_memory,
    .AtomicMemory = atomic_memory,
    .SignalFence = signal_fence,
    .Timestamp = timestamp,
    .ShouldYield = should_yield,
};
