/* SPDX-License-Identifier: MIT */
/*
 * A guest's whole conversation with a host. Input: one byte for version and asynchronous mode, then
 * records of one byte (bit 0: a reply is wanted, bits 1-2: channel, 0 is the global one), 16 bits
 * of size and a message. Handles are dense and the order of commands is fixed, so an input finds
 * the same handles each time.
 */
#include "backend-loopback/host/host.h"
#include "backend-loopback/kmd/softgpu.h"
#include "fuzz_input.h"

enum { MAX_RECORDS = 200, POOL_PAGES = 16, POOL_PAGE = 4096, REPLY_SIZE = 8192 };

_Alignas(4096) static unsigned char pool[POOL_PAGES * POOL_PAGE];

static void take_message(void *context, const void *bytes, size_t size)
{
    (void)context;
    fuzz_touch(bytes, size);
}

static void *map_pages(void *context, uint64_t guest_physical, size_t size, bool writable)
{
    (void)context;
    (void)writable;
    return size == POOL_PAGE ? pool + guest_physical / POOL_PAGE % POOL_PAGES * POOL_PAGE : NULL;
}

static struct host_guest *open_host(uint8_t mode, struct host **host)
{
    struct host_config config = {
        .interface_version = mode & 1 ? 40 : 27,
        .async_messages = (mode & 2) != 0,
        .caps = HOST_CAPS_MAP_GUEST_MEMORY,
        .io_space_size = 8 << 20,
        .max_processes = 4,
        .max_objects = 256,
        .adapter_count = 2,
    };
    struct host_guest_link link = {.message = take_message, .map_pages = map_pages};
    struct host_memory memory = {pool, sizeof(pool)};
    struct host_guest *guest;
    for (uint32_t i = 0; i < config.adapter_count; i++) {
        config.adapters[i].miniport = &kmd_softgpu;
        config.adapters[i].asynchronous_paging = (mode & 4) != 0;
        config.adapters[i].hang_timeout_ns = 2000000;
    }
    if (host_create(&config, host) != STATUS_SUCCESS ||
        host_guest_connect(*host, &link, &guest) != STATUS_SUCCESS)
        abort();
    host_gpadl_create(guest, 1, &memory, 1, true);
    if (mode & 1)
        host_config_write(guest, 0, HOST_CONFIG_VERSION, 40);
    return guest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct host *host;
    struct host_guest *guest = open_host(data[0], &host);
    data++;
    size--;
    for (unsigned record = 0; record < MAX_RECORDS && size >= 3; record++) {
        size_t length = (size_t)data[1] | (size_t)data[2] << 8;
        int channel = (data[0] >> 1 & 3) - 1;
        bool wanted = data[0] & 1;
        if (length > size - 3)
            length = size - 3;
        unsigned char *message = fuzz_copy(data + 3, length);
        unsigned char *reply = malloc(REPLY_SIZE);
        if (!reply)
            abort();
        size_t answer = host_command(guest, channel, message, length, wanted, reply, REPLY_SIZE);
        if (answer > REPLY_SIZE)
            abort();
        fuzz_touch(reply, answer); /* MemorySanitizer: every byte of a reply is written */
        free(reply);
        free(message);
        data += 3 + length;
        size -= 3 + length;
    }
    host_guest_disconnect(guest);
    host_destroy(host);
    return 0;
}
