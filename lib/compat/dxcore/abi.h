/* SPDX-License-Identifier: MIT */
/*
 * DXCore's binary interface in C: what a C++ program compiled with DirectX-Headers'
 * dxcore_interface.h calls and passes. An interface is a pointer to a table of functions in the
 * order of declaration, a base's first, without destructors; references are pointers.
 */
#ifndef COMPAT_DXCORE_ABI_H
#define COMPAT_DXCORE_ABI_H

#include <d3dkmt/d3dkmthk.h>

#include <stdbool.h>

/* HRESULT under a name of our own: programs may bring along winadapter.h, or may not. */
typedef int32_t dxcore_result;

#define DXCORE_OK            ((dxcore_result)0)
#define DXCORE_NO_INTERFACE  ((dxcore_result)0x80004002)
#define DXCORE_POINTER       ((dxcore_result)0x80004003)
#define DXCORE_ACCESS_DENIED ((dxcore_result)0x80070005)
#define DXCORE_OUT_OF_MEMORY ((dxcore_result)0x8007000E)
#define DXCORE_INVALID_ARG   ((dxcore_result)0x80070057)
/* DXGI_ERROR_*: not known to the system, not had by the adapter, gone. */
#define DXCORE_INVALID_CALL   ((dxcore_result)0x887A0001)
#define DXCORE_UNSUPPORTED    ((dxcore_result)0x887A0004)
#define DXCORE_DEVICE_REMOVED ((dxcore_result)0x887A0005)

/* DXCoreAdapterProperty */
enum dxcore_property {
    DXCORE_INSTANCE_LUID = 0,                   /* LUID */
    DXCORE_DRIVER_VERSION = 1,                  /* uint64_t: four 16-bit parts */
    DXCORE_DRIVER_DESCRIPTION = 2,              /* UTF-8 with its terminator */
    DXCORE_HARDWARE_ID = 3,                     /* struct dxcore_hardware_id */
    DXCORE_KMD_MODEL_VERSION = 4,               /* D3DKMT_DRIVERVERSION */
    DXCORE_COMPUTE_PREEMPTION_GRANULARITY = 5,  /* uint16_t */
    DXCORE_GRAPHICS_PREEMPTION_GRANULARITY = 6, /* uint16_t */
    DXCORE_DEDICATED_ADAPTER_MEMORY = 7,        /* uint64_t, as the next two */
    DXCORE_DEDICATED_SYSTEM_MEMORY = 8,
    DXCORE_SHARED_SYSTEM_MEMORY = 9,
    DXCORE_ACG_COMPATIBLE = 10, /* bool, as the next three */
    DXCORE_IS_HARDWARE = 11,
    DXCORE_IS_INTEGRATED = 12,
    DXCORE_IS_DETACHABLE = 13,
    DXCORE_HARDWARE_ID_PARTS = 14,      /* struct dxcore_hardware_id_parts */
    DXCORE_PHYSICAL_ADAPTER_COUNT = 15, /* uint32_t */
    DXCORE_ADAPTER_ENGINE_COUNT = 16,   /* uint32_t; in: uint32_t, the physical adapter */
    DXCORE_ADAPTER_ENGINE_NAME = 17,    /* uint32_t, units used; in: struct dxcore_engine_name */
    DXCORE_PROPERTY_COUNT
};

/* DXCoreAdapterState, as far as an adapter behind D3DKMT can tell. */
enum dxcore_state {
    DXCORE_IS_DRIVER_UPDATE_IN_PROGRESS = 0, /* bool */
    DXCORE_ADAPTER_MEMORY_BUDGET = 1, /* struct dxcore_budget; in: struct dxcore_budget_input */
    DXCORE_STATE_COUNT,
    DXCORE_STATE_LAST_KNOWN = 10 /* the states behind are declared, and supported by no adapter */
};

enum dxcore_preference {
    DXCORE_PREFER_HARDWARE = 0,
    DXCORE_PREFER_MINIMUM_POWER = 1,
    DXCORE_PREFER_HIGH_PERFORMANCE = 2,
    DXCORE_PREFERENCE_COUNT
};

/* DXCoreWorkload and the filters beside it. */
enum dxcore_workload {
    DXCORE_WORKLOAD_GRAPHICS = 0,
    DXCORE_WORKLOAD_COMPUTE = 1,
    DXCORE_WORKLOAD_MEDIA = 2,
    DXCORE_WORKLOAD_MACHINE_LEARNING = 3,
    DXCORE_WORKLOAD_COUNT
};

#define DXCORE_RUNTIME_D3D11                0x1u
#define DXCORE_RUNTIME_D3D12                0x2u
#define DXCORE_HARDWARE_GPU                 0x1u
#define DXCORE_HARDWARE_COMPUTE_ACCELERATOR 0x2u
#define DXCORE_HARDWARE_NPU                 0x4u
#define DXCORE_HARDWARE_MEDIA_ACCELERATOR   0x8u

struct dxcore_hardware_id {
    uint32_t vendor, device;
    uint32_t subsystem; /* the subsystem in the high half, its vendor in the low one */
    uint32_t revision;
};

struct dxcore_hardware_id_parts {
    uint32_t vendor, device, subsystem, subsystem_vendor, revision;
};

struct dxcore_budget_input {
    uint32_t node;  /* the physical adapter */
    uint32_t group; /* D3DKMT_MEMORY_SEGMENT_GROUP */
};

struct dxcore_budget {
    uint64_t budget, usage, available_for_reservation, reservation;
};

struct dxcore_engine_name {
    uint32_t physical_adapter, engine;
    uint32_t length; /* units of name */
    wchar_t *name;   /* out, cut off where it does not fit; always with a terminator */
};

typedef void dxcore_callback(uint32_t type, void *object, void *context);

#define DXCORE_UNKNOWN_METHODS                                                                     \
    dxcore_result (*QueryInterface)(void *self, const GUID *iid, void **object);                   \
    ULONG (*AddRef)(void *self);                                                                   \
    ULONG (*Release)(void *self)

/* IDXCoreAdapterFactory, and what IDXCoreAdapterFactory1 adds. */
struct dxcore_factory_methods {
    DXCORE_UNKNOWN_METHODS;
    dxcore_result (*CreateAdapterList)(void *self, uint32_t attribute_count, const GUID *attributes,
                                       const GUID *iid, void **list);
    dxcore_result (*GetAdapterByLuid)(void *self, const LUID *luid, const GUID *iid,
                                      void **adapter);
    bool (*IsNotificationTypeSupported)(void *self, uint32_t type);
    dxcore_result (*RegisterEventNotification)(void *self, void *object, uint32_t type,
                                               dxcore_callback *callback, void *context,
                                               uint32_t *cookie);
    dxcore_result (*UnregisterEventNotification)(void *self, uint32_t cookie);
    dxcore_result (*CreateAdapterListByWorkload)(void *self, uint32_t workload, uint32_t runtimes,
                                                 uint32_t hardware_types, const GUID *iid,
                                                 void **list);
};

/* IDXCoreAdapterList */
struct dxcore_list_methods {
    DXCORE_UNKNOWN_METHODS;
    dxcore_result (*GetAdapter)(void *self, uint32_t index, const GUID *iid, void **adapter);
    uint32_t (*GetAdapterCount)(void *self);
    bool (*IsStale)(void *self);
    dxcore_result (*GetFactory)(void *self, const GUID *iid, void **factory);
    dxcore_result (*Sort)(void *self, uint32_t preference_count, const uint32_t *preferences);
    bool (*IsAdapterPreferenceSupported)(void *self, uint32_t preference);
};

/* IDXCoreAdapter, and what IDXCoreAdapter1 adds. */
struct dxcore_adapter_methods {
    DXCORE_UNKNOWN_METHODS;
    bool (*IsValid)(void *self);
    bool (*IsAttributeSupported)(void *self, const GUID *attribute);
    bool (*IsPropertySupported)(void *self, uint32_t property);
    dxcore_result (*GetProperty)(void *self, uint32_t property, size_t size, void *data);
    dxcore_result (*GetPropertySize)(void *self, uint32_t property, size_t *size);
    bool (*IsQueryStateSupported)(void *self, uint32_t state);
    dxcore_result (*QueryState)(void *self, uint32_t state, size_t input_size, const void *input,
                                size_t output_size, void *output);
    bool (*IsSetStateSupported)(void *self, uint32_t state);
    dxcore_result (*SetState)(void *self, uint32_t state, size_t input_size, const void *input,
                              size_t data_size, const void *data);
    dxcore_result (*GetFactory)(void *self, const GUID *iid, void **factory);
    dxcore_result (*GetPropertyWithInput)(void *self, uint32_t property, size_t input_size,
                                          const void *input, size_t output_size, void *output);
};

#endif
