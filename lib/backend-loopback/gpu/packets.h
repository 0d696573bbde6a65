/* SPDX-License-Identifier: MIT */
/*
 * The packets of one queue, oldest first, in chunks of memory that never move: the engine works on
 * the first packet in place while others are appended. Chunks are kept for reuse. The user provides
 * the lock; only the content of the first packet may be read without it.
 */
#ifndef BACKEND_LOOPBACK_GPU_PACKETS_H
#define BACKEND_LOOPBACK_GPU_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gpu_packet_type { GPU_PACKET_SUBMIT, GPU_PACKET_WAIT, GPU_PACKET_SIGNAL, GPU_PACKET_UPDATE };

struct gpu_packet {
    uint32_t bytes; /* with this header; a multiple of GPU_PACKET_ALIGNMENT */
    uint32_t type;
    uint32_t count; /* of fences or updates; bytes of private data */
    uint32_t command_size;
    uint64_t command_address;
    uint64_t progress;
    bool has_progress;
};
#define GPU_PACKET_ALIGNMENT 16u

struct gpu_chunk;

struct gpu_packets {
    struct gpu_chunk *first;
    struct gpu_chunk *last;
    struct gpu_chunk *spare;
    uint32_t bytes; /* of waiting packets */
    uint32_t limit;
};

void gpu_packets_init(struct gpu_packets *packets, uint32_t limit);

/* Frees the memory; what packets refer to is the user's. */
void gpu_packets_destroy(struct gpu_packets *packets);

/* A new last packet, its header zeroed but for `bytes`, to be filled in; NULL: no memory, or the
 * limit is reached. */
struct gpu_packet *gpu_packets_append(struct gpu_packets *packets, size_t payload);

struct gpu_packet *gpu_packets_first(const struct gpu_packets *packets);
void gpu_packets_remove_first(struct gpu_packets *packets);

/* Behind the header. */
void *gpu_packet_payload(struct gpu_packet *packet);

#endif
