/* SPDX-License-Identifier: MIT */
/*
 * The transport contract: how the guest engine reaches a host.
 *
 * A transport moves bytes and maps memory; it does not look into messages. It offers, per VM, one
 * global channel, and per vGPU a PCI function and a channel of its own, and tells the engine when
 * they come and go (guest.h, guest_vm_*). Statuses of its own: STATUS_DEVICE_REMOVED when a channel
 * is gone, STATUS_NO_MEMORY, STATUS_TIMEOUT never (a message that could not be queued is
 * STATUS_INSUFFICIENT_RESOURCES, which is a failure).
 */
#ifndef CORE_GUEST_TRANSPORT_H
#define CORE_GUEST_TRANSPORT_H

#include <d3dkmt/d3dkmthk.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Channels are numbered by the transport: the global one is 0, vGPU channels are others. */
typedef uint32_t guest_channel;
#define GUEST_CHANNEL_GLOBAL ((guest_channel)0)

/* PCI functions are numbered by the transport too. */
typedef uint32_t guest_pci_function;

/* Caller memory that the host may reach; filled in by pin. */
struct guest_pin {
    const void *address;
    size_t size;
    bool writable;
    void *token; /* the transport's own */
};

/*
 * A shared object or a sync file as it lies with a host that several processes use. The record is
 * the engine's own; the host does not look into it.
 */
struct guest_kept {
    bool is_sync_file;
    uint32_t nt_handle; /* the host's NT object, or 0 */
    uint64_t value;     /* of a sync file: what its fence is to reach */
    void *record;
    size_t record_size;
    /* For keep, of a sync file: its name, and the fence by the handles of its process. */
    const char *name;
    uint32_t process, fence;
};

/* Every function may be called from many threads at once; none may call back into the engine. */
struct transport_ops {
    /* Opens a channel before its first message. */
    NTSTATUS (*open_channel)(void *transport, guest_channel channel);
    /* Closes a channel; exchanges in progress fail with STATUS_DEVICE_REMOVED. */
    void (*close_channel)(void *transport, guest_channel channel);
    /*
     * Waits until the host does not use the memory behind a rescinded channel any more, which was
     * closed before; the engine then looks at it. NULL: when it is closed.
     */
    void (*await_closed)(void *transport, guest_channel channel);
    /*
     * Sends a message and waits for its completion, without a time limit. At most capacity bytes
     * of the reply are stored; *reply_size is what arrived of it, rounded up to 8 as VMBus does.
     */
    NTSTATUS(*exchange)
    (void *transport, guest_channel channel, const void *message, size_t size, void *reply,
     size_t capacity, size_t *reply_size);
    /* Sends a message that has no reply; messages of one channel stay in order. */
    NTSTATUS (*post)(void *transport, guest_channel channel, const void *message, size_t size);
    /*
     * Bytes of the largest message, and of the largest reply, that the channel can carry. NULL: all
     * that the protocol allows.
     */
    size_t (*message_limit)(void *transport, guest_channel channel);

    /* One 32-bit word of a function's PCI configuration space. */
    NTSTATUS(*config_read)
    (void *transport, guest_pci_function function, unsigned offset, uint32_t *value);
    NTSTATUS(*config_write)
    (void *transport, guest_pci_function function, unsigned offset, uint32_t value);

    /* Reserves guest physical addresses for the host's IO space; size as the host offers it. */
    NTSTATUS (*reserve_io_space)(void *transport, uint64_t *start, uint64_t *size);
    void (*release_io_space)(void *transport);
    /*
     * Maps pages of the IO space, whose range the engine has checked. The mapping is shared and is
     * inherited by forked children. cached: write-back, else write-combining where possible.
     */
    NTSTATUS(*map_io)
    (void *transport, uint64_t address, size_t size, bool writable, bool cached, void **mapping);
    void (*unmap_io)(void *transport, void *mapping, size_t size);
    /*
     * Parts a mapping of map_io from the IO space: at the same addresses, and at no moment without
     * memory, lies a copy of it that is this process's own. For an adapter that has gone, whose
     * pages the host gives to others. NULL: mappings of this transport need not be parted.
     */
    void (*detach_io)(void *transport, void *mapping, size_t size, bool writable);

    /*
     * Pins pages of the calling process for the host; the range is page aligned.
     * STATUS_INVALID_PARAMETER when it is not all mapped, or not writable as asked;
     * STATUS_NOT_SUPPORTED, explained, when this system does not let the host reach them. NULL,
     * with the four that follow: the host never reaches the process's memory, which the engine
     * answers with an explained STATUS_NOT_SUPPORTED.
     */
    NTSTATUS (*pin)(void *transport, struct guest_pin *pin);
    void (*unpin)(void *transport, struct guest_pin *pin);
    /* Page frame numbers (of 4096 bytes) of a part of a pinned range. Failures as of pin. */
    NTSTATUS(*page_frames)
    (void *transport, const struct guest_pin *pin, uint64_t first_page, uint32_t count,
     uint64_t *frames);
    /*
     * A GPADL over a pinned range, on the global channel, for hosts that take no page numbers.
     * STATUS_NOT_SUPPORTED as of pin. Both NULL: none can be made, which the engine answers alike.
     */
    NTSTATUS (*gpadl_create)(void *transport, struct guest_pin *pin, uint32_t *gpadl);
    void (*gpadl_teardown)(void *transport, uint32_t gpadl);

    /*
     * Both or neither: where several processes use one host, it keeps what descriptors stand for,
     * and the engine keeps nothing.
     *
     * keep: takes the NT object over and makes a descriptor, close-on-exec, whose last close in any
     * process ends it; the host signals a sync file by itself. STATUS_INVALID_PARAMETER,
     * STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY; then nothing has changed.
     */
    NTSTATUS (*keep)(void *transport, const struct guest_kept *object, int *descriptor);
    /* What a descriptor stands for; kept->record is from malloc. STATUS_INVALID_PARAMETER when it
     * is none of the host's, STATUS_NO_MEMORY. */
    NTSTATUS (*look_up)(void *transport, int descriptor, struct guest_kept *kept);
};

#endif
