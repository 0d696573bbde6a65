/* SPDX-License-Identifier: MIT */
#include "backend-vmbus-uio/rings.h"

#include "backend-vmbus-uio/files.h"
#include "backend-vmbus-uio/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ThreadSanitizer knows memory by its address: through a second one it sees no race. */
#if defined(__SANITIZE_THREAD__)
#define MAP_TWICE false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAP_TWICE false
#endif
#endif
#ifndef MAP_TWICE
#define MAP_TWICE true
#endif

static struct vmbus_ring_memory ring_at(unsigned char *start, size_t ring, bool twice)
{
    return (struct vmbus_ring_memory){
        .control = (struct vmbus_ring_control *)(void *)start,
        .data = start + VMBUS_RING_CONTROL_SIZE,
        .size = (uint32_t)(ring - VMBUS_RING_CONTROL_SIZE),
        .mapped_twice = twice,
    };
}

/* The file whose offsets are places in the rings, or -1: sysfs' in the kernel's case. */
static int open_ring_file(const char *root, const struct vmbus_device *device,
                          const struct vmbus_node *node)
{
    char path[VMBUS_PATH_MAX];

    if (node->simulated)
        return fcntl(node->files[0], F_DUPFD_CLOEXEC, 0);
    if (!vmbus_path(path, root, "/sys/bus/vmbus/devices/%s/channels/%u/ring", device->name,
                    device->relid))
        return -1;
    return open(path, O_RDWR | O_CLOEXEC);
}

/* A whole ring, and its data area once more right behind. */
static bool map_one_twice(unsigned char *at, int file, size_t ring, off_t offset)
{
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_FIXED;
    size_t data = ring - VMBUS_RING_CONTROL_SIZE;

    return mmap(at, ring, protection, flags, file, offset) != MAP_FAILED &&
           mmap(at + ring, data, protection, flags, file, offset + VMBUS_RING_CONTROL_SIZE) !=
               MAP_FAILED;
}

/* Whether the two are one memory. Nothing lies in the ring to the host yet. */
static bool is_twice(const struct vmbus_ring_memory *ring)
{
    volatile uint64_t *first = (volatile uint64_t *)(void *)ring->data;
    const volatile uint64_t *second = (const volatile uint64_t *)(void *)(ring->data + ring->size);
    uint64_t before = *first, pattern = ~before ^ UINT64_C(0x5a17c0de);

    *first = pattern;
    bool same = *second == pattern;
    *first = before;
    return same;
}

static bool map_twice(struct vmbus_rings *rings, int file, size_t ring)
{
    size_t stride = 2 * ring - VMBUS_RING_CONTROL_SIZE;
    unsigned char *start = mmap(NULL, 2 * stride, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED)
        return false;
    rings->to_host = ring_at(start, ring, true);
    rings->from_host = ring_at(start + stride, ring, true);
    if (map_one_twice(start, file, ring, 0) &&
        map_one_twice(start + stride, file, ring, (off_t)ring) &&
        vmbus_guard_add(start, 2 * stride) && is_twice(&rings->to_host)) {
        rings->mapping = start;
        rings->size = 2 * stride;
        return true;
    }
    vmbus_guard_remove(start);
    munmap(start, 2 * stride);
    return false;
}

int vmbus_rings_map(struct vmbus_rings *rings, const char *root, const struct vmbus_device *device,
                    const struct vmbus_node *node)
{
    size_t ring = vmbus_device_ring_size(device);

    /* The kernel refuses to map more than there is. */
    if (node->simulated && 2 * ring > node->size)
        return EPROTO;
    int file = MAP_TWICE ? open_ring_file(root, device, node) : -1;
    bool done = file >= 0 && map_twice(rings, file, ring);

    if (file >= 0)
        close(file);
    if (done)
        return 0;
    int error = vmbus_node_map(node, 0, 2 * ring, &rings->mapping);
    if (error)
        return error;
    rings->size = 2 * ring;
    rings->to_host = ring_at(rings->mapping, ring, false);
    rings->from_host = ring_at((unsigned char *)rings->mapping + ring, ring, false);
    return 0;
}

void vmbus_rings_unmap(struct vmbus_rings *rings)
{
    vmbus_guard_remove(rings->mapping);
    if (rings->mapping)
        munmap(rings->mapping, rings->size);
    memset(rings, 0, sizeof(*rings));
}
