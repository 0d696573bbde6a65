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
 *   secure                the VM is a secure one: hosts then answer no escapes but the known ones
 *   hw-scheduling         the adapters report hardware scheduling as enabled
 *   local-memory=BYTES    video memory of each adapter
 *   non-local-memory=BYTES  system memory that each adapter may use
 *   local-budget=BYTES    what a process may keep resident of the video memory
 *   io-space=BYTES        the window through which programs see allocations and fences (default 4G)
 *   hang-timeout-ms=N     after which an engine that makes no progress is reset
 *   deterministic         the GPU works in the program's own threads, inside of its calls, in an
 *                         order that a seed gives: the same calls of one thread give the same run.
 *                         Time is virtual; it jumps to the next time-out or blank when all engines
 *                         and a CPU wait. Where no call comes for 100 ms, because a program looks
 *                         at memory or sleeps, the GPU goes on without one; a warning in the log
 *                         says so, for the run is then no longer what the seed makes of it.
 *                         Functions of SOFTGPU_CALL may not call the library in this mode
 *   seed=N                for deterministic: 0 to 2^64 - 1. Without it one is drawn, and the log
 *                         tells, as a warning, how to repeat the run
 *   profile=FILE          the adapters that an adapter profile describes, in place of adapters=,
 *                         compute-only= and hw-scheduling; d3dkmt-info --profile writes one.
 *                         Sizes given as options come before the file's. No comma in FILE
 *   miniport=NAME:OPTIONS  what plays the vendor's kernel-mode driver: the plug-in
 *                         libd3dkmt-miniport-NAME.so (see kmd.h) with options of its own;
 *                         default: softgpu, which is built in and knows driver-store=FOLDER
 *   check-pointers        look at every pointer before it is used, as the kernel does, and answer
 *                         STATUS_UNSUCCESSFUL for one that leads nowhere; costs a system call each
 *   interruptible         a signal handler without SA_RESTART ends the thread's CPU wait, as in the
 *                         kernel: STATUS_CANCELLED; else waits go on
 *   host=PATH             the socket of a d3dkmt-hostd, whose command line has all other options
 *                         but check-pointers and interruptible. The caller's own memory
 *                         (pSystemMem) cannot be used then: STATUS_NOT_SUPPORTED. A host that ends
 *                         answers every call with STATUS_DEVICE_REMOVED
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
 * is open; NULL takes the function away. Adapters have numbers: those of the start count from 0 in
 * order of enumeration, one that is added gets the lowest number that is free. context goes to
 * each call and must live until no command buffer that calls can be running.
 *
 * STATUS_SUCCESS; STATUS_INVALID_PARAMETER for a number or adapter that does not exist;
 * STATUS_DEVICE_REMOVED when no simulated host is open; STATUS_NOT_SUPPORTED when it is in another
 * process, or has another miniport than the built-in one.
 */
D3DKMT_API NTSTATUS d3dkmt_loopback_set_function(uint32_t adapter, uint32_t number,
                                                 softgpu_function function, void *context);

/*
 * Arrival and surprise removal, with the library in use on any threads. The calls of a program that
 * were waiting for an adapter that goes end with STATUS_DEVICE_REMOVED, later ones fail with it;
 * addresses from Lock2 and of fences stay readable until their objects are destroyed, with all ones
 * in the fences of the adapter's devices. Sync files are signalled with an error.
 *
 * With a host in another process it is all of its programs that an adapter comes to or goes from;
 * one that is stopped is disconnected after some seconds.
 *
 * Not while the backend is being closed. remove returns when the adapter is gone, which takes until
 * its command buffers have stopped: not from a function of SOFTGPU_CALL.
 */
struct d3dkmt_loopback_adapter {
    LUID luid;         /* 0: one that was never there before; not one that is there now */
    bool compute_only; /* everything else is as the options of the open host say */
};

/*
 * wanted may be NULL. STATUS_SUCCESS, with *adapter its number; STATUS_INSUFFICIENT_RESOURCES:
 * there are 16; STATUS_OBJECT_NAME_COLLISION: the LUID is in use; STATUS_NO_MEMORY;
 * STATUS_DEVICE_REMOVED: no simulated host is open, or its process has ended.
 */
D3DKMT_API NTSTATUS d3dkmt_loopback_add_adapter(const struct d3dkmt_loopback_adapter *wanted,
                                                uint32_t *adapter);

/* STATUS_SUCCESS; STATUS_INVALID_PARAMETER: there is none; STATUS_DEVICE_REMOVED as above. */
D3DKMT_API NTSTATUS d3dkmt_loopback_remove_adapter(uint32_t adapter);

#ifdef __cplusplus
}
#endif

#endif
