/* SPDX-License-Identifier: MIT */
/*
 * /dev/dxg from the other side: requests by number, structs built by hand from what is known of
 * the kernel's interface. No header of this project is used, so that an error in one shows.
 */
#ifndef TESTS_PRELOAD_RAW_H
#define TESTS_PRELOAD_RAW_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ends the program with the place and what was seen. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);      \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* A request, or another system call, fails with this errno. */
#define CHECK_ERROR(call, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) == -1 && errno == (error));                                                   \
    } while (0)

#define RAW_OPEN_ADAPTER_FROM_LUID 0xC00C4701
#define RAW_CREATE_DEVICE          0xC0404702
#define RAW_CREATE_CONTEXT_GONE    0xC0604703
#define RAW_CREATE_ALLOCATION      0xC0484706
#define RAW_QUERY_ADAPTER_INFO     0xC0184709
#define RAW_CREATE_SYNC_OBJECT     0xC0604710
#define RAW_ENUM_ADAPTERS2         0xC0104714
#define RAW_CLOSE_ADAPTER          0xC0044715
#define RAW_DESTROY_DEVICE         0xC0044719
#define RAW_DESTROY_SYNC_OBJECT    0xC004471D
#define RAW_SIGNAL_FROM_CPU        0xC0204731
#define RAW_WAIT_FROM_CPU          0xC028473A
#define RAW_ENUM_ADAPTERS3         0xC018473E
#define RAW_SHARE_OBJECTS          0xC028473F
#define RAW_OPEN_SYNC_OBJECT       0xC0584740
#define RAW_ENUM_PROCESSES         0xC0184748

#define RAW_INVALID_PARAMETER ((int)0xC000000D)

struct raw_luid {
    uint32_t low, high;
};

struct raw_open_adapter {
    struct raw_luid luid;
    uint32_t adapter;
};

struct raw_adapter_info {
    uint32_t adapter;
    struct raw_luid luid;
    uint32_t source_count, present_move_regions;
};

struct raw_enum_adapters2 {
    uint32_t count, reserved;
    uint64_t adapters;
};

struct raw_enum_adapters3 {
    uint64_t filter;
    uint32_t count, reserved;
    uint64_t adapters;
};

struct raw_query_adapter_info {
    uint32_t adapter, type;
    uint64_t data;
    uint32_t size, reserved;
};

struct raw_create_device {
    uint32_t adapter, reserved3, flags, device;
    uint64_t command_buffer;
    uint32_t command_buffer_size, reserved;
    uint64_t allocation_list;
    uint32_t allocation_list_size, reserved1;
    uint64_t patch_location_list;
    uint32_t patch_location_list_size, reserved2;
};

struct raw_allocation_info {
    uint32_t allocation, padding;
    uint64_t memory, private_data;
    uint32_t private_size, source, flags, padding2;
    uint64_t gpu_address, priority, reserved[5];
};

struct raw_create_allocation {
    uint32_t device, resource, global_share, reserved;
    uint64_t runtime_data;
    uint32_t runtime_size, reserved1;
    uint64_t standard_or_private;
    uint32_t private_size, count;
    uint64_t infos;
    uint32_t flags, reserved2;
    uint64_t runtime_resource;
};

/* Type 1: existing heap; 2: cross adapter. */
struct raw_standard_allocation {
    uint32_t type, padding;
    uint64_t size;
    uint32_t flags, padding2;
};

/* A monitored fence has the type 5. */
struct raw_create_sync_object {
    uint32_t device, reserved;
    uint32_t type, flags;
    uint64_t initial_value, cpu_address, gpu_address, engine_affinity;
    uint64_t rest[4];
    uint32_t shared_handle, padding, sync_object, reserved1;
};

struct raw_signal_from_cpu {
    uint32_t device, count;
    uint64_t objects, values;
    uint32_t flags, reserved;
};

struct raw_wait_from_cpu {
    uint32_t device, count;
    uint64_t objects, values, event;
    uint32_t flags, reserved;
};

struct raw_share_objects {
    uint32_t count, reserved;
    uint64_t objects, attributes;
    uint32_t access, reserved1;
    uint64_t descriptor;
};

struct raw_open_sync_object {
    uint64_t descriptor;
    uint32_t device, flags, sync_object, reserved;
    uint64_t cpu_address, gpu_address, engine_affinity;
    uint64_t rest[5];
};

struct raw_enum_processes {
    struct raw_luid luid;
    uint64_t buffer, count;
};

/* A request says the size of its struct. */
#define RAW_CHECK_SIZE(type, request)                                                              \
    _Static_assert(sizeof(struct type) == ((request) >> 16 & 0x3fff), "the size in the request")

RAW_CHECK_SIZE(raw_open_adapter, RAW_OPEN_ADAPTER_FROM_LUID);
RAW_CHECK_SIZE(raw_enum_adapters2, RAW_ENUM_ADAPTERS2);
RAW_CHECK_SIZE(raw_enum_adapters3, RAW_ENUM_ADAPTERS3);
RAW_CHECK_SIZE(raw_query_adapter_info, RAW_QUERY_ADAPTER_INFO);
RAW_CHECK_SIZE(raw_create_device, RAW_CREATE_DEVICE);
RAW_CHECK_SIZE(raw_create_allocation, RAW_CREATE_ALLOCATION);
RAW_CHECK_SIZE(raw_create_sync_object, RAW_CREATE_SYNC_OBJECT);
RAW_CHECK_SIZE(raw_signal_from_cpu, RAW_SIGNAL_FROM_CPU);
RAW_CHECK_SIZE(raw_wait_from_cpu, RAW_WAIT_FROM_CPU);
RAW_CHECK_SIZE(raw_share_objects, RAW_SHARE_OBJECTS);
RAW_CHECK_SIZE(raw_open_sync_object, RAW_OPEN_SYNC_OBJECT);
RAW_CHECK_SIZE(raw_enum_processes, RAW_ENUM_PROCESSES);

enum { RAW_MONITORED_FENCE = 5, RAW_SHARED = 1, RAW_NT_SECURITY_SHARING = 2 };

/* What most tests begin with. */
struct raw {
    int device_node;
    struct raw_luid luid;
    uint32_t adapter, device;
};

int raw_open(void);
void raw_begin(struct raw *raw); /* opens the node, the first adapter and a device */
uint32_t raw_open_adapter(int node, struct raw_luid *luid);
uint32_t raw_create_fence(const struct raw *raw, uint32_t flags, const volatile uint64_t **value);
int raw_signal(const struct raw *raw, uint32_t fence, uint64_t value);
int raw_wait(const struct raw *raw, uint32_t fence, uint64_t value);

/*
 * Before a fork: returns when every other thread sleeps. A sanitizer's runtime hands its locks to
 * the child as they are, and threads of the simulated host that begin or end may have one.
 */
void raw_settle(void);

/* Waits for a child, which ended with exit status 0. */
void raw_join(pid_t child);

#endif
