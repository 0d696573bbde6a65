/* SPDX-License-Identifier: MIT */
/*
 * The D3DKMT functions: WDDM's graphics kernel as user-mode drivers call it.
 *
 * One header per family of objects in wddm/; this one takes them all. Names and layouts are
 * WDDM's, so that sources written for Windows or for other Linux copies of these headers compile.
 * In the comments on members "in" is what the caller sets, "out" what the call stores on success.
 * A member without a comment is for the host or the driver to interpret.
 *
 * Common to all functions, unless a function says otherwise:
 *
 * Arguments. A function takes one struct, reads what it needs before it returns and keeps no
 * pointer into it. Clear a struct before use: padding and reserved members go to the host. Some
 * arguments are declared const, as in WDDM, although results are written to them: do not keep
 * them in read-only memory.
 *
 * Threads. Every function may be called by any thread at any time, beside any other. Most wait for
 * one answer of the host; D3DKMTWaitForSynchronizationObjectFromCpu() alone waits for the GPU.
 *
 * Ownership. A handle is valid in the process that obtained it, from the call that returns it
 * until it, or its parent, is destroyed: a device dies with the last handle of its adapter and
 * takes its contexts, queues, allocations and monitored fences along. What is left goes with the
 * process. After fork() the child starts with no handles, and the parent's are not valid in it.
 * HANDLE members stand for file descriptors: the number in the low half, zeros above. The caller
 * closes those that it was given, and keeps those that it passes in.
 *
 * Statuses. NT_SUCCESS() tells success. STATUS_SUCCESS; and for failures of every function:
 *   STATUS_INVALID_PARAMETER  no argument struct, a handle that is unknown, destroyed or of another
 *                             type, a count or a size out of range. Kernels also fold every
 *                             failure of the host that they have no number for into this one.
 *   STATUS_DEVICE_REMOVED     the adapter has stopped or is gone
 *   STATUS_NO_MEMORY          no memory, here or on the host
 *   STATUS_NOT_SUPPORTED      the backend or the host does not offer the call
 *   STATUS_ACCESS_DENIED      the host does not permit it
 *   STATUS_UNSUCCESSFUL       no adapter can be reached at all, or a pointer does not lead to
 * memory Backends that hear the host's own status pass it on.
 */
#ifndef _D3DKMTHK_H_
#define _D3DKMTHK_H_

#include "d3dkmdt.h"

#include "wddm/adapter.h"
#include "wddm/keyedmutex.h"
#include "wddm/present.h"
#include "wddm/protectedsession.h"
#include "wddm/syncfile.h"
#include "wddm/trackedworkload.h"
#include "wddm/trimnotification.h"

#include "wddm/functionpointers.h"

#endif
