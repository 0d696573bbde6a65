/* SPDX-License-Identifier: MIT */
/*
 * Small records that hot calls make and drop (regions, mappings, residency, paging jobs), kept for
 * reuse: mapping and making resident allocate nothing in steady state.
 */
#ifndef BACKEND_LOOPBACK_GPU_RECORDS_H
#define BACKEND_LOOPBACK_GPU_RECORDS_H

#include <pthread.h>
#include <stddef.h>

/* One of an adapter. Its mutex is a leaf. */
struct gpu_records {
    pthread_mutex_t mutex;
    struct gpu_unused_record *unused;
};

void gpu_records_init(struct gpu_records *records);

/* Every record must have been given back. */
void gpu_records_destroy(struct gpu_records *records);

/* A zeroed record of size bytes, or NULL. Larger ones than are kept come from the allocator. */
void *gpu_record_get(struct gpu_records *records, size_t size);

/* size: as in gpu_record_get. NULL is fine. */
void gpu_record_put(struct gpu_records *records, void *record, size_t size);

#endif
