/* SPDX-License-Identifier: MIT */
/* What Intel's user-mode driver learns about the adapter from its kernel-mode driver: the answer to
 * UMDRIVERPRIVATE. */
#ifndef MINIPORTS_INTEL_ADAPTER_INFO_H
#define MINIPORTS_INTEL_ADAPTER_INFO_H

#include <stddef.h>
#include <stdint.h>

enum {
    ADAPTER_INFO_TIMESTAMP_HZ = 19200000,
    ADAPTER_INFO_MAX = 4096, /* bytes that are always enough */
};

/* What the GPU's clock shows at a time in nanoseconds. */
static inline uint64_t adapter_info_ticks(uint64_t nanoseconds)
{
    const uint64_t second = 1000000000, hertz = ADAPTER_INFO_TIMESTAMP_HZ;

    return nanoseconds / second * hertz + nanoseconds % second * hertz / second;
}

#define ADAPTER_INFO_DEDICATED_MEMORY ((uint64_t)128 << 20)
#define ADAPTER_INFO_SHARED_MEMORY    ((uint64_t)8 << 30)

/* Tiger Lake LP with 96 execution units. Returns the bytes written, 0 when they do not fit. */
size_t adapter_info_write(void *data, size_t size);

#endif
