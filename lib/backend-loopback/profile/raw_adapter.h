/* SPDX-License-Identifier: MIT */
/* An adapter's members as they stand in a profile. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_PROFILE_RAW_ADAPTER_H
#define BACKEND_LOOPBACK_PROFILE_RAW_ADAPTER_H

#include "backend-loopback/profile/adapter.h"
#include "backend-loopback/profile/names.h"

enum { PROFILE_SHORT_TEXT = 260, PROFILE_REGISTRY_TEXTS = 4 };

struct raw_group {
    uint64_t size, budget;
    bool size_given;
};

struct raw_queries {
    struct reader_data umd_private;
#define FIELD(name, size) struct reader_data name;
    PROFILE_QUERIES(FIELD)
#undef FIELD
};

struct raw_adapter {
    LUID luid;
    struct {
        D3DKMT_ADAPTERTYPE bits;
        bool given;
    } type;
    const char *miniport, *description, *registry_texts[PROFILE_REGISTRY_TEXTS], *store, *image;
    uint64_t version, kmd_version, wddm;
    uint64_t vendor, device, subsystem_vendor, subsystem, revision, bus_type;
    struct {
        D3DKMT_ADAPTERADDRESS value;
        bool given;
    } address;
    bool capabilities_given, hw_supported, hw_enabled, hw_default;
    struct {
        uint64_t state;
        bool given;
    } hw_support;
    struct raw_group groups[KMD_SEGMENT_GROUPS];
    struct raw_queries queries;
    uint32_t node_count, registry_count, feature_count;
    void *nodes, *registry, *features;
};

/* What it means to the host. STATUS_NO_MEMORY, explained. */
NTSTATUS profile_adapter_build(const struct reader *reader, const struct raw_adapter *raw,
                               struct profile_adapter *adapter);

#endif
