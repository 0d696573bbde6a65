/* SPDX-License-Identifier: MIT */
#include "core/guest/memory.h"

#include "core/log.h"

#include <stdint.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

bool d3dkmti_guest_populate(const void *address, size_t size, bool writable)
{
    return madvise((void *)address, size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0;
}

/*
 * The program may be writing there, as it may to hardware that is being pulled out: what of that is
 * still seen is open, and no defect that a checker should report. Zeros are left alone, which the
 * copy consists of already.
 */
__attribute__((no_sanitize("thread"))) static void
copy_words(volatile uint64_t *to, const volatile uint64_t *from, size_t size)
{
    for (size_t i = 0; i < size / sizeof(*to); i++) {
        uint64_t word = from[i];

        if (word)
            to[i] = word;
    }
}

void d3dkmti_guest_detach_io(void *transport, void *mapping, size_t size, bool writable)
{
    void *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)transport;
    if (copy != MAP_FAILED) {
        copy_words(copy, mapping, size);
        if ((writable || mprotect(copy, size, PROT_READ) == 0) &&
            mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, mapping) == mapping)
            return;
        munmap(copy, size);
    }
    d3dkmti_log(D3DKMT_LOG_WARNING, "guest", "%zu bytes of an adapter that is gone stay mapped",
                size);
}
