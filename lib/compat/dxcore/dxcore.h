/* SPDX-License-Identifier: MIT */
/* DXCore's objects: one factory, lists of adapters and adapters, which all answer from D3DKMT. */
#ifndef COMPAT_DXCORE_DXCORE_H
#define COMPAT_DXCORE_DXCORE_H

#include "compat/dxcore/abi.h"

#include <stdatomic.h>

/* ---- objects (object.c) */

enum { DXCORE_INTERFACES_MAX = 3 };

/* The start of every object; callers see methods alone. */
struct dxcore_object {
    const void *methods;
    const GUID *interfaces[DXCORE_INTERFACES_MAX]; /* what QueryInterface finds; NULL: no more */
    void (*destroy)(void *object);                 /* NULL: it lives for ever */
    atomic_uint references;
};

extern const GUID dxcore_iid_unknown;

/* The first three methods of every interface. */
dxcore_result dxcore_object_query(void *object, const GUID *iid, void **found);
ULONG dxcore_object_add_reference(void *object);
ULONG dxcore_object_release(void *object);

/* Leaves a sentence about method with the thread and returns result. */
dxcore_result dxcore_refuse(const char *method, dxcore_result result, const char *reason);

/* What a failed D3DKMT call, which left its sentence, comes to in DXCore. */
dxcore_result dxcore_result_of(NTSTATUS status);

/* ---- what an adapter says about itself (info.c) */

/* What DXCore's attribute GUIDs and workloads ask for. */
#define DXCORE_HAS_GRAPHICS     0x1u
#define DXCORE_HAS_CORE_COMPUTE 0x2u
#define DXCORE_HAS_VIDEO        0x4u
#define DXCORE_IS_GPU           0x8u
#define DXCORE_IS_ACCELERATOR   0x10u

/* Read once: a property keeps its value when the adapter has gone. */
struct dxcore_info {
    uint32_t attributes; /* DXCORE_HAS_*, DXCORE_IS_* */
    uint32_t properties; /* a bit for each enum dxcore_property that was answered */
    uint32_t states;     /* a bit for each enum dxcore_state that is answered */
    LUID luid;
    uint64_t driver_version, dedicated_memory, dedicated_system_memory, shared_system_memory;
    uint32_t model_version, physical_adapters;
    uint16_t compute_preemption, graphics_preemption;
    bool acg_compatible, is_hardware, is_integrated, is_detachable;
    struct dxcore_hardware_id hardware_id;
    struct dxcore_hardware_id_parts hardware_id_parts;
    char *description; /* owned */
    size_t description_size;
};

/* On failure nothing is owned. */
NTSTATUS dxcore_info_read(D3DKMT_HANDLE adapter, LUID luid, struct dxcore_info *info);
void dxcore_info_free(struct dxcore_info *info);

/* D3DKMTQueryAdapterInfo in one line. */
NTSTATUS dxcore_query(D3DKMT_HANDLE adapter, KMTQUERYADAPTERINFOTYPE type, void *data, size_t size);

/* The engines of a physical adapter are numbered without gaps: the first failure is their end. */
NTSTATUS dxcore_query_engine(D3DKMT_HANDLE adapter, uint32_t physical_adapter, uint32_t engine,
                             DXGK_NODEMETADATA *data);
uint32_t dxcore_count_engines(D3DKMT_HANDLE adapter, uint32_t physical_adapter);

/* ---- the objects themselves */

struct dxcore_adapter {
    struct dxcore_object object;
    struct dxcore_info info;
};

/* adapter.c. The caller has the first reference. */
NTSTATUS dxcore_adapter_create(D3DKMT_HANDLE adapter, LUID luid, struct dxcore_adapter **created);

/* Of the adapters there are those with all attributes and, unless hardware is 0, one of hardware.
 * list.c. */
dxcore_result dxcore_list_create(uint32_t attributes, uint32_t hardware, const GUID *iid,
                                 void **list);

/* The attribute that a GUID names; 0: none that an adapter here could have. adapter.c */
uint32_t dxcore_attribute(const GUID *guid);

/* factory.c */
dxcore_result dxcore_factory_get(const char *method, const GUID *iid, void **factory);

#endif
