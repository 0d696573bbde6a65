/* SPDX-License-Identifier: MIT */
/*
 * dxgkrnl for one process: its ioctls, answered by the guest engine on the simulated host.
 *
 * The engine is a shared object of its own, with nothing in common with a libd3dkmt that the
 * program may use: that one is the client here, and this one the kernel. The preload shim loads it
 * when somebody opens /dev/dxg for the first time.
 */
#ifndef COMPAT_DXGKRNL_DXGKRNL_H
#define COMPAT_DXGKRNL_DXGKRNL_H

#include <stdint.h>

/* The file, beside the shim, and what it exports. */
#define DXGKRNL_FILE   "libd3dkmt-dxgkrnl.so"
#define DXGKRNL_SYMBOL "d3dkmti_dxgkrnl"

struct dxgkrnl {
    /*
     * Makes the process object: an empty set of handles, and a process on the host. options: of the
     * simulated host, as behind D3DKMT_BACKEND=loopback:. 0, or a negative errno with the reason
     * logged; the kernel answers any failure here with -EBADF.
     */
    int (*open)(const char *options, void **process);
    /*
     * Carries out one request as the kernel does: 0; a positive NTSTATUS; -1 to -4095 for an errno;
     * or a negative NTSTATUS, which the kernel hands through in one case. Any thread.
     */
    int (*ioctl)(void *process, uint32_t request, void *argument);
    /* Destroys the process object and all that it owns; no ioctl is in progress. */
    void (*close)(void *process);
    /* Instead of close, in the child of a fork: gives back what the child must not keep open. */
    void (*after_fork)(void *process);
};

extern const struct dxgkrnl d3dkmti_dxgkrnl;

#endif
