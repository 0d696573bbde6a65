/* SPDX-License-Identifier: MIT */
#include "backend-loopback/profile/profile.h"

#include "backend-loopback/profile/adapter.h"
#include "backend-loopback/profile/names.h"
#include "core/last_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    _Alignas(16) unsigned char bytes[];
};

struct profile {
    uint32_t adapter_count;
    struct profile_adapter *adapters;
    struct block *blocks;
};

void *profile_keep(struct profile *profile, size_t size)
{
    struct block *block = calloc(1, sizeof(*block) + size);

    if (!block)
        return NULL;
    block->next = profile->blocks;
    profile->blocks = block;
    return block->bytes;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    while (profile->blocks) {
        struct block *block = profile->blocks;

        profile->blocks = block->next;
        free(block);
    }
    free(profile);
}

/* ---- the whole */

struct whole {
    uint64_t version;
    void *adapters;
    uint32_t adapter_count;
};

static NTSTATUS read_adapters(const struct reader *reader, const struct place *place,
                              const struct reader_member *member, void *target)
{
    struct whole *whole = (void *)((char *)target - offsetof(struct whole, adapters));

    (void)member;
    if (json_is_array(place->value) && json_array_size(place->value) == 0)
        return reader_fail(reader, place, "a host without adapters is of no use");
    return reader_array(reader, place, HOST_MAX_ADAPTERS, sizeof(struct profile_adapter),
                        profile_adapter_read, &whole->adapters, &whole->adapter_count);
}

static bool have_same_luid(const struct profile_adapter *a, const struct profile_adapter *b)
{
    return memcmp(&a->config.luid, &b->config.luid, sizeof(LUID)) == 0 &&
           (a->config.luid.LowPart || a->config.luid.HighPart);
}

static NTSTATUS check_luids(const struct reader *reader, const struct place *place,
                            const struct profile *profile)
{
    struct place list = {.outer = place, .member = "adapters"};

    for (uint32_t i = 0; i < profile->adapter_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            struct place second = {.outer = &list, .index = i};
            struct place luid = {.outer = &second, .member = "luid"};

            if (have_same_luid(&profile->adapters[i], &profile->adapters[j]))
                return reader_fail(reader, &luid, "adapter %u has the same", (unsigned)j);
        }
    }
    return STATUS_SUCCESS;
}

static NTSTATUS read_whole(struct reader *reader, json_t *root)
{
    static const struct reader_member members[] = {
        {"d3dkmt_adapter_profile", reader_number, offsetof(struct whole, version), PROFILE_VERSION,
         PROFILE_VERSION, true},
        {"adapters", read_adapters, offsetof(struct whole, adapters), 0, 0, true},
    };
    struct place place = {.value = root};
    struct whole whole = {0};
    NTSTATUS status = reader_object(reader, &place, members, 2, &whole);

    if (!NT_SUCCESS(status))
        return status;
    reader->profile->adapters = whole.adapters;
    reader->profile->adapter_count = whole.adapter_count;
    return check_luids(reader, &place, reader->profile);
}

NTSTATUS profile_parse(const char *name, const char *text, size_t size, struct profile **result)
{
    struct reader reader = {.name = name, .text = text, .size = size};
    json_error_t error;

    /* jansson bounds the depth; what is left of a text grows with its size alone. */
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s:%d:%d: %s", name,
                            error.line > 0 ? error.line : 1, error.column > 0 ? error.column : 1,
                            error.text);
    reader.profile = calloc(1, sizeof(*reader.profile));
    NTSTATUS status = reader.profile ? read_whole(&reader, root) : STATUS_NO_MEMORY;
    json_decref(root);
    if (!NT_SUCCESS(status)) {
        profile_free(reader.profile);
        return status;
    }
    *result = reader.profile;
    return STATUS_SUCCESS;
}

/* ---- files */

/* A file of unknown length, a pipe as well; NULL with errno, EFBIG: above PROFILE_SIZE_MAX. */
static char *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "re");
    char *text = file ? malloc(PROFILE_SIZE_MAX + 1) : NULL;
    int error = errno;

    if (text) {
        *size = fread(text, 1, PROFILE_SIZE_MAX + 1, file);
        error = ferror(file) ? errno : *size > PROFILE_SIZE_MAX ? EFBIG : 0;
    }
    if (file)
        fclose(file);
    if (text && error) {
        free(text);
        text = NULL;
    }
    errno = error;
    return text;
}

NTSTATUS profile_load(const char *path, struct profile **profile)
{
    size_t size = 0;
    char *text = read_file(path, &size);

    if (!text && errno == EFBIG)
        return d3dkmti_fail(STATUS_INVALID_PARAMETER, "%s: a profile has %d bytes at most", path,
                            PROFILE_SIZE_MAX);
    if (!text)
        return d3dkmti_fail(errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_OBJECT_NAME_NOT_FOUND,
                            "profile=%s: %s", path, strerror(errno));
    NTSTATUS status = profile_parse(path, text, size, profile);
    free(text);
    return status;
}

/* ---- use */

uint32_t profile_adapter_count(const struct profile *profile)
{
    return profile->adapter_count;
}

void profile_configure(const struct profile *profile, uint32_t index,
                       struct host_adapter_config *config)
{
    const struct host_adapter_config *own = &profile->adapters[index].config;

    config->luid = own->luid;
    config->compute_only = own->compute_only;
    config->hw_scheduling = own->hw_scheduling;
    config->name = own->name;
    config->umd_version = own->umd_version;
    config->device_ids = own->device_ids;
    memcpy(config->segment_size, own->segment_size, sizeof(config->segment_size));
    memcpy(config->budget, own->budget, sizeof(config->budget));
    config->node_count = own->node_count;
    config->nodes = own->nodes;
    /* The answers in the profile's own place. */
    config->answers = &profile->adapters[index].answers;
}

const char *profile_miniport(const struct profile *profile, uint32_t index)
{
    return profile->adapters[index].miniport;
}
