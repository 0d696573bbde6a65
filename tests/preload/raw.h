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
#include <unistd.h>

/* Ends the program with the place and what was seen. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* A request fails with this errno. */
#define CHECK_ERROR(call, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) == -1 && errno == (error));                                                   \
    } while (0)

#define RAW_OPEN_ADAPTER_FROM_LUID 0xC00C4701
#define RAW_CREATE_DEVICE          0xC0404702
#define RAW_ENUM_ADAPTERS2         0xC0104714
#define RAW_CLOSE_ADAPTER          0xC0044715
#define RAW_DESTROY_DEVICE         0xC0044719

struct raw_adapter_info {
    uint32_t adapter;
    uint32_t luid_low, luid_high;
    uint32_t source_count, present_move_regions;
};

struct raw_enum_adapters2 {
    uint32_t count, reserved;
    uint64_t adapters;
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

#endif
