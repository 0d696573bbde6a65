/* SPDX-License-Identifier: MIT */
/*
 * libwsl_compute_helper.so, which Intel's user-mode driver loads from the driver store. On a
 * machine with the GPU it translates between the structures of the kernel-mode driver's build and
 * tagged streams. The simulated kernel-mode driver speaks the streams themselves: a structure is
 * its stream, with zeros behind it, which the driver's reader takes for entries to skip.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HELPER_API __attribute__((visibility("default")))

/* The names are the driver's. */
HELPER_API uint64_t getVersion(void);
HELPER_API size_t getSizeRequiredForStruct(int structure);
HELPER_API size_t getSizeRequiredForTokens(int structure);
HELPER_API bool structToTokens(int structure, void *tokens, size_t tokens_size, const void *from,
                               size_t size);
HELPER_API bool tokensToStruct(int structure, void *to, size_t size, const void *begin,
                               const void *end);
HELPER_API void destroyStructRepresentation(int structure, void *from, size_t size);

enum {
    STRUCTURE_ADAPTER_INFO = 1,
    STRUCTURE_SURFACE = 7,
    SIZE_ADAPTER_INFO = 4096,
    SIZE_SURFACE = 8192,
    SIZE_OTHER = 1024,
};

uint64_t getVersion(void)
{
    return 1;
}

size_t getSizeRequiredForStruct(int structure)
{
    if (structure == STRUCTURE_ADAPTER_INFO)
        return SIZE_ADAPTER_INFO;
    return structure == STRUCTURE_SURFACE ? SIZE_SURFACE : SIZE_OTHER;
}

size_t getSizeRequiredForTokens(int structure)
{
    return getSizeRequiredForStruct(structure);
}

static bool pass(void *to, size_t room, const void *from, size_t size)
{
    if (size > room)
        return false;
    memmove(to, from, size);
    memset((char *)to + size, 0, room - size);
    return true;
}

bool structToTokens(int structure, void *tokens, size_t tokens_size, const void *from, size_t size)
{
    (void)structure;
    return pass(tokens, tokens_size, from, size);
}

bool tokensToStruct(int structure, void *to, size_t size, const void *begin, const void *end)
{
    (void)structure;
    return pass(to, size, begin, (size_t)((const char *)end - (const char *)begin));
}

/* Nothing was allocated for it. */
void destroyStructRepresentation(int structure, void *from, size_t size)
{
    (void)structure;
    (void)from;
    (void)size;
}
