/* SPDX-License-Identifier: MIT */
/* What a guest finds on its buses: PCI config words, channel GUIDs, and the IO space. */
#include "backend-loopback/host/objects.h"

#include <stdio.h>

/* The rest of the GUIDs is arbitrary; guests use the first 8 bytes of the vGPU's only. */
static const uint8_t guid_tail[8] = {0x8d, 0x6f, 0x4c, 0x1e, 0x73, 0x67, 0x70, 0x75};
static const uint8_t global_guid[16] = {0x6c, 0x69, 0x62, 0x64, 0x33, 0x64, 0x6b, 0x6d,
                                        0x8d, 0x6f, 0x4c, 0x1e, 0x67, 0x6c, 0x6f, 0x62};

uint32_t host_adapter_count(const struct host *host)
{
    return host->adapter_count;
}

bool host_adapter_is_compute_only(const struct host *host, uint32_t adapter)
{
    return adapter < host->adapter_count && host->adapters[adapter].config.compute_only;
}

bool host_adapter_is_present(const struct host *host, uint32_t adapter)
{
    return adapter < host->adapter_count && atomic_load(&host->adapters[adapter].present);
}

LUID host_adapter_luid(const struct host *host, uint32_t adapter)
{
    if (adapter >= host->adapter_count)
        return (LUID){0};
    return host->adapters[adapter].config.luid;
}

void host_vgpu_instance(const struct host *host, uint32_t adapter, uint8_t guid[16])
{
    LUID luid = host_adapter_luid(host, adapter);
    memcpy(guid, &luid, sizeof(luid));
    memcpy(guid + sizeof(luid), guid_tail, sizeof(guid_tail));
}

void host_global_instance(const struct host *host, uint8_t guid[16])
{
    (void)host;
    memcpy(guid, global_guid, sizeof(global_guid));
}

void host_guid_text(const uint8_t guid[16], char text[37])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    char *to = text;

    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        to += snprintf(to, 3, "%02x", guid[order[i]]);
    }
}

uint32_t host_config_read(struct host_guest *guest, uint32_t adapter, uint32_t offset)
{
    const struct host *host = guest->host;
    uint8_t guid[16];
    uint32_t word = 0;
    if (adapter >= host->adapter_count || offset % 4)
        return 0;
    const LUID *vgpu = &host->adapters[adapter].config.vgpu_luid;
    if (offset >= HOST_CONFIG_CHANNEL_ID && offset < HOST_CONFIG_CHANNEL_ID + sizeof(guid)) {
        host_vgpu_instance(host, adapter, guid);
        memcpy(&word, guid + (offset - HOST_CONFIG_CHANNEL_ID), sizeof(word));
    } else if (offset == HOST_CONFIG_VERSION) {
        word = host->config.interface_version;
    } else if (offset == HOST_CONFIG_VGPU_LUID) {
        word = (uint32_t)vgpu->LowPart;
    } else if (offset == HOST_CONFIG_VGPU_LUID + 4) {
        word = (uint32_t)vgpu->HighPart;
    } else if (offset == HOST_CONFIG_HOST_CAPS) {
        word = host->config.caps;
    }
    return word;
}

void host_config_write(struct host_guest *guest, uint32_t adapter, uint32_t offset, uint32_t value)
{
    const struct host *host = guest->host;
    if (adapter >= host->adapter_count)
        return;
    if (offset == HOST_CONFIG_GUEST_CAPS) {
        pthread_mutex_lock(&guest->lock);
        guest->caps = value;
        pthread_mutex_unlock(&guest->lock);
    } else if (offset == HOST_CONFIG_VERSION) {
        if (value < WIRE_VERSION_LAST_COMPATIBLE || value > host->config.interface_version)
            host_log(guest, HOST_LOG_WARNING, "guest chose interface version %u, offered was %u",
                     value, host->config.interface_version);
        else
            atomic_store(&guest->version, value);
    }
}

/*
 * A guest that writes no version is one that found an old host, or that knows no version register.
 */
uint32_t host_interface_version(const struct host_guest *guest)
{
    const struct host *host = guest->host;
    uint32_t chosen = atomic_load_explicit(&guest->version, memory_order_relaxed);
    if (chosen)
        return chosen > WIRE_VERSION ? WIRE_VERSION : chosen;
    return host->config.interface_version < WIRE_VERSION ? host->config.interface_version
                                                         : WIRE_VERSION_OLD;
}

int host_io_space_fd(const struct host *host)
{
    return gpu_machine_storage_fd(host->machine);
}

uint64_t host_io_space_size(const struct host *host)
{
    return gpu_machine_storage_size(host->machine);
}

bool host_io_space_address(struct host_guest *guest, uint64_t offset, uint64_t size,
                           uint64_t *address)
{
    pthread_mutex_lock(&guest->lock);
    uint64_t start = guest->io_space_start;
    uint64_t length = guest->io_space_length;
    pthread_mutex_unlock(&guest->lock);
    /* Guests refuse a mapping that ends exactly with the region. */
    if (!start || offset >= length || size >= length - offset)
        return false;
    *address = start + offset;
    return true;
}
