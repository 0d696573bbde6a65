/* SPDX-License-Identifier: MIT */
/*
 * A very small user-mode driver for the simulated GPU: what every D3DKMT client does before it can
 * submit work. Every function returns the first failing call's status; d3dkmt_last_error() tells
 * more.
 */
#ifndef EXAMPLES_UMD_H
#define EXAMPLES_UMD_H

#include <d3dkmt/d3dkmt.h>
#include <d3dkmt/softgpu.h>

/* An adapter with a device and a queue for its memory operations. */
struct umd {
    D3DKMT_HANDLE adapter;
    LUID luid;
    D3DKMT_HANDLE device;
    D3DKMT_HANDLE paging_queue;
    D3DKMT_HANDLE paging_fence;
};

/* Memory that the GPU reaches at address and the CPU, if it was asked for, at cpu. */
struct umd_buffer {
    D3DKMT_HANDLE allocation;
    size_t size;
    uint64_t address;
    void *cpu;
};

/* A monitored fence. */
struct umd_fence {
    D3DKMT_HANDLE object;
    const void *cpu;  /* the current 64-bit value */
    uint64_t address; /* for SOFTGPU_SIGNAL and SOFTGPU_WAIT */
};

/* Opens the adapter of this index. Close it in any case, also after a failure. */
NTSTATUS umd_open(struct umd *umd, unsigned index);
void umd_close(struct umd *umd);

/* flags: SOFTGPU_ALLOCATION_*; the CPU's address is had with SOFTGPU_ALLOCATION_CPU_VISIBLE. */
NTSTATUS umd_buffer_create(struct umd *umd, size_t size, uint32_t flags, struct umd_buffer *buffer);

/* A buffer on memory of the caller's, which must stay until the buffer is destroyed. */
NTSTATUS umd_buffer_wrap(struct umd *umd, void *memory, size_t size, struct umd_buffer *buffer);

/* Maps a buffer to the GPU and makes it resident, for one that was made otherwise. */
NTSTATUS umd_buffer_map(struct umd *umd, struct umd_buffer *buffer);

NTSTATUS umd_buffer_destroy(struct umd *umd, struct umd_buffer *buffer);

NTSTATUS umd_context_create(struct umd *umd, unsigned node, D3DKMT_HANDLE *context);
NTSTATUS umd_fence_create(struct umd *umd, uint64_t value, struct umd_fence *fence);
uint64_t umd_fence_value(const struct umd_fence *fence);

/* On a context, in order with what it was given before. */
NTSTATUS umd_submit(D3DKMT_HANDLE context, uint64_t commands, size_t size);
NTSTATUS umd_signal(D3DKMT_HANDLE context, const struct umd_fence *fence, uint64_t value);
NTSTATUS umd_wait(D3DKMT_HANDLE context, const struct umd_fence *fence, uint64_t value);

/* Blocks the calling thread. */
NTSTATUS umd_wait_on_cpu(struct umd *umd, const struct umd_fence *fence, uint64_t value);

#endif
