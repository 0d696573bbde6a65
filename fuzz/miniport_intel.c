/* SPDX-License-Identifier: MIT */
/*
 * Intel's miniport on bytes of a program: an even first byte takes the rest for a tagged stream, an
 * odd one for memory with a batch at address 0. Nothing is mapped behind it, semaphores wait once,
 * and a batch that runs in circles is left after a while.
 */
#include "fuzz_input.h"
#include "miniports/intel/batch.h"
#include "miniports/intel/tokens.h"

enum { ROUNDS = 64 };

struct kmd_execution {
    unsigned char *memory;
    size_t size;
};

static bool is_mapped(const struct kmd_execution *execution, uint64_t address, size_t size)
{
    return size <= execution->size && address <= execution->size - size;
}

static bool read_memory(struct kmd_execution *execution, uint64_t address, void *data, size_t size)
{
    if (!is_mapped(execution, address, size))
        return false;
    memcpy(data, execution->memory + address, size);
    return true;
}

static bool write_memory(struct kmd_execution *execution, uint64_t address, const void *data,
                         size_t size)
{
    if (!is_mapped(execution, address, size))
        return false;
    memcpy(execution->memory + address, data, size);
    return true;
}

static bool copy_memory(struct kmd_execution *execution, uint64_t destination, uint64_t source,
                        uint64_t size)
{
    if (!is_mapped(execution, destination, size) || !is_mapped(execution, source, size))
        return false;
    memmove(execution->memory + destination, execution->memory + source, size);
    return true;
}

static bool store(struct kmd_execution *execution, uint64_t address, uint32_t width,
                  enum kmd_atomic operation, uint64_t operand, uint64_t compare, uint64_t *old)
{
    if (operation != KMD_ATOMIC_STORE || address % width || old)
        abort();
    (void)compare;
    return write_memory(execution, address, &operand, width);
}

static uint64_t timestamp(struct kmd_execution *execution)
{
    (void)execution;
    return UINT64_MAX;
}

static bool should_yield(struct kmd_execution *execution)
{
    (void)execution;
    return true;
}

static void run_batch(unsigned char *memory, size_t size)
{
    static const struct kmd_services services = {
        .size = sizeof(services),
        .version = KMD_SERVICES_VERSION,
        .ReadMemory = read_memory,
        .WriteMemory = write_memory,
        .CopyMemory = copy_memory,
        .AtomicMemory = store,
        .Timestamp = timestamp,
        .ShouldYield = should_yield,
    };
    struct kmd_execution execution = {memory, size};
    struct kmd_submission submission = {.command_size = (uint32_t)size};
    struct registers registers = {.run_time = 0};
    enum kmd_result result = KMD_YIELD;

    for (unsigned i = 0; i < ROUNDS && result == KMD_YIELD; i++)
        result = batch_execute(&services, &execution, &submission, &registers);
    if (result == KMD_HANG)
        abort(); /* the engine decides that */
}

static void read_tokens(const unsigned char *bytes, size_t size)
{
    struct token_span span = {bytes, size}, inner;
    uint64_t value;

    if (tokens_number(span, TOKEN_SUBMIT_FENCE_VALUE, &value) && size < 8)
        abort();
    if (!tokens_structure(span, TOKEN_SURFACE, &inner) || !inner.size)
        return;
    if (inner.data < bytes || inner.data + inner.size > bytes + size)
        abort();
    fuzz_touch(inner.data, inner.size);
    if (tokens_structure(inner, TOKEN_SURFACE_RESOURCE, &inner) &&
        tokens_structure(inner, TOKEN_RESOURCE_TEXTURE, &inner))
        (void)tokens_number(inner, TOKEN_TEXTURE_SIZE, &value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned char *bytes = fuzz_copy(data + 1, size - 1);
    if (*data % 2)
        run_batch(bytes, size - 1);
    else
        read_tokens(bytes, size - 1);
    free(bytes);
    return 0;
}
