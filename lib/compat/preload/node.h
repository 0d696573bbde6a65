/* SPDX-License-Identifier: MIT */
/* What stands for /dev/dxg: a path, and descriptors. */
#ifndef COMPAT_PRELOAD_NODE_H
#define COMPAT_PRELOAD_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/*
 * A descriptor of the device is a sealed memory file that holds this. It survives everything that
 * descriptors survive, and tells any process what it is and who opened it.
 */
struct node_record {
    char magic[24];
    uint32_t version;
    int32_t process;     /* that opened it, as it knows itself */
    uint64_t start_time; /* of that process, since boot: numbers of processes come again */
};

/* A miscellaneous device with a dynamic minor number. */
enum { NODE_MAJOR = 10, NODE_MINOR = 125, NODE_MODE = 0666 };

/* The size of the file, by which fstat() suspects it. */
enum { NODE_SIZE = 4096 + 47 };

bool node_find_slowly(int folder, const char *path);

/* Whether a path, relative to a folder as for openat(), names the device. */
static inline bool node_is_path(int folder, const char *path)
{
    size_t length = path ? strlen(path) : 0;

    if (length < 3 || memcmp(path + length - 3, "dxg", 3) != 0)
        return false;
    return node_find_slowly(folder, path);
}

/* A new descriptor of the device for the calling process, or -1 with errno. flags: of open(). */
int node_open(int flags);

/* Whether a descriptor is one of the device, and if so whose. errno is kept. */
bool node_read(int descriptor, struct node_record *record);

/* Whether the calling process opened it. */
bool node_is_own(const struct node_record *record);

#endif
