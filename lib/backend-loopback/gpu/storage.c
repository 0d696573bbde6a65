/* SPDX-License-Identifier: MIT */
/* A bitmap, not a list of extents: giving pages back needs no memory, so it cannot fail. */
#include "backend-loopback/gpu/storage.h"

#include <assert.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend-loopback/gpu/machine.h"

#define WORD_BITS 64u
#define FULL_WORD UINT64_MAX
#define MIN_PAGES UINT64_C(4)
#define MAX_PAGES (UINT64_C(1) << 28) /* 1 TiB */

static void mark(struct gpu_storage *storage, uint64_t first, uint64_t count, bool used)
{
    for (uint64_t page = first; page < first + count; page++) {
        uint64_t bit = UINT64_C(1) << page % WORD_BITS;

        if (used)
            storage->used[page / WORD_BITS] |= bit;
        else
            storage->used[page / WORD_BITS] &= ~bit;
    }
}

static bool is_used(const struct gpu_storage *storage, uint64_t page)
{
    return storage->used[page / WORD_BITS] >> page % WORD_BITS & 1;
}

/* The memfd is sealed against shrinking: whoever it is handed to could otherwise make every access
 * here a SIGBUS. */
static NTSTATUS open_memory(struct gpu_storage *storage)
{
    uint64_t size = storage->pages * GPU_PAGE_SIZE;
    void *base;

    storage->descriptor = memfd_create("d3dkmt-io-space", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (storage->descriptor < 0)
        return STATUS_NO_MEMORY;
    if (ftruncate(storage->descriptor, (off_t)size) != 0 ||
        fcntl(storage->descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        goto fail;
    base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, storage->descriptor,
                0);
    if (base == MAP_FAILED)
        goto fail;
    storage->base = base;
    return STATUS_SUCCESS;
fail:
    close(storage->descriptor);
    return STATUS_NO_MEMORY;
}

NTSTATUS gpu_storage_init(struct gpu_storage *storage, uint64_t size, void *memory)
{
    NTSTATUS status;

    memset(storage, 0, sizeof(*storage));
    storage->pages = size / GPU_PAGE_SIZE + (size % GPU_PAGE_SIZE != 0 && !memory);
    if (storage->pages < MIN_PAGES || storage->pages > MAX_PAGES)
        return STATUS_INVALID_PARAMETER;
    storage->used = calloc((storage->pages + WORD_BITS - 1) / WORD_BITS, sizeof(*storage->used));
    if (!storage->used)
        return STATUS_NO_MEMORY;
    storage->descriptor = -1;
    storage->base = memory;
    status = memory ? STATUS_SUCCESS : open_memory(storage);
    if (!NT_SUCCESS(status)) {
        free(storage->used);
        return status;
    }
    pthread_mutex_init(&storage->lock, NULL);
    mark(storage, 0, 1, true);
    mark(storage, storage->pages - 1, 1, true);
    storage->first_free = 1;
    return STATUS_SUCCESS;
}

void gpu_storage_destroy(struct gpu_storage *storage)
{
    if (storage->descriptor >= 0) {
        munmap(storage->base, storage->pages * GPU_PAGE_SIZE);
        close(storage->descriptor);
    }
    pthread_mutex_destroy(&storage->lock);
    free(storage->used);
}

/* Full words are skipped and empty ones taken whole; only mixed ones are looked at bit by bit. */
static bool find_run(const struct gpu_storage *storage, uint64_t count, uint64_t *first)
{
    uint64_t page = storage->first_free;
    uint64_t run = 0;

    while (page < storage->pages) {
        uint64_t step = 1;
        bool used = is_used(storage, page);

        if (page % WORD_BITS == 0 && page + WORD_BITS <= storage->pages) {
            uint64_t word = storage->used[page / WORD_BITS];

            if (word == 0 || word == FULL_WORD)
                step = WORD_BITS;
        }
        run = used ? 0 : run + step;
        page += step;
        if (run >= count) {
            *first = page - run;
            return true;
        }
    }
    return false;
}

/* Makes the pages read as zero and returns their memory. Where the file system refuses, zeros are
 * written. */
static void discard(struct gpu_storage *storage, uint64_t first, uint64_t count)
{
    off_t offset = (off_t)(first * GPU_PAGE_SIZE);
    off_t size = (off_t)(count * GPU_PAGE_SIZE);

    if (storage->descriptor < 0 ||
        fallocate(storage->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size) !=
            0)
        memset(storage->base + offset, 0, (size_t)size);
}

void gpu_storage_discard(struct gpu_storage *storage, uint64_t offset, uint64_t pages)
{
    discard(storage, offset / GPU_PAGE_SIZE, pages);
}

NTSTATUS gpu_storage_allocate(struct gpu_storage *storage, uint64_t pages, uint64_t *offset)
{
    uint64_t first = 0;
    bool found = false;

    if (pages == 0 || pages > storage->pages)
        return STATUS_GRAPHICS_NO_VIDEO_MEMORY;
    pthread_mutex_lock(&storage->lock);
    found = find_run(storage, pages, &first);
    if (found) {
        mark(storage, first, pages, true);
        if (first == storage->first_free)
            storage->first_free = first + pages;
    }
    pthread_mutex_unlock(&storage->lock);
    if (!found)
        return STATUS_GRAPHICS_NO_VIDEO_MEMORY;
    /* Emptied again although they were when they came back: somebody may have kept a mapping of
     * them. */
    discard(storage, first, pages);
    *offset = first * GPU_PAGE_SIZE;
    return STATUS_SUCCESS;
}

void gpu_storage_free(struct gpu_storage *storage, uint64_t offset, uint64_t pages)
{
    uint64_t first = offset / GPU_PAGE_SIZE;

    discard(storage, first, pages);
    pthread_mutex_lock(&storage->lock);
    assert(is_used(storage, first) && is_used(storage, first + pages - 1));
    mark(storage, first, pages, false);
    if (first < storage->first_free)
        storage->first_free = first;
    pthread_mutex_unlock(&storage->lock);
}
