/* SPDX-License-Identifier: MIT */
/* Escape: private data to the driver and back, and the kinds that the kernel knows. */
#include "core/guest/call.h"
#include "core/guest/message.h"
#include "core/guest/target.h"
#include "core/last_error.h"

#include <string.h>

enum {
    TEST_COMMAND_BUFFER_MIN = 4,
    TEST_COMMAND_BUFFER_MAX = 4096,
    TEST_COMMAND_PRIVATE_MAX = 1024,
    KNOWN_ESCAPE_BUILD_TEST_COMMAND_BUFFER = 3, /* _D3DDDI_DRIVERESCAPETYPE_... of the kernel */
};

/*
 * Sends an escape whose private data stands at data, and puts the answer in its place. data: size
 * bytes of the caller's (read and written back) or, when from_caller is false, of the engine's.
 */
static NTSTATUS send_escape(struct guest_process *process, struct guest_adapter *adapter,
                            const D3DKMT_ESCAPE *args, void *data, UINT size, bool from_caller)
{
    struct guest_message message;
    struct wire_escape *command = guest_message_begin(&message, process->vm, adapter,
                                                      process->host_handle, WIRE_VGPU_ESCAPE, size);

    if (!command)
        return STATUS_NO_MEMORY;
    command->adapter = adapter->host_handle;
    command->device = args->hDevice;
    command->type = args->Type;
    command->flags = args->Flags.Value;
    command->priv_drv_data_size = size;
    command->context = args->hContext;
    void *room = guest_message_reserve(&message, size);
    NTSTATUS status = STATUS_SUCCESS;
    if (from_caller)
        status = guest_read(process, room, data, size, "pPrivateDriverData");
    else
        memcpy(room, data, size);
    if (NT_SUCCESS(status))
        status = guest_message_exchange(&message);
    if (NT_SUCCESS(status) && size > 0) {
        const struct wire_span *answer = &message.reply.tails[WIRE_REPLY_TAIL_ESCAPE_PRIV_DRV_DATA];

        if (!from_caller)
            memcpy(data, answer->data, size);
        else if (!NT_SUCCESS(guest_write(process, data, answer->data, size, "pPrivateDriverData")))
            status = d3dkmti_fail_as(STATUS_INVALID_PARAMETER); /* as from the driver */
    }
    guest_message_end(&message);
    return status;
}

/* Writes what the host built to the caller's buffers, never more than the caller has room for. */
static NTSTATUS return_test_command(struct guest_process *process,
                                    struct wire_build_test_command_buffer *caller,
                                    const struct wire_build_test_command_buffer *asked,
                                    const unsigned char *answer)
{
    struct wire_build_test_command_buffer built;

    memcpy(&built, answer, sizeof(built));
    if (built.dma_buffer_size > asked->dma_buffer_size ||
        built.dma_buffer_priv_data_size > asked->dma_buffer_priv_data_size)
        return d3dkmti_fail(STATUS_BUFFER_TOO_SMALL,
                            "the host built %u bytes with %u private ones, room is for %u and %u",
                            built.dma_buffer_size, built.dma_buffer_priv_data_size,
                            asked->dma_buffer_size, asked->dma_buffer_priv_data_size);
    NTSTATUS status = GUEST_WRITE(process, caller->dma_buffer_size, built.dma_buffer_size);
    if (NT_SUCCESS(status))
        status = GUEST_WRITE(process, caller->dma_buffer_priv_data_size,
                             built.dma_buffer_priv_data_size);
    if (NT_SUCCESS(status))
        status = guest_write(process, (void *)(uintptr_t)asked->dma_buffer, answer + sizeof(built),
                             built.dma_buffer_size, "the DMA buffer");
    if (NT_SUCCESS(status))
        status = guest_write(process, (void *)(uintptr_t)asked->dma_buffer_priv_data,
                             answer + sizeof(built) + asked->dma_buffer_size,
                             built.dma_buffer_priv_data_size, "the DMA buffer's private data");
    return status;
}

/* The one known escape with pointers inside: they are replaced by what they lead to. */
static NTSTATUS build_test_command_buffer(struct guest_process *process,
                                          struct guest_adapter *adapter, const D3DKMT_ESCAPE *args)
{
    struct wire_build_test_command_buffer asked;
    _Alignas(
        8) unsigned char data[sizeof(asked) + TEST_COMMAND_BUFFER_MAX + TEST_COMMAND_PRIVATE_MAX];

    NTSTATUS status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize,
                                        sizeof(asked), UINT32_MAX);
    if (NT_SUCCESS(status))
        status = guest_read(process, &asked, args->pPrivateDriverData, sizeof(asked),
                            "pPrivateDriverData");
    if (NT_SUCCESS(status))
        status = guest_check_count("the DMA buffer's size", asked.dma_buffer_size,
                                   TEST_COMMAND_BUFFER_MIN, TEST_COMMAND_BUFFER_MAX);
    if (NT_SUCCESS(status))
        status = guest_check_count("the DMA buffer's private size", asked.dma_buffer_priv_data_size,
                                   0, TEST_COMMAND_PRIVATE_MAX);
    if (!NT_SUCCESS(status))
        return status;
    UINT size = (UINT)sizeof(asked) + asked.dma_buffer_size + asked.dma_buffer_priv_data_size;
    struct wire_build_test_command_buffer sent = asked;
    sent.dma_buffer = 0;
    sent.dma_buffer_priv_data = 0;
    memset(data, 0, size);
    memcpy(data, &sent, sizeof(sent));
    status = send_escape(process, adapter, args, data, size, false);
    if (!NT_SUCCESS(status))
        return status;
    return return_test_command(process, args->pPrivateDriverData, &asked, data);
}

static NTSTATUS escape(struct guest_process *process, struct guest_adapter *adapter,
                       const D3DKMT_ESCAPE *args)
{
    uint32_t kind = UINT32_MAX;
    NTSTATUS status;

    if (args->Type == D3DKMT_ESCAPE_DRIVERPRIVATE && args->Flags.DriverKnownEscape) {
        status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize,
                                   sizeof(kind), UINT32_MAX);
        if (NT_SUCCESS(status))
            status = guest_read(process, &kind, args->pPrivateDriverData, sizeof(kind),
                                "pPrivateDriverData");
        if (!NT_SUCCESS(status))
            return status;
    }
    /* Handles are the same on both sides: there is nothing to translate. */
    if (kind == D3DDDI_DRIVERESCAPETYPE_TRANSLATEALLOCATIONHANDLE ||
        kind == D3DDDI_DRIVERESCAPETYPE_TRANSLATERESOURCEHANDLE)
        return STATUS_SUCCESS;
    if (kind == KNOWN_ESCAPE_BUILD_TEST_COMMAND_BUFFER)
        return build_test_command_buffer(process, adapter, args);
    status = guest_check_count("PrivateDriverDataSize", args->PrivateDriverDataSize, 0,
                               GUEST_PRIVATE_DATA_MAX);
    if (!NT_SUCCESS(status))
        return status;
    return send_escape(process, adapter, args, args->pPrivateDriverData,
                       args->PrivateDriverDataSize, true);
}

NTSTATUS guest_escape(struct guest_process *process, const D3DKMT_ESCAPE *args,
                      D3DKMT_ESCAPE *caller)
{
    (void)caller;
    struct guest_target target;
    NTSTATUS status = guest_target_adapter(process, args->hAdapter, "hAdapter", &target);
    if (NT_SUCCESS(status))
        status = escape(process, target.adapter, args);
    guest_target_release(&target);
    return status;
}
