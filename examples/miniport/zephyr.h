/* SPDX-License-Identifier: MIT */
/*
 * The Zephyr GPU of a made-up vendor: what its user-mode and kernel-mode drivers tell each other,
 * and the commands that its engine executes. Nobody else knows these bytes: D3DKMT, the guest's
 * kernel and the host pass them on. Replace this file by your own.
 *
 * The GPU works on surfaces: rows of 32-bit pixels, padded to its pitch.
 */
#ifndef EXAMPLES_MINIPORT_ZEPHYR_H
#define EXAMPLES_MINIPORT_ZEPHYR_H

#include <stdint.h>

#define ZEPHYR_VERSION 3u
#define ZEPHYR_MAGIC   0x5259505au /* "ZPYR": at the start of all private data */
#define ZEPHYR_PITCH   256u        /* bytes of a row are a multiple of this */

/* What all private data begin with, so that those of another driver are noticed. */
struct zephyr_header {
    uint32_t magic;
    uint32_t version;
};

/* The adapter, KMTQAITYPE_UMDRIVERPRIVATE: what the user-mode driver must know of the hardware. */
struct zephyr_adapter {
    struct zephyr_header header;
    uint32_t generation;
    uint32_t max_width, max_height; /* pixels of a surface */
    uint32_t reserved;
};

/* An allocation. Its size in bytes is nowhere but in here. */
struct zephyr_surface {
    struct zephyr_header header;
    uint32_t width, height; /* in: pixels */
    uint32_t pitch;         /* out: bytes from one row to the next */
    uint32_t reserved;
};

/* A context. */
struct zephyr_context {
    struct zephyr_header header;
    uint32_t number; /* out: for the driver's log */
    uint32_t reserved;
};

/* A submission: the fence that the engine signals behind the commands. */
struct zephyr_submit {
    struct zephyr_header header;
    uint64_t fence_address; /* GPU virtual address of a monitored fence */
    uint64_t fence_value;
};

/* An escape: what the adapter has done for the process that asks. */
struct zephyr_statistics {
    struct zephyr_header header;
    uint64_t commands; /* out: executed in the whole */
    uint64_t pixels;   /* out: written in the whole */
    uint32_t devices;  /* out: of the process that asks, with a device; else 0 */
    uint32_t reserved;
};

/* ---- commands: 32 bytes each, aligned to 8 */

enum zephyr_operation {
    ZEPHYR_CLEAR = 1, /* destination = color */
    ZEPHYR_BLEND = 2, /* destination = average of destination and source, byte by byte */
};

struct zephyr_command {
    uint32_t operation;
    uint32_t color;
    uint64_t destination, source; /* GPU virtual addresses of surfaces with the same pitch */
    uint16_t width, height;       /* pixels */
    uint32_t pitch;               /* bytes */
};

/* ---- in the driver store's folder */

#define ZEPHYR_STORE_FILE "zephyr.conf" /* settings of the user-mode driver */

#endif
