/* SPDX-License-Identifier: MIT */
/* What the software GPU knows about an adapter, and its interpreter. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_KMD_SOFTGPU_ADAPTER_H
#define BACKEND_LOOPBACK_KMD_SOFTGPU_ADAPTER_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend-loopback/kmd/softgpu.h"

struct kmd_softgpu_slot {
    softgpu_function function;
    void *context;
};

struct kmd_softgpu_adapter {
    const struct kmd_services *services;
    struct softgpu_adapter description;
    char *driver_store; /* or NULL */
    _Atomic uint64_t finished;
    pthread_mutex_t lock; /* guards the functions */
    struct kmd_softgpu_slot functions[SOFTGPU_MAX_FUNCTIONS];
};

/* kmd_interface.SubmitCommand. */
enum kmd_result kmd_softgpu_execute(void *adapter, struct kmd_execution *execution,
                                    struct kmd_submission *submission);

#endif
