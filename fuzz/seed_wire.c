/* SPDX-License-Identifier: MIT */
/* Writes the seeds of the wire targets: one valid message of each kind. Usage: fuzz-seed-wire
 * CORPUS_FOLDER */
#include <stdio.h>
#include <stdlib.h>

#include "core/wire/host_message.h"
#include "wire/builders.h"

static const char *folder;

static void write_seed(const char *target, const char *name, uint32_t version, const void *parts[],
                       const size_t sizes[], unsigned count)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s/%s-%u", folder, target, name, version);
    FILE *file = fopen(path, "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    for (unsigned i = 0; i < count; i++)
        fwrite(parts[i], 1, sizes[i], file);
    if (fclose(file)) {
        perror(path);
        exit(1);
    }
}

static void seed(const struct wire_command *command, uint32_t version)
{
    static struct test_buffer message, answer;
    struct wire_request_builder builder;
    struct wire_builder out;
    uint32_t counts[WIRE_MAX_TAILS];
    test_counts(command, counts);
    test_request_build(&builder, command, version, command->async_capable, counts, &message);
    /* Content alone: the trailing zeros teach a fuzzer nothing. */
    size_t size = (size_t)(builder.request.bytes - message.bytes) + builder.request.content_size;
    builder.request.size = builder.request.content_size;
    wire_reply_begin(&out, &builder.request, answer.bytes, sizeof(answer.bytes));
    size_t answer_size = wire_reply_finish(&out, &builder.request);
    unsigned char head[3] = {version >= WIRE_VERSION, (unsigned char)size,
                             (unsigned char)(size >> 8)};
    write_seed("wire_request", command->name, version, (const void *[]){head, message.bytes},
               (const size_t[]){1, size}, 2);
    write_seed("wire_reply", command->name, version,
               (const void *[]){head, message.bytes, answer.bytes},
               (const size_t[]){sizeof(head), size, answer_size}, 3);
}

int main(int argc, char **argv)
{
    struct wire_signalguestevent signal;
    struct wire_setguestdata data;
    if (argc != 2)
        return 2;
    folder = argv[1];
    test_for_each_command(seed);
    wire_host_message_signal(&signal, 2, false);
    write_seed("wire_host_message", "SIGNALGUESTEVENT", 0, (const void *[]){&signal},
               (const size_t[]){sizeof(signal)}, 1);
    wire_host_message_signal(&signal, 2, true);
    write_seed("wire_host_message", "SIGNALGUESTEVENTPASSIVE", 0, (const void *[]){&signal},
               (const size_t[]){sizeof(signal)}, 1);
    wire_host_message_set_data(&data, 0x1122334455667788, 1);
    write_seed("wire_host_message", "SETGUESTDATA", 0, (const void *[]){&data},
               (const size_t[]){sizeof(data)}, 1);
    return 0;
}
