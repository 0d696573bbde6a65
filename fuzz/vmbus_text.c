/* SPDX-License-Identifier: MIT */
/*
 * Input: a byte that chooses what is read, and the text: a GUID, a number of a file, a place of the
 * IO space, or lines of /proc/iomem.
 */
#include "backend-vmbus-uio/devices.h"
#include "backend-vmbus-uio/files.h"
#include "backend-vmbus-uio/io_space.h"
#include "fuzz_input.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_SIZE = 2048 };

static void read_guid(const char *text)
{
    uint8_t guid[16];

    if (vmbus_guid_parse(text, guid))
        fuzz_touch(guid, sizeof(guid));
}

/* A file of the kernel's that holds the text. */
static void read_file(const char *text)
{
    char path[64], line[40];
    uint64_t number = 0;
    int file = memfd_create("text", MFD_CLOEXEC);

    if (file < 0 || write(file, text, strlen(text)) < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    if (vmbus_file_read(path, line, sizeof(line)) == 0 && strchr(line, '\n'))
        abort();
    int error = vmbus_file_number(path, &number);
    /* What it takes is the number and nothing else. */
    if (error == 0 && number == 0 && !strpbrk(text, "0"))
        abort();
    close(file);
}

static void read_range(const char *text)
{
    struct vmbus_io_range range = {0};

    if (NT_SUCCESS(vmbus_io_range_read(text, &range)) &&
        (range.start % 65536 || range.size % (1 << 20) || range.size == 0 ||
         range.start + range.size < range.start))
        abort();
}

/* Lines of /proc/iomem in a folder of its own, which goes with the process. */
static char root[] = "/tmp/d3dkmt-fuzz-XXXXXX", folder[64], iomem[80];

static void remove_folder(void)
{
    unlink(iomem);
    rmdir(folder);
    rmdir(root);
}

static void make_folder(void)
{
    if (!mkdtemp(root))
        abort();
    snprintf(folder, sizeof(folder), "%s/proc", root);
    snprintf(iomem, sizeof(iomem), "%s/iomem", folder);
    if (mkdir(folder, 0700) != 0 || atexit(remove_folder) != 0)
        abort();
}

/* Opening fails in any case, for want of memory. */
static void read_iomem(const char *text)
{
    static const struct vmbus_io_range range = {(uint64_t)1 << 35, (uint64_t)1 << 28};
    struct vmbus_io_space space;

    if (!iomem[0])
        make_folder();
    FILE *file = fopen(iomem, "w");
    if (!file)
        abort();
    fputs(text, file);
    fclose(file);
    if (NT_SUCCESS(vmbus_io_space_open(&space, root, &range)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *text) = {read_guid, read_file, read_range,
                                                        read_iomem};
    char text[TEXT_SIZE];

    if (size == 0)
        return 0;
    size_t length = size - 1 < sizeof(text) - 1 ? size - 1 : sizeof(text) - 1;
    memcpy(text, data + 1, length);
    text[length] = '\0';
    readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](text);
    return 0;
}
