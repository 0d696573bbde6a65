/* SPDX-License-Identifier: MIT */
/*
 * The simulated host: how to configure and steer it.
 *
 * D3DKMT_BACKEND=loopback or d3dkmt_open("loopback:OPTION,OPTION=VALUE,...") starts a simulated
 * Windows host in the calling process; with host=PATH it connects to one in a process of its own,
 * d3dkmt-hostd, which several processes may use as processes of one VM. Options (numbers take K, M,
 * G):
 *
 *   adapters=N            adapters of the host, 1 to 16 (default 1)
 *   compute-only=N        how many of them, the last ones, have no graphics engine (default 0)
 *   version=N             GPU-PV interface version that the host offers: 40 (default), or 16 to 39
 *   async                 messages of submission and synchronization go without a reply
 *   pending               paging operations answer STATUS_PENDING and finish later
 *   page-lists            the host takes the caller's memory as page numbers instead of GPADLs
 *   hw-scheduling         the adapters report hardware scheduling as enabled
 *   local-memory=BYTES    video memory of each adapter
 *   non-local-memory=BYTES  system memory that each adapter may use
 *   local-budget=BYTES    what a process may keep resident of the video memory
 *   io-space=BYTES        the window through which programs see allocations and fences (default 4G)
 *   hang-timeout-ms=N     after which an engine that makes no progress is reset
 *   check-pointers        look at every pointer before it is used, as the kernel does, and answer
 *                         STATUS_UNSUCCESSFUL for one that leads nowhere; costs a system call each
 *   host=PATH             the socket of a d3dkmt-hostd, whose command line has all other options
 * but check-pointers. The caller's own memory (pSystemMem) cannot be used then:
 *                         STATUS_NOT_SUPPORTED. A host that ends answers every call with
 *                         STATUS_DEVICE_REMOVED
 *   spin-us=N             with host=PATH: how long a reply is looked for before the thread sleeps
 *                         (default 0)
 */
#ifndef D3DKMT_LOOPBACK_H
#define D3DKMT_LOOPBACK_H

#include "backend.h"
#include "softgpu.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For d3dkmt_register_backend, in programs that link the simulated host statically. */
D3DKMT_API extern const struct d3dkmt_backend d3dkmt_loopback_backend;

/*
 * Says what the command SOFTGPU_CALL with this number does on an adapter of the simulated host that
 * is open, counted from 0 in order of enumeration; NULL takes the function away. context goes to
 * each call and must live until no command buffer that calls can be running.
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a number or adapter that does not exist;
 * STATUS_DEVICE_REMOVED when no simulated host is open; STATUS_NOT_SUPPORTED when it is in another
 * process.
 */
D3DKMT_API NTSTATUS d3dkmt_loopback_set_function(uint32_t adapter, uint32_t number,
                                                 softgpu_function function, void *context);

#ifdef __cplusplus
}
#endif

#endif
