/* SPDX-License-Identifier: MIT */
/*
 * Buffers that a step points to, but whose contents were not recorded.
 *
 * Memory that becomes an allocation's is one kind; how much of it there was follows from what the
 * host was told. Private data of an allocation are the other; the message shows what they were.
 */
#include "calls.h"

#include "core/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What the recorded clients gave to an allocation when nothing says more. */
enum { PAGE = 4096, DEFAULT_SIZE = 4 * PAGE, PAGES_COMMAND_COUNT_AT = 32 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t pages_told(const json_t *message)
{
    const char *command = member_text(message, "cmd");
    struct blob blob;
    uint32_t pages = 0;

    if (!command || strcmp(command, "SETEXISTINGSYSMEMPAGES") != 0)
        return 0;
    blob_parse(&blob, message);
    if (blob.size >= PAGES_COMMAND_COUNT_AT + 4)
        memcpy(&pages, blob.bytes + PAGES_COMMAND_COUNT_AT, 4);
    blob_free(&blob);
    return (size_t)pages * PAGE;
}

/* The largest range of the caller's memory that was made known to the host during the step. */
static size_t size_told(const json_t *step)
{
    const json_t *entry;
    size_t i, size = DEFAULT_SIZE;

    json_array_foreach(json_object_get(step, "msgs"), i, entry)
    {
        size = larger(size, (size_t)member_number(entry, "bytes", 0));
        size = larger(size, pages_told(entry));
    }
    return size;
}

static void supply(const json_t *json, struct symbols *symbols, struct memories *memories,
                   size_t size)
{
    const json_t *symbol;
    size_t i;

    json_array_foreach(json_object_get(json, "sym"), i, symbol)
    {
        const char *text = json_string_value(json_array_get(symbol, 2));
        uint64_t addend, known;
        char *name = blob_split_name(text ? text : "", &addend);

        if (strncmp(name, "p:", 2) == 0 && !symbols_get(symbols, NULL, name, &known))
            symbols_set(symbols, NULL, name, (uintptr_t)memories_get(memories, name, size));
        free(name);
    }
}

/* ---- private data of allocations */

/* The declared size of the step's buffer at this address; 0 if it has none there. */
static size_t declared_size(const json_t *buffers, struct symbols *symbols, const void *address)
{
    const json_t *buffer;
    size_t i;

    json_array_foreach((json_t *)buffers, i, buffer)
    {
        char symbol[80];
        uint64_t value;
        const char *name = member_text(buffer, "name");

        snprintf(symbol, sizeof(symbol), "p:%.64s", name ? name : "");
        if (symbols_get(symbols, NULL, symbol, &value) && value == (uintptr_t)address)
            return (size_t)member_number(buffer, "size", 0);
    }
    return 0;
}

/* Memory that was supplied because nothing is recorded of it. */
static bool is_supplied(const json_t *step, struct symbols *symbols,
                        const struct memories *memories, const void *address, size_t size)
{
    return size && memories_hold(memories, address, size) &&
           !declared_size(json_object_get(step, "bufs"), symbols, address);
}

static const json_t *creation_message(const json_t *step)
{
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(step, "msgs"), i, entry)
    {
        const char *command = member_text(entry, "cmd");

        if (command && strcmp(command, "CREATEALLOCATION") == 0)
            return entry;
    }
    return NULL;
}

void undeclared_fill(const json_t *step, struct symbols *symbols, const struct memories *memories,
                     const void *arguments)
{
    const D3DKMT_CREATEALLOCATION *args = arguments;
    const D3DDDI_ALLOCATIONINFO2 *infos = args->pAllocationInfo2;
    /* The count and the pointer may be what the step is about. */
    size_t count = declared_size(json_object_get(step, "bufs"), symbols, infos) / sizeof(*infos);
    const json_t *message = creation_message(step);
    struct wire_createallocation command;
    struct blob blob;

    /* Memory for the host to read only is all that such a call needs. */
    for (size_t i = 0; args->Flags.ReadOnly && i < count && i < args->NumAllocations; i++) {
        void *memory = (void *)infos[i].pSystemMem;

        if (is_supplied(step, symbols, memories, memory, DEFAULT_SIZE))
            mprotect(memory, DEFAULT_SIZE, PROT_READ);
    }
    if (!message)
        return;
    blob_parse(&blob, message);
    if (blob.size < sizeof(command))
        report_die("a recorded CREATEALLOCATION is too short");
    memcpy(&command, blob.bytes, sizeof(command));
    size_t offset = sizeof(command) + command.alloc_count * sizeof(struct wire_allocation_info) +
                    command.private_runtime_data_size + command.priv_drv_data_size;
    for (size_t i = 0; i < count && i < args->NumAllocations; i++) {
        const D3DDDI_ALLOCATIONINFO2 *info = &infos[i];
        size_t size = info->PrivateDriverDataSize;

        if (offset > blob.size || size > blob.size - offset)
            break; /* not an ordinary creation: the size is what the step is about */
        if (is_supplied(step, symbols, memories, info->pPrivateDriverData, size))
            memcpy(info->pPrivateDriverData, blob.bytes + offset, size);
        offset += size;
    }
    blob_free(&blob);
}

void undeclared_supply(const json_t *step, struct symbols *symbols, struct memories *memories)
{
    size_t size = size_told(step), i;
    const json_t *buffer;

    supply(json_object_get(step, "before"), symbols, memories, size);
    json_array_foreach(json_object_get(step, "bufs"), i, buffer)
        supply(json_object_get(buffer, "before"), symbols, memories, size);
}
