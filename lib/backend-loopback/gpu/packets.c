/* SPDX-License-Identifier: MIT */
/* A list of chunks; packets do not cross chunks. */
#include "backend-loopback/gpu/packets.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (16u * 1024u)

struct gpu_chunk {
    struct gpu_chunk *next;
    size_t size;
    size_t head;
    size_t tail;
    alignas(GPU_PACKET_ALIGNMENT) uint8_t data[];
};

static size_t round_up(size_t size)
{
    return (size + GPU_PACKET_ALIGNMENT - 1) / GPU_PACKET_ALIGNMENT * GPU_PACKET_ALIGNMENT;
}

void gpu_packets_init(struct gpu_packets *packets, uint32_t limit)
{
    memset(packets, 0, sizeof(*packets));
    packets->limit = limit;
}

static void free_chunks(struct gpu_chunk *chunk)
{
    while (chunk) {
        struct gpu_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

void gpu_packets_destroy(struct gpu_packets *packets)
{
    free_chunks(packets->first);
    free_chunks(packets->spare);
    packets->first = NULL;
    packets->last = NULL;
    packets->spare = NULL;
}

static struct gpu_chunk *new_chunk(struct gpu_packets *packets, size_t size)
{
    struct gpu_chunk *chunk = packets->spare;

    if (size <= CHUNK_BYTES && chunk) {
        packets->spare = chunk->next;
    } else {
        if (size < CHUNK_BYTES)
            size = CHUNK_BYTES;
        chunk = aligned_alloc(GPU_PACKET_ALIGNMENT, sizeof(*chunk) + size);
        if (!chunk)
            return NULL;
        chunk->size = size;
    }
    chunk->next = NULL;
    chunk->head = 0;
    chunk->tail = 0;
    if (packets->last)
        packets->last->next = chunk;
    else
        packets->first = chunk;
    packets->last = chunk;
    return chunk;
}

struct gpu_packet *gpu_packets_append(struct gpu_packets *packets, size_t payload)
{
    size_t size = round_up(sizeof(struct gpu_packet)) + round_up(payload);
    struct gpu_chunk *chunk = packets->last;
    struct gpu_packet *packet;

    if (payload > packets->limit || size > packets->limit - packets->bytes)
        return NULL;
    if (!chunk || chunk->size - chunk->tail < size)
        chunk = new_chunk(packets, size);
    if (!chunk)
        return NULL;
    packet = (struct gpu_packet *)(void *)(chunk->data + chunk->tail);
    memset(packet, 0, sizeof(*packet));
    packet->bytes = (uint32_t)size;
    chunk->tail += size;
    packets->bytes += (uint32_t)size;
    return packet;
}

struct gpu_packet *gpu_packets_first(const struct gpu_packets *packets)
{
    struct gpu_chunk *chunk = packets->first;

    return chunk && chunk->head < chunk->tail
               ? (struct gpu_packet *)(void *)(chunk->data + chunk->head)
               : NULL;
}

void gpu_packets_remove_first(struct gpu_packets *packets)
{
    struct gpu_packet *packet = gpu_packets_first(packets);
    struct gpu_chunk *chunk = packets->first;

    packets->bytes -= packet->bytes;
    chunk->head += packet->bytes;
    if (chunk->head < chunk->tail)
        return;
    if (chunk == packets->last && chunk->size == CHUNK_BYTES) {
        chunk->head = 0;
        chunk->tail = 0;
        return;
    }
    packets->first = chunk->next;
    if (!packets->first)
        packets->last = NULL;
    if (chunk->size == CHUNK_BYTES) {
        chunk->next = packets->spare;
        packets->spare = chunk;
    } else {
        free(chunk);
    }
}

void *gpu_packet_payload(struct gpu_packet *packet)
{
    return (uint8_t *)packet + round_up(sizeof(*packet));
}
