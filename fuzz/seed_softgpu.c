/* SPDX-License-Identifier: MIT */
/* Writes the seeds of softgpu_commands into the folder that is its argument: one per command, and a
 * few that go wrong. */
#include <stdio.h>
#include <stdlib.h>

#include <d3dkmt/softgpu.h>

#define WRITABLE UINT64_C(0x10000)
#define READABLE UINT64_C(0x20000)
#define ZERO     UINT64_C(0x30000)
#define FENCE    UINT64_C(0x40000)

static uint32_t words[2048];
static struct softgpu_writer writer;
static const char *folder;

static void begin(void)
{
    softgpu_writer_init(&writer, words, sizeof(words));
}

static void finish(const char *name)
{
    size_t size = softgpu_writer_size(&writer);
    char path[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "wb");
    if (!file || fwrite(words, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void memory_seeds(void)
{
    begin();
    softgpu_nop(&writer, 3);
    softgpu_fill(&writer, WRITABLE + 1, 0x01020304, 0x2000);
    softgpu_copy(&writer, WRITABLE + 0x4000, READABLE, 0x3001);
    softgpu_copy(&writer, ZERO, WRITABLE, 0x10000);
    finish("transfers");
    begin();
    softgpu_write32(&writer, WRITABLE, 1);
    softgpu_write64(&writer, WRITABLE + 4093, 2);
    softgpu_timestamp(&writer, WRITABLE + 16);
    finish("writes");
    begin();
    for (int i = 0; i < SOFTGPU_ATOMIC_OPERATION_COUNT; i++) {
        softgpu_atomic(&writer, 4, (enum softgpu_atomic)i, WRITABLE, 3, 4, WRITABLE + 64);
        softgpu_atomic(&writer, 8, (enum softgpu_atomic)i, WRITABLE + 8, 3, 4, 0);
    }
    finish("atomics");
    begin();
    softgpu_arithmetic(&writer, SOFTGPU_ADD, SOFTGPU_F32, WRITABLE, READABLE, ZERO, 3000);
    softgpu_arithmetic(&writer, SOFTGPU_MUL, SOFTGPU_U32, WRITABLE, READABLE, WRITABLE, 3000);
    softgpu_arithmetic(&writer, SOFTGPU_XOR, SOFTGPU_U32, WRITABLE, READABLE, READABLE, 16384);
    finish("arithmetic");
}

static void control_seeds(void)
{
    uint32_t argument = 7;

    begin();
    softgpu_signal(&writer, FENCE, 5);
    softgpu_wait(&writer, SOFTGPU_GREATER_EQUAL, FENCE, 5);
    softgpu_wait(&writer, SOFTGPU_EQUAL, FENCE, 5);
    softgpu_signal(&writer, WRITABLE, 5);
    finish("fence");
    begin();
    softgpu_wait(&writer, SOFTGPU_NOT_EQUAL, ZERO, 0);
    finish("poll");
    begin();
    softgpu_hang(&writer);
    finish("hang");
    begin();
    softgpu_call_function(&writer, 1, &argument, 1);
    finish("call");
    begin();
    softgpu_write32(&writer, READABLE, 1);
    finish("write_to_read_only");
    begin();
    softgpu_copy(&writer, WRITABLE, UINT64_C(0xfffffffffffff000), 0x2000);
    finish("copy_from_the_end");
    begin();
    softgpu_fill(&writer, WRITABLE + 0xfff0, 1, 0x20);
    finish("fill_over_the_edge");
    begin();
    softgpu_nop(&writer, 1);
    words[0] = 0;
    finish("length_0");
    begin();
    finish("empty");
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    memory_seeds();
    control_seeds();
    return 0;
}
