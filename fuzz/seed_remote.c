/* SPDX-License-Identifier: MIT */
/* Writes the seeds of remote_packet and kept_record. Usage: fuzz-seed-remote CORPUS_FOLDER */
#include "backend-loopback/remote/frame.h"
#include "core/guest/sharing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder;

static void write_seed(const char *target, const char *name, const void *bytes, size_t size)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void packet(const char *name, uint8_t mode, uint32_t type, const void *body, size_t size)
{
    unsigned char bytes[1 + sizeof(struct remote_header) + 1024] = {mode};
    struct remote_header header = {.type = type};

    memcpy(bytes + 1, &header, sizeof(header));
    if (size > 0)
        memcpy(bytes + 1 + sizeof(header), body, size);
    write_seed("remote_packet", name, bytes, 1 + sizeof(header) + size);
}

static void packets(void)
{
    struct remote_hello hello = {REMOTE_MAGIC, REMOTE_VERSION};
    struct remote_config config = {0, 0xd0, 40};
    struct remote_open_slot open = {3};
    struct remote_keep keep = {.kind = REMOTE_KEPT_SYNC_FILE, .value = 7, .name = "name"};
    struct remote_number number = {3};
    struct remote_arrived arrived = {3, {.present = 1}};
    struct remote_welcome welcome = {.magic = REMOTE_MAGIC, .adapters[0].present = 1};
    struct remote_answer answer = {0};
    uint8_t message[40] = {1};

    packet("hello", 1, REMOTE_HELLO, &hello, sizeof(hello));
    packet("hello_with_descriptor", 3, REMOTE_HELLO, &hello, sizeof(hello));
    packet("config_read", 1, REMOTE_CONFIG_READ, &config, sizeof(config));
    packet("config_write", 1, REMOTE_CONFIG_WRITE, &config, sizeof(config));
    packet("open_slot", 1, REMOTE_OPEN_SLOT, &open, sizeof(open));
    packet("keep", 1, REMOTE_KEEP, &keep, sizeof(keep));
    packet("look_up", 3, REMOTE_LOOK_UP, NULL, 0);
    packet("count", 1, REMOTE_COUNT, NULL, 0);
    packet("add", 1, REMOTE_ADD, &(struct remote_add){1, 2, 1}, sizeof(struct remote_add));
    packet("remove", 1, REMOTE_REMOVE, &number, sizeof(number));
    packet("quiet", 1, REMOTE_QUIET, &number, sizeof(number));
    packet("left", 1, REMOTE_LEFT, &number, sizeof(number));
    packet("arrived", 0, REMOTE_ARRIVED, &arrived, sizeof(arrived));
    packet("leaving", 0, REMOTE_LEAVING, &number, sizeof(number));
    packet("welcome", 4, REMOTE_WELCOME, &welcome, sizeof(welcome));
    packet("answer", 0, REMOTE_ANSWER, &answer, sizeof(answer));
    packet("answer_with_descriptor", 2, REMOTE_ANSWER, &answer, sizeof(answer));
    packet("message", 0, REMOTE_MESSAGE, message, sizeof(message));
}

static void record(const char *name, const struct guest_shared *shared)
{
    size_t size;
    void *bytes = guest_record_encode(shared, &size);

    if (!bytes)
        exit(1);
    write_seed("kept_record", name, bytes, size);
    free(bytes);
}

static void records(void)
{
    char data[] = "private data of two allocations";
    struct guest_sealed_allocation allocations[] = {{10, 16, true}, {sizeof(data) - 10, 1, false}};
    struct guest_shared fence = {.kind = GUEST_SHARED_SYNC_OBJECT,
                                 .sync_type = D3DDDI_MONITORED_FENCE,
                                 .global_handle = 0x40008002};
    struct guest_shared resource = {
        .kind = GUEST_SHARED_RESOURCE,
        .runtime_data = data,
        .runtime_size = 5,
        .resource_data = data,
        .resource_size = 3,
        .allocation_count = 2,
        .allocations = allocations,
        .private_data = data,
        .private_size = sizeof(data),
    };

    record("fence", &fence);
    record("resource", &resource);
    resource.private_size--; /* the allocations have one byte more */
    record("resource_sizes_differ", &resource);
    resource.allocation_count = 0;
    record("resource_without_allocations", &resource);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    folder = argv[1];
    packets();
    records();
    return 0;
}
