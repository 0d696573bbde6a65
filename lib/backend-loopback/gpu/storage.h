/* SPDX-License-Identifier: MIT */
/* The memory behind everything that CPU and GPU share, a memfd as a rule, and a bitmap of its
 * pages. */
#ifndef BACKEND_LOOPBACK_GPU_STORAGE_H
#define BACKEND_LOOPBACK_GPU_STORAGE_H

#include <pthread.h>
#include <stdint.h>

#include <d3dkmt/d3dkmthk.h>

struct gpu_storage {
    int descriptor; /* -1: the memory is somebody else's */
    uint8_t *base;
    uint64_t pages;

    pthread_mutex_t lock; /* guards what follows */
    uint64_t *used;       /* one bit a page */
    uint64_t first_free;  /* no page below is free */
};

/* memory: of so many bytes, or NULL for some of its own. STATUS_INVALID_PARAMETER,
 * STATUS_NO_MEMORY. After a failure there is nothing to destroy. */
NTSTATUS gpu_storage_init(struct gpu_storage *storage, uint64_t size, void *memory);
void gpu_storage_destroy(struct gpu_storage *storage);

/* A contiguous run of zeroed pages; never page 0, never the last page, which a guest may not map.
 * First fit. STATUS_GRAPHICS_NO_VIDEO_MEMORY. */
NTSTATUS gpu_storage_allocate(struct gpu_storage *storage, uint64_t pages, uint64_t *offset);

/* The pages read as zero from now on and give their memory back, but stay allocated. */
void gpu_storage_discard(struct gpu_storage *storage, uint64_t offset, uint64_t pages);

/* Gives the pages back to the operating system as well. Cannot fail. */
void gpu_storage_free(struct gpu_storage *storage, uint64_t offset, uint64_t pages);

#endif
