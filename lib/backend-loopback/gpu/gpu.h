/* SPDX-License-Identifier: MIT */
/*
 * The machine behind the simulated host: memory, GPU address spaces, engines, fences. This header
 * is the whole face of the folder towards the host's message server; files of this folder include
 * the single headers.
 *
 *   gpu_machine       storage (one memfd), clock, fences        machine.h, fence.h, wait.h
 *    gpu_adapter      segments, nodes, miniport                 adapter.h
 *     gpu_process     one GPU address space and its budgets     process.h, address.h
 *      gpu_device     execution state, parent of the rest       device.h
 *       gpu_context, gpu_hw_queue -> gpu_queue                  context.h, queue.h
 *       gpu_paging_queue                                        paging.h
 *       gpu_allocation                                          allocation.h
 *
 * Ownership. Whoever creates an object owns one reference and gives it back with the object's
 * destroy or release function. A child keeps its parent's memory alive, so objects may be destroyed
 * in any order; gpu_machine_destroy and gpu_adapter_destroy alone demand that every child has been
 * destroyed before.
 *
 * Threads. Every function may be called from any thread. The only exclusion the caller must provide
 * is the usual one: nobody uses a reference after giving it back. Functions do not call back into
 * the host except where a callback is named; callbacks are called without any lock of this folder
 * held and may call anything but a destroy function of the object (or of a parent of the object)
 * that called them. They run on the thread of whoever caused them: an engine's, a paging thread's,
 * or the caller's own.
 *
 * Locks, outermost first: adapter memory, address space, storage; node; machine waits. No lock
 * of one group is taken with one of another group held, and none is held while a callback or the
 * miniport runs, except that memory services hold the address space's lock for reading while they
 * touch memory.
 */
#ifndef BACKEND_LOOPBACK_GPU_GPU_H
#define BACKEND_LOOPBACK_GPU_GPU_H

#include "backend-loopback/gpu/adapter.h"
#include "backend-loopback/gpu/address.h"
#include "backend-loopback/gpu/allocation.h"
#include "backend-loopback/gpu/clock.h"
#include "backend-loopback/gpu/context.h"
#include "backend-loopback/gpu/device.h"
#include "backend-loopback/gpu/fence.h"
#include "backend-loopback/gpu/machine.h"
#include "backend-loopback/gpu/paging.h"
#include "backend-loopback/gpu/process.h"
#include "backend-loopback/gpu/queue.h"
#include "backend-loopback/gpu/statistics.h"
#include "backend-loopback/gpu/wait.h"

#endif
