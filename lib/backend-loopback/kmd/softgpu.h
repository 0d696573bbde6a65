/* SPDX-License-Identifier: MIT */
/* The built-in miniport: the software GPU whose language <d3dkmt/softgpu.h> documents. */
#ifndef BACKEND_LOOPBACK_KMD_SOFTGPU_H
#define BACKEND_LOOPBACK_KMD_SOFTGPU_H

#include <d3dkmt/kmd.h>
#include <d3dkmt/softgpu.h>

/* Options: "driver-store=PATH" or nothing. Anything else is STATUS_INVALID_PARAMETER. */
extern const struct kmd_interface kmd_softgpu;

/*
 * What command CALL with this number does on this adapter; NULL takes the function away. `adapter`
 * is what StartDevice returned (gpu_adapter_miniport_adapter). A number without function is an
 * invalid command. The context must live until no command buffer that calls can be running.
 * STATUS_INVALID_PARAMETER: number not below SOFTGPU_MAX_FUNCTIONS.
 */
NTSTATUS kmd_softgpu_set_function(void *adapter, uint32_t number, softgpu_function function,
                                  void *context);

#endif
