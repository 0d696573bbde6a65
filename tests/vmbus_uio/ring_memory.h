/* SPDX-License-Identifier: MIT */
/* Memory for a ring, as a kernel would map it: shared, and if wanted with its data area twice. */
#ifndef TESTS_VMBUS_UIO_RING_MEMORY_H
#define TESTS_VMBUS_UIO_RING_MEMORY_H

#include "backend-vmbus-uio/ring.h"

struct ring_memory {
    struct vmbus_ring_memory ring;
    unsigned char *mapping;
    size_t mapping_size;
};

/* size: bytes of the data area, whole pages. Ends the program if there is no memory. */
void ring_memory_create(struct ring_memory *memory, uint32_t size, bool mapped_twice);
void ring_memory_destroy(struct ring_memory *memory);

#endif
