/* SPDX-License-Identifier: MIT */
#include "backend-loopback/gpu/records.h"

#include <stdlib.h>
#include <string.h>

/* Fits every kind of record, and a paging job of a few allocations. */
enum { RECORD_SIZE = 256 };

struct gpu_unused_record {
    struct gpu_unused_record *next;
};

void gpu_records_init(struct gpu_records *records)
{
    pthread_mutex_init(&records->mutex, NULL);
    records->unused = NULL;
}

void gpu_records_destroy(struct gpu_records *records)
{
    while (records->unused) {
        struct gpu_unused_record *next = records->unused->next;

        free(records->unused);
        records->unused = next;
    }
    pthread_mutex_destroy(&records->mutex);
}

void *gpu_record_get(struct gpu_records *records, size_t size)
{
    struct gpu_unused_record *record = NULL;

    if (size > RECORD_SIZE)
        return calloc(1, size);
    pthread_mutex_lock(&records->mutex);
    record = records->unused;
    if (record)
        records->unused = record->next;
    pthread_mutex_unlock(&records->mutex);
    if (!record)
        return calloc(1, RECORD_SIZE);
    memset(record, 0, size);
    return record;
}

void gpu_record_put(struct gpu_records *records, void *record, size_t size)
{
    struct gpu_unused_record *unused = record;

    if (!record)
        return;
    if (size > RECORD_SIZE) {
        free(record);
        return;
    }
    pthread_mutex_lock(&records->mutex);
    unused->next = records->unused;
    records->unused = unused;
    pthread_mutex_unlock(&records->mutex);
}
