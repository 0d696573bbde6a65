/* SPDX-License-Identifier: MIT */
/* A whole miniport that starts with the option "start" only. */
#include <d3dkmt/kmd.h>

#include <string.h>

static NTSTATUS start(const struct kmd_start_info *info, struct kmd_adapter_info *adapter_info,
                      void **adapter)
{
    if (!info->options || strcmp(info->options, "start") != 0)
        return STATUS_ACCESS_DENIED;
    adapter_info->node_count = 1;
    adapter_info->segment_size[KMD_SEGMENT_LOCAL] = 1 << 20;
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
    (void)allocation;
    return STATUS_INVALID_PARAMETER;
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
    .name = "refusing",
    .StartDevice = start,
    .StopDevice = stop,
    .CreateAllocation = allocate,
    .SubmitCommand = submit,
};
