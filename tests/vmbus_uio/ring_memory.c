/* SPDX-License-Identifier: MIT */
#include "ring_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map(void *where, size_t size, int file, size_t offset)
{
    void *mapped = mmap(where, size, PROT_READ | PROT_WRITE, MAP_SHARED | (where ? MAP_FIXED : 0),
                        file, (off_t)offset);

    if (mapped == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return mapped;
}

void ring_memory_create(struct ring_memory *memory, uint32_t size, bool mapped_twice)
{
    size_t once = VMBUS_RING_CONTROL_SIZE + (size_t)size;
    int file = memfd_create("ring", MFD_CLOEXEC);

    if (file < 0 || ftruncate(file, (off_t)(once + size)) != 0) {
        perror("memfd");
        exit(1);
    }
    /* Room for both, then the data area once more over the rest. */
    memory->mapping_size = mapped_twice ? once + size : once;
    memory->mapping = map(NULL, memory->mapping_size, file, 0);
    if (mapped_twice)
        map(memory->mapping + once, size, file, VMBUS_RING_CONTROL_SIZE);
    close(file);
    memory->ring = (struct vmbus_ring_memory){
        .control = (struct vmbus_ring_control *)(void *)memory->mapping,
        .data = memory->mapping + VMBUS_RING_CONTROL_SIZE,
        .size = size,
        .mapped_twice = mapped_twice,
    };
}

void ring_memory_destroy(struct ring_memory *memory)
{
    munmap(memory->mapping, memory->mapping_size);
}
