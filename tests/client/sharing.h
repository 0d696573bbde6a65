/* SPDX-License-Identifier: MIT */
/* Objects that are shared by descriptors, for tests of what happens to them. */
#ifndef TESTS_CLIENT_SHARING_H
#define TESTS_CLIENT_SHARING_H

#include <umd/umd.h>

#include <stdbool.h>

/* A descriptor of an object, which the caller closes. */
NTSTATUS client_share(D3DKMT_HANDLE object, int *descriptor);

/* A monitored fence. */
NTSTATUS client_fence_create(D3DKMT_HANDLE device, bool shared, D3DKMT_HANDLE *fence);
NTSTATUS client_fence_open(D3DKMT_HANDLE device, int descriptor, struct umd_fence *fence);

/*
 * A shared resource with one allocation of so many bytes, which is not mapped; runtime_data may be
 * NULL.
 */
NTSTATUS client_resource_create(D3DKMT_HANDLE device, uint32_t size, const void *runtime_data,
                                uint32_t runtime_size, struct umd_buffer *buffer,
                                D3DKMT_HANDLE *resource);

#endif
