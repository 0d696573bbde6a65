/* SPDX-License-Identifier: MIT */
/*
 * gpu-copy FILE: takes a file through the GPU and back, in chunks.
 *
 *   CPU            copy engine                compute engine
 *   file -> upload buffer
 *                  upload -> video memory
 *                  signal uploaded    ----->  wait
 *                                             XOR with a key, in video memory
 *                  wait               <-----  signal transformed
 *                  video memory -> download buffer
 *                  signal done
 *   wait, compare with the file
 *
 * The waits between the engines are the GPU's: the CPU runs ahead by as many chunks as there are
 * slots.
 */
#include "umd/umd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_SIZE = 4 << 20, SLOTS = 2, COMMANDS_SIZE = 4096, STAGES = 3 };
enum { COMPUTE_NODE = 0, COPY_NODE = 1 };

struct slot {
    struct umd_buffer upload, video, transformed, download;
    struct umd_buffer commands; /* one page for each stage */
    size_t chunk_size;          /* bytes of the file in flight, 0 when free */
    uint64_t done_value;        /* of the done fence */
};

struct copy {
    struct umd umd;
    D3DKMT_HANDLE copy_context, compute_context;
    struct umd_fence uploaded, transformed, done;
    struct umd_buffer key;
    struct slot slots[SLOTS];
    FILE *file;
    uint64_t file_size, submitted, verified, chunks, mismatches;
};

static int fail(const char *what, NTSTATUS status)
{
    const char *reason = d3dkmt_last_error();

    fprintf(stderr, "gpu-copy: %s: %s\n", what, *reason ? reason : d3dkmt_status_name(status));
    return 1;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- setting up */

static NTSTATUS create_slot(struct umd *umd, struct slot *slot)
{
    const uint32_t staging = SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_NON_LOCAL;
    NTSTATUS status = umd_buffer_create(umd, CHUNK_SIZE, staging, &slot->upload);

    if (NT_SUCCESS(status))
        status = umd_buffer_create(umd, CHUNK_SIZE, staging, &slot->download);
    if (NT_SUCCESS(status))
        status = umd_buffer_create(umd, CHUNK_SIZE, 0, &slot->video);
    if (NT_SUCCESS(status))
        status = umd_buffer_create(umd, CHUNK_SIZE, 0, &slot->transformed);
    if (NT_SUCCESS(status))
        status = umd_buffer_create(umd, COMMANDS_SIZE * STAGES, staging, &slot->commands);
    return status;
}

static NTSTATUS create_key(struct copy *copy)
{
    NTSTATUS status = umd_buffer_create(
        &copy->umd, CHUNK_SIZE, SOFTGPU_ALLOCATION_CPU_VISIBLE | SOFTGPU_ALLOCATION_NON_LOCAL,
        &copy->key);
    uint32_t *words = copy->key.cpu;
    uint32_t state = 0x2545f491;

    for (size_t i = 0; NT_SUCCESS(status) && i < CHUNK_SIZE / sizeof(*words); i++) {
        state = state * 1664525 + 1013904223;
        words[i] = state;
    }
    return status;
}

static NTSTATUS set_up(struct copy *copy)
{
    NTSTATUS status = umd_open(&copy->umd, 0);

    if (NT_SUCCESS(status))
        status = umd_context_create(&copy->umd, COPY_NODE, &copy->copy_context);
    if (NT_SUCCESS(status))
        status = umd_context_create(&copy->umd, COMPUTE_NODE, &copy->compute_context);
    if (NT_SUCCESS(status))
        status = umd_fence_create(&copy->umd, 0, &copy->uploaded);
    if (NT_SUCCESS(status))
        status = umd_fence_create(&copy->umd, 0, &copy->transformed);
    if (NT_SUCCESS(status))
        status = umd_fence_create(&copy->umd, 0, &copy->done);
    if (NT_SUCCESS(status))
        status = create_key(copy);
    for (int i = 0; i < SLOTS && NT_SUCCESS(status); i++)
        status = create_slot(&copy->umd, &copy->slots[i]);
    return status;
}

/* ---- one chunk */

/* Writes a stage's commands into its page and submits them. */
static NTSTATUS submit_stage(D3DKMT_HANDLE context, const struct slot *slot, int stage,
                             const struct softgpu_writer *writer)
{
    return umd_submit(context, slot->commands.address + (uint64_t)stage * COMMANDS_SIZE,
                      softgpu_writer_size(writer));
}

static void begin_stage(const struct slot *slot, int stage, struct softgpu_writer *writer)
{
    softgpu_writer_init(writer, (char *)slot->commands.cpu + (size_t)stage * COMMANDS_SIZE,
                        COMMANDS_SIZE);
}

static NTSTATUS submit_chunk(struct copy *copy, struct slot *slot, uint64_t value)
{
    uint32_t words = (uint32_t)((slot->chunk_size + 3) / 4);
    struct softgpu_writer writer;

    begin_stage(slot, 0, &writer);
    softgpu_copy(&writer, slot->video.address, slot->upload.address, slot->chunk_size);
    NTSTATUS status = submit_stage(copy->copy_context, slot, 0, &writer);
    if (NT_SUCCESS(status))
        status = umd_signal(copy->copy_context, &copy->uploaded, value);

    if (NT_SUCCESS(status))
        status = umd_wait(copy->compute_context, &copy->uploaded, value);
    begin_stage(slot, 1, &writer);
    softgpu_arithmetic(&writer, SOFTGPU_XOR, SOFTGPU_U32, slot->transformed.address,
                       slot->video.address, copy->key.address, words);
    if (NT_SUCCESS(status))
        status = submit_stage(copy->compute_context, slot, 1, &writer);
    if (NT_SUCCESS(status))
        status = umd_signal(copy->compute_context, &copy->transformed, value);

    if (NT_SUCCESS(status))
        status = umd_wait(copy->copy_context, &copy->transformed, value);
    begin_stage(slot, 2, &writer);
    softgpu_copy(&writer, slot->download.address, slot->transformed.address, slot->chunk_size);
    if (NT_SUCCESS(status))
        status = submit_stage(copy->copy_context, slot, 2, &writer);
    if (NT_SUCCESS(status))
        status = umd_signal(copy->copy_context, &copy->done, value);
    slot->done_value = value;
    return status;
}

/* What came back must be the file's bytes under the key: so both engines have worked. */
static uint64_t count_mismatches(const struct copy *copy, const struct slot *slot)
{
    const uint8_t *original = slot->upload.cpu, *key = copy->key.cpu, *back = slot->download.cpu;
    uint64_t mismatches = 0;

    for (size_t i = 0; i < slot->chunk_size; i++)
        mismatches += (uint8_t)(back[i] ^ key[i]) != original[i];
    return mismatches;
}

static NTSTATUS finish_chunk(struct copy *copy, struct slot *slot)
{
    if (slot->chunk_size == 0)
        return STATUS_SUCCESS;
    NTSTATUS status = umd_wait_on_cpu(&copy->umd, &copy->done, slot->done_value);
    if (NT_SUCCESS(status)) {
        copy->mismatches += count_mismatches(copy, slot);
        copy->verified += slot->chunk_size;
        memset(slot->download.cpu, 0, slot->chunk_size);
        slot->chunk_size = 0;
    }
    return status;
}

/* ---- the whole file */

static void show_progress(const struct copy *copy, double start, bool last)
{
    enum { WIDTH = 40 };
    double seconds = seconds_now() - start;
    int filled = copy->file_size ? (int)(copy->verified * WIDTH / copy->file_size) : WIDTH;

    if (!isatty(STDOUT_FILENO) && !last)
        return;
    printf("\r[%.*s%*s] %3u %%  %llu of %llu MiB  %.0f MiB/s", filled,
           "########################################", WIDTH - filled, "",
           copy->file_size ? (unsigned)(copy->verified * 100 / copy->file_size) : 100,
           (unsigned long long)copy->verified >> 20, (unsigned long long)copy->file_size >> 20,
           seconds > 0 ? (double)copy->verified / seconds / (1 << 20) : 0.0);
    if (last)
        putchar('\n');
    fflush(stdout);
}

static NTSTATUS run(struct copy *copy, double start)
{
    NTSTATUS status = STATUS_SUCCESS;

    while (NT_SUCCESS(status)) {
        struct slot *slot = &copy->slots[copy->chunks % SLOTS];

        status = finish_chunk(copy, slot);
        if (!NT_SUCCESS(status))
            break;
        show_progress(copy, start, false);
        slot->chunk_size = fread(slot->upload.cpu, 1, CHUNK_SIZE, copy->file);
        if (slot->chunk_size == 0)
            break;
        copy->submitted += slot->chunk_size;
        status = submit_chunk(copy, slot, ++copy->chunks);
    }
    for (int i = 1; i < SLOTS && NT_SUCCESS(status); i++)
        status = finish_chunk(copy, &copy->slots[(copy->chunks + i) % SLOTS]);
    return status;
}

static int report(const struct copy *copy)
{
    printf("%llu chunks of %d MiB: uploaded and downloaded by the copy engine, transformed by the "
           "compute engine\n",
           (unsigned long long)copy->chunks, CHUNK_SIZE >> 20);
    if (ferror(copy->file) || copy->submitted != copy->file_size) {
        fprintf(stderr, "gpu-copy: the file could not be read to its end\n");
        return 1;
    }
    if (copy->mismatches || copy->verified != copy->file_size) {
        fprintf(stderr, "gpu-copy: MISMATCH: %llu of %llu bytes came back wrong\n",
                (unsigned long long)copy->mismatches, (unsigned long long)copy->file_size);
        return 1;
    }
    printf("%llu bytes compared: all came back as they were\n", (unsigned long long)copy->verified);
    return 0;
}

static int copy_file(struct copy *copy)
{
    NTSTATUS status = set_up(copy);

    if (!NT_SUCCESS(status))
        return fail("setting up", status);
    double start = seconds_now();
    status = run(copy, start);
    show_progress(copy, start, true);
    return NT_SUCCESS(status) ? report(copy) : fail("copying", status);
}

int main(int argument_count, char **arguments)
{
    static struct copy copy;

    if (argument_count != 2) {
        fprintf(stderr, "usage: gpu-copy FILE\n");
        return 2;
    }
    copy.file = fopen(arguments[1], "rb");
    if (!copy.file || fseek(copy.file, 0, SEEK_END) != 0) {
        fprintf(stderr, "gpu-copy: %s: %s\n", arguments[1], strerror(errno));
        return 2;
    }
    copy.file_size = (uint64_t)ftell(copy.file);
    rewind(copy.file);
    int result = copy_file(&copy);
    umd_close(&copy.umd);
    fclose(copy.file);
    return result;
}
