/* SPDX-License-Identifier: MIT */
/* A miniport for which an allocation without private data is one of MODEL_BYTES bytes. */
#include "model.h"

#include <d3dkmt/kmd.h>

static NTSTATUS start(const struct kmd_start_info *info, struct kmd_adapter_info *adapter_info,
                      void **adapter)
{
    (void)info;
    adapter_info->node_count = 1;
    adapter_info->segment_size[KMD_SEGMENT_LOCAL] = 64 << 20;
    adapter_info->capabilities = KMD_CAPABILITY_PARAVIRTUALIZATION;
    *adapter = adapter_info;
    return STATUS_SUCCESS;
}

static void stop(void *adapter)
{
    (void)adapter;
}

static NTSTATUS allocate(void *adapter, struct kmd_allocation *allocation)
{
    (void)adapter;
    if (allocation->private_data_size != 0 && allocation->private_data_size != MODEL_DATA_BYTES)
        return STATUS_INVALID_PARAMETER;
    allocation->size = MODEL_BYTES;
    allocation->flags = KMD_ALLOCATION_CPU_VISIBLE;
    return STATUS_SUCCESS;
}

static enum kmd_result submit(void *adapter, struct kmd_execution *execution,
                              struct kmd_submission *submission)
{
    (void)adapter;
    (void)execution;
    (void)submission;
    return KMD_DONE;
}

const struct kmd_interface d3dkmt_miniport_plugin = {
    .size = sizeof(struct kmd_interface),
    .version = KMD_INTERFACE_VERSION,
    .name = "model",
    .StartDevice = start,
    .StopDevice = stop,
    .CreateAllocation = allocate,
    .SubmitCommand = submit,
};
