/* SPDX-License-Identifier: MIT */
/* What the engine keeps per VM: channels, IO space, adapters, events. */
#ifndef CORE_GUEST_VM_H
#define CORE_GUEST_VM_H

#include "core/guest/event.h"
#include "core/guest/guest.h"
#include "core/handle_table.h"

/* dxgkrnl's own states. Only an active adapter admits calls. */
enum guest_adapter_state {
    GUEST_ADAPTER_WAITING, /* something of it is still missing */
    GUEST_ADAPTER_ACTIVE,
    GUEST_ADAPTER_STOPPED, /* its channel is gone, or the host refused it */
};

/* A vGPU. Counted: by the VM's list while it is known, and by each process that has it open. */
struct guest_adapter {
    struct reference reference;
    struct guest_vm *vm;
    struct guest_adapter *next;
    _Atomic enum guest_adapter_state state;
    LUID luid;           /* the one that programs see */
    LUID host_vgpu_luid; /* routes messages */
    LUID host_adapter_luid;
    bool compute_only;
    bool has_pci_function, has_channel;
    guest_pci_function pci_function;
    guest_channel channel;
    bool channel_open;
    uint32_t host_handle;
};

enum guest_global_state { GUEST_GLOBAL_ABSENT, GUEST_GLOBAL_OFFERED, GUEST_GLOBAL_OPEN };

struct guest_vm {
    const struct transport_ops *ops;
    void *transport;
    pthread_mutex_t mutex; /* guards arrivals, departures and the lists */
    _Atomic enum guest_global_state global;
    struct guest_adapter *adapters; /* in order of arrival */
    struct guest_process *processes;
    bool version_is_known;
    uint32_t interface_version;
    bool host_maps_page_lists;  /* host capability: pages by number instead of by GPADL */
    atomic_bool async_messages; /* as the adapter that started last says */
    uint64_t io_start, io_size;
    struct guest_events events;
    atomic_uint device_state_counter; /* raised by the host when any device's state changes */
    uint64_t device_state_cookie;     /* how the host names that counter */
    atomic_uint_fast64_t next_cookie;
    struct guest_descriptors *descriptors; /* of shared objects; NULL until the first */
    pthread_mutex_t buffer_mutex;
    struct guest_buffer *buffers; /* of large messages, kept for reuse */
};

/* The adapter with this LUID, referenced, or NULL. */
struct guest_adapter *guest_vm_find_adapter(struct guest_vm *vm, LUID luid);

/*
 * References up to capacity adapters in order of arrival; returns how many there are in all.
 * Adapters that are not active count too.
 */
size_t guest_vm_list_adapters(struct guest_vm *vm, struct guest_adapter **adapters,
                              size_t capacity);

/* STATUS_DEVICE_REMOVED, explained, unless the adapter is active. */
NTSTATUS guest_adapter_check_active(const struct guest_adapter *adapter);

/* Sends OPENADAPTER and GETINTERNALADAPTERINFO and makes the adapter active. */
NTSTATUS guest_adapter_start(struct guest_adapter *adapter);

/* Sends CLOSEADAPTER to a host that still knows the adapter. */
void guest_adapter_send_close(struct guest_adapter *adapter);

/*
 * Maps pages of the IO space that the host named. STATUS_NO_MEMORY, explained, for an address that
 * lies outside of it.
 */
NTSTATUS guest_vm_map_io(struct guest_vm *vm, uint64_t address, uint64_t size, bool writable,
                         bool cached, void **mapping);
/* The host's pages behind a mapping are about to become somebody else's. NULL is fine. */
void guest_vm_detach_io(struct guest_vm *vm, void *mapping, uint64_t size, bool writable);
void guest_vm_unmap_io(struct guest_vm *vm, void *mapping, uint64_t size);

#endif
