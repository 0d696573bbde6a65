/* SPDX-License-Identifier: MIT */
/* IDXCoreAdapterList: adapters of one moment, which keep their order until they are sorted. */
#include "compat/dxcore/dxcore.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const GUID iid_list = {
    0x526c7776, 0x40e9, 0x459b, {0xb7, 0x11, 0xf3, 0x2a, 0xd7, 0x6d, 0xfc, 0x28}};

#define METHOD(name) "IDXCoreAdapterList::" name

enum { ADAPTERS_MAX = 64 }; /* more than dxgkrnl ever gives to one call */

/* The adapters of the system, whatever their kind, with a handle each. */
struct system {
    ULONG count;
    D3DKMT_ADAPTERINFO adapters[ADAPTERS_MAX];
};

struct list {
    struct dxcore_object object;
    pthread_mutex_t mutex; /* the order of adapters */
    uint32_t count;
    struct dxcore_adapter *adapters[ADAPTERS_MAX];
    ULONG system_count; /* for IsStale */
    LUID system[ADAPTERS_MAX];
};

/* ---- the system's adapters */

static NTSTATUS open_system(struct system *system)
{
    D3DKMT_ENUMADAPTERS3 list;

    memset(&list, 0, sizeof(list));
    list.Filter.IncludeComputeOnly = 1;
    list.NumAdapters = ADAPTERS_MAX;
    list.pAdapters = system->adapters;
    NTSTATUS status = D3DKMTEnumAdapters3(&list);
    system->count = NT_SUCCESS(status) ? list.NumAdapters : 0;
    /* A machine without a GPU has an empty list; every other reason is the caller's business. */
    return status == STATUS_DEVICE_REMOVED ? STATUS_SUCCESS : status;
}

static void close_system(const struct system *system)
{
    for (ULONG i = 0; i < system->count; i++) {
        const D3DKMT_CLOSEADAPTER close = {system->adapters[i].hAdapter};

        (void)D3DKMTCloseAdapter(&close);
    }
}

static bool knows(const struct list *list, const LUID *luid)
{
    for (ULONG i = 0; i < list->system_count; i++)
        if (memcmp(&list->system[i], luid, sizeof(*luid)) == 0)
            return true;
    return false;
}

/* LUIDs are not used twice: as many, and all known, are the same adapters. */
static bool is_stale(void *self)
{
    const struct list *list = self;
    struct system system;
    bool stale = !NT_SUCCESS(open_system(&system)) || system.count != list->system_count;

    for (ULONG i = 0; i < system.count && !stale; i++)
        stale = !knows(list, &system.adapters[i].AdapterLuid);
    close_system(&system);
    return stale;
}

/* ---- access */

static dxcore_result get_adapter(void *self, uint32_t index, const GUID *iid, void **adapter)
{
    static const char method[] = METHOD("GetAdapter");
    struct list *list = self;

    if (!adapter)
        return dxcore_refuse(method, DXCORE_POINTER, "ppvAdapter is NULL");
    *adapter = NULL;
    if (index >= list->count)
        return dxcore_refuse(method, DXCORE_INVALID_ARG,
                             "index is not below the number of adapters (GetAdapterCount)");
    pthread_mutex_lock(&list->mutex);
    struct dxcore_adapter *found = list->adapters[index];
    pthread_mutex_unlock(&list->mutex);
    return dxcore_object_query(found, iid, adapter);
}

static uint32_t get_adapter_count(void *self)
{
    return ((struct list *)self)->count;
}

static dxcore_result get_factory(void *self, const GUID *iid, void **factory)
{
    (void)self;
    return dxcore_factory_get(METHOD("GetFactory"), iid, factory);
}

/* ---- order */

/* More is better. */
static uint64_t rank(const struct dxcore_info *info, uint32_t preference)
{
    switch (preference) {
    case DXCORE_PREFER_HARDWARE:
        return info->is_hardware;
    case DXCORE_PREFER_MINIMUM_POWER:
        return info->is_integrated;
    case DXCORE_PREFER_HIGH_PERFORMANCE:
        return info->is_integrated ? 0 : 1 + info->dedicated_memory;
    default:
        return 0; /* unknown preferences are ignored */
    }
}

static bool is_better(const struct dxcore_adapter *a, const struct dxcore_adapter *b,
                      uint32_t preference_count, const uint32_t *preferences)
{
    for (uint32_t i = 0; i < preference_count; i++) {
        uint64_t left = rank(&a->info, preferences[i]), right = rank(&b->info, preferences[i]);

        if (left != right)
            return left > right;
    }
    return false;
}

/* By insertion, which keeps the order of equals. */
static dxcore_result sort(void *self, uint32_t preference_count, const uint32_t *preferences)
{
    struct list *list = self;

    if (preference_count == 0 || !preferences)
        return dxcore_refuse(METHOD("Sort"), DXCORE_INVALID_ARG, "there is no preference");
    pthread_mutex_lock(&list->mutex);
    for (uint32_t i = 1; i < list->count; i++) {
        struct dxcore_adapter *moved = list->adapters[i];
        uint32_t to = i;

        for (; to > 0 && is_better(moved, list->adapters[to - 1], preference_count, preferences);
             to--)
            list->adapters[to] = list->adapters[to - 1];
        list->adapters[to] = moved;
    }
    pthread_mutex_unlock(&list->mutex);
    return DXCORE_OK;
}

static bool is_preference_supported(void *self, uint32_t preference)
{
    (void)self;
    return preference < DXCORE_PREFERENCE_COUNT;
}

/* ---- life */

static const struct dxcore_list_methods methods = {
    .QueryInterface = dxcore_object_query,
    .AddRef = dxcore_object_add_reference,
    .Release = dxcore_object_release,
    .GetAdapter = get_adapter,
    .GetAdapterCount = get_adapter_count,
    .IsStale = is_stale,
    .GetFactory = get_factory,
    .Sort = sort,
    .IsAdapterPreferenceSupported = is_preference_supported,
};

static void destroy(void *self)
{
    struct list *list = self;

    for (uint32_t i = 0; i < list->count; i++)
        dxcore_object_release(list->adapters[i]);
    pthread_mutex_destroy(&list->mutex);
    free(list);
}

static struct list *create(void)
{
    struct list *list = calloc(1, sizeof(*list));

    if (!list)
        return NULL;
    if (pthread_mutex_init(&list->mutex, NULL) != 0) {
        free(list);
        return NULL;
    }
    list->object.methods = &methods;
    list->object.interfaces[0] = &iid_list;
    list->object.destroy = destroy;
    atomic_init(&list->object.references, 1);
    return list;
}

/* An adapter that goes while it is asked is left out: the list is stale then. */
static NTSTATUS add(struct list *list, const D3DKMT_ADAPTERINFO *found, uint32_t attributes,
                    uint32_t hardware)
{
    struct dxcore_adapter *adapter;
    NTSTATUS status = dxcore_adapter_create(found->hAdapter, found->AdapterLuid, &adapter);

    if (status == STATUS_DEVICE_REMOVED)
        return STATUS_SUCCESS;
    if (!NT_SUCCESS(status))
        return status;
    uint32_t has = adapter->info.attributes;
    if ((has & attributes) == attributes && (hardware == 0 || (has & hardware) != 0))
        list->adapters[list->count++] = adapter;
    else
        dxcore_object_release(adapter);
    return STATUS_SUCCESS;
}

static NTSTATUS fill(struct list *list, uint32_t attributes, uint32_t hardware)
{
    struct system system;
    NTSTATUS status = open_system(&system);

    for (ULONG i = 0; i < system.count && NT_SUCCESS(status); i++) {
        list->system[list->system_count++] = system.adapters[i].AdapterLuid;
        status = add(list, &system.adapters[i], attributes, hardware);
    }
    close_system(&system);
    return status;
}

dxcore_result dxcore_list_create(uint32_t attributes, uint32_t hardware, const GUID *iid,
                                 void **result)
{
    struct list *list = create();

    if (!list)
        return DXCORE_OUT_OF_MEMORY;
    NTSTATUS status = fill(list, attributes, hardware);
    dxcore_result queried =
        NT_SUCCESS(status) ? dxcore_object_query(list, iid, result) : dxcore_result_of(status);
    dxcore_object_release(list);
    return queried;
}
