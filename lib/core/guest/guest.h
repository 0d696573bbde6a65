/* SPDX-License-Identifier: MIT */
/*
 * The guest engine: dxgkrnl in user space, on a message transport.
 *
 * A guest_vm stands for what the driver keeps per VM (channels, adapters, events), a guest_process
 * for what it keeps per client process. A backend makes one of each; a test of the engine may have
 * several processes on one VM.
 */
#ifndef CORE_GUEST_GUEST_H
#define CORE_GUEST_GUEST_H

#include "core/guest/transport.h"

#include <d3dkmt/d3dkmt.h>

struct guest_vm;
struct guest_process;

/* ---- VM: for transports */

/*
 * The transport and its ops must outlive the VM. STATUS_NO_MEMORY or STATUS_SUCCESS; nothing is
 * sent until an adapter arrives.
 */
D3DKMT_API NTSTATUS d3dkmti_guest_vm_create(const struct transport_ops *ops, void *transport,
                                            struct guest_vm **vm);

/*
 * Stops all adapters, with CLOSEADAPTER, and gives the global channel back; processes are closed
 * before. Messages of the host may still arrive, and are ignored.
 */
D3DKMT_API void d3dkmti_guest_vm_stop(struct guest_vm *vm);

/* Frees a stopped VM; the transport delivers nothing any more. */
D3DKMT_API void d3dkmti_guest_vm_destroy(struct guest_vm *vm);

/*
 * Arrivals, in any order. An adapter starts, with messages sent from within these calls, when its
 * PCI function, its channel (the first 8 bytes of the instance GUID are the adapter's LUID) and the
 * global channel are all there. A failure to start is logged, leaves the adapter stopped and is
 * returned: STATUS_NO_MEMORY, the host's refusal, or the transport's failure.
 */
D3DKMT_API NTSTATUS d3dkmti_guest_vm_global_offered(struct guest_vm *vm);
D3DKMT_API NTSTATUS d3dkmti_guest_vm_pci_added(struct guest_vm *vm, guest_pci_function function,
                                               bool compute_only);
D3DKMT_API NTSTATUS d3dkmti_guest_vm_channel_offered(struct guest_vm *vm, guest_channel channel,
                                                     LUID luid);

/*
 * Departures. Calls that wait for the adapter return STATUS_DEVICE_REMOVED, later ones do the same;
 * mappings that programs hold stay readable until they free their objects.
 */
D3DKMT_API void d3dkmti_guest_vm_pci_removed(struct guest_vm *vm, guest_pci_function function);
D3DKMT_API void d3dkmti_guest_vm_channel_rescinded(struct guest_vm *vm, guest_channel channel);
D3DKMT_API void d3dkmti_guest_vm_global_rescinded(struct guest_vm *vm);

/* A message of the host on the global channel; any thread, with no exchange of that thread open. */
D3DKMT_API void d3dkmti_guest_vm_host_message(struct guest_vm *vm, const void *bytes, size_t size);

/* ---- process: for backends */

struct guest_process_options {
    /* As the host shall know it; without a name by this process's id and task name. */
    uint64_t process_id;
    const char *name; /* the host sees at most 15 characters */
    /*
     * Look whether every pointer of a caller leads to memory before it is used, at the price of a
     * system call each, and answer STATUS_UNSUCCESSFUL as the kernel does if not. Otherwise a bad
     * pointer other than NULL is a fault of the caller.
     */
    bool check_pointers;
    /*
     * Let a signal handler without SA_RESTART end a thread's wait, as in the kernel:
     * STATUS_CANCELLED. Otherwise waits go on.
     */
    bool interruptible;
};

/*
 * Makes the process known to the host. STATUS_DEVICE_REMOVED when no adapter has started the VM's
 * global channel; STATUS_INVALID_HANDLE when the host refuses.
 */
D3DKMT_API NTSTATUS d3dkmti_guest_process_open(struct guest_vm *vm,
                                               const struct guest_process_options *options,
                                               struct guest_process **process);

/* Carries out an operation, as struct d3dkmt_backend's call. */
D3DKMT_API NTSTATUS d3dkmti_guest_call(struct guest_process *process, const struct d3dkmt_op *op,
                                       void *args);

/* Whether the engine has the operation. */
D3DKMT_API bool d3dkmti_guest_supports(const struct d3dkmt_op *op);

/* Makes blocked calls return STATUS_DEVICE_REMOVED, and all later waits at once. */
D3DKMT_API void d3dkmti_guest_process_interrupt(struct guest_process *process);

/*
 * Destroys everything of the process, on the host too, and frees it. No call is in progress.
 */
D3DKMT_API void d3dkmti_guest_process_close(struct guest_process *process);

#endif
