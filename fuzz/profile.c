/* SPDX-License-Identifier: MIT */
/* Input: an adapter profile. What is accepted must be whole; what is not must be explained with a
 * place inside of the text. */
#include "backend-loopback/profile/profile.h"
#include "core/last_error.h"
#include "fuzz_input.h"

#include <stdio.h>

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_place(const unsigned char *text, size_t size)
{
    const char *reason = strstr(d3dkmt_last_error(), "FILE:");
    unsigned line = 0, column = 0;
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    check(reason && sscanf(reason, "FILE:%u:%u: ", &line, &column) == 2);
    check(line >= 1 && line <= lines && column >= 1 && column <= size + 1);
}

static void touch_all(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile_adapter_count(profile); i++) {
        struct host_adapter_config config = {0};

        profile_configure(profile, i, &config);
        check(config.node_count <= KMD_MAX_NODES);
        for (uint32_t j = 0; j < config.node_count; j++)
            check(strlen(config.nodes[j].name) < KMD_MAX_NODE_NAME);
        for (uint32_t j = 0; j < config.answers->count; j++)
            fuzz_touch(config.answers->answers[j].data, config.answers->answers[j].size);
        for (uint32_t j = 0; j < config.answers->registry_count; j++)
            fuzz_touch(config.answers->registry[j].data, config.answers->registry[j].size);
        for (uint32_t j = 0; j < config.answers->feature_count; j++)
            check(config.answers->features[j].result < 16);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *text = fuzz_copy(data, size);
    struct profile *profile;
    NTSTATUS status = profile_parse("FILE", (const char *)text, size, &profile);

    if (NT_SUCCESS(status)) {
        touch_all(profile);
        profile_free(profile);
    } else {
        last_error_report("fuzz", NULL, status);
        check_place(text, size);
    }
    free(text);
    return 0;
}
