/* SPDX-License-Identifier: MIT */
/*
 * DXCoreCreateAdapterFactory: IDXCoreAdapterFactory and IDXCoreAdapterFactory1. There is one
 * factory, which is constant but for its counter, so that it serves calls before any initialiser
 * and behind the last destructor.
 */
#include "compat/dxcore/dxcore.h"

#include <d3dkmt/d3dkmt.h>

#include <string.h>

/* DirectX-Headers' dxcore.h declares it for programs. */
D3DKMT_API dxcore_result DXCoreCreateAdapterFactory(const GUID *iid, void **factory);

static const GUID iid_factory = {
    0x78ee5945, 0xc36e, 0x4b13, {0xa6, 0x69, 0x00, 0x5d, 0xd1, 0x1c, 0x0f, 0x06}};
static const GUID iid_factory1 = {
    0xd5682e19, 0x6d21, 0x401c, {0x82, 0x7a, 0x9a, 0x51, 0xa4, 0xea, 0x35, 0xd7}};

#define METHOD(name) "IDXCoreAdapterFactory::" name

/* ---- lists */

static dxcore_result create_list(void *self, uint32_t attribute_count, const GUID *attributes,
                                 const GUID *iid, void **list)
{
    static const char method[] = METHOD("CreateAdapterList");
    uint32_t wanted = 0;
    bool possible = true;

    (void)self;
    if (!list)
        return dxcore_refuse(method, DXCORE_POINTER, "ppvAdapterList is NULL");
    *list = NULL;
    if (attribute_count == 0 || !attributes)
        return dxcore_refuse(method, DXCORE_INVALID_ARG,
                             "at least one attribute is needed, as D3D12_CORE_COMPUTE");
    for (uint32_t i = 0; i < attribute_count; i++) {
        uint32_t attribute = dxcore_attribute(&attributes[i]);

        wanted |= attribute;
        possible = possible && attribute != 0;
    }
    /* What no adapter can have leaves none. */
    return dxcore_list_create(possible ? wanted : UINT32_MAX, 0, iid, list);
}

/* Machine learning needs core compute, which is all that WDDM tells about it. */
static dxcore_result create_list_by_workload(void *self, uint32_t workload, uint32_t runtimes,
                                             uint32_t hardware_types, const GUID *iid, void **list)
{
    static const char method[] = "IDXCoreAdapterFactory1::CreateAdapterListByWorkload";
    static const uint32_t workloads[DXCORE_WORKLOAD_COUNT] = {
        [DXCORE_WORKLOAD_GRAPHICS] = DXCORE_HAS_GRAPHICS,
        [DXCORE_WORKLOAD_COMPUTE] = DXCORE_HAS_CORE_COMPUTE,
        [DXCORE_WORKLOAD_MEDIA] = DXCORE_HAS_VIDEO,
        [DXCORE_WORKLOAD_MACHINE_LEARNING] = DXCORE_HAS_CORE_COMPUTE,
    };
    const uint32_t all_runtimes = DXCORE_RUNTIME_D3D11 | DXCORE_RUNTIME_D3D12;
    const uint32_t all_types = DXCORE_HARDWARE_GPU | DXCORE_HARDWARE_COMPUTE_ACCELERATOR |
                               DXCORE_HARDWARE_NPU | DXCORE_HARDWARE_MEDIA_ACCELERATOR;

    (void)self;
    if (!list)
        return dxcore_refuse(method, DXCORE_POINTER, "ppvAdapterList is NULL");
    *list = NULL;
    if (workload >= DXCORE_WORKLOAD_COUNT || (runtimes & ~all_runtimes) ||
        (hardware_types & ~all_types))
        return dxcore_refuse(method, DXCORE_INVALID_ARG,
                             "the workload or a filter's bit is none that is known");
    uint32_t wanted = workloads[workload];
    if (runtimes == DXCORE_RUNTIME_D3D11) /* there is none on Linux */
        wanted = UINT32_MAX;
    uint32_t hardware =
        (hardware_types & DXCORE_HARDWARE_GPU ? DXCORE_IS_GPU : 0) |
        (hardware_types & DXCORE_HARDWARE_COMPUTE_ACCELERATOR ? DXCORE_IS_ACCELERATOR : 0);
    if (hardware_types && !hardware) /* WDDM does not tell NPUs and media accelerators apart */
        wanted = UINT32_MAX;
    return dxcore_list_create(wanted, hardware, iid, list);
}

static dxcore_result get_adapter_by_luid(void *self, const LUID *luid, const GUID *iid,
                                         void **result)
{
    static const char method[] = METHOD("GetAdapterByLuid");
    D3DKMT_OPENADAPTERFROMLUID open;
    struct dxcore_adapter *adapter;

    (void)self;
    if (!result)
        return dxcore_refuse(method, DXCORE_POINTER, "ppvAdapter is NULL");
    *result = NULL;
    memset(&open, 0, sizeof(open));
    if (luid)
        open.AdapterLuid = *luid;
    if (!luid || !NT_SUCCESS(D3DKMTOpenAdapterFromLuid(&open)))
        return dxcore_refuse(method, DXCORE_INVALID_ARG, "there is no adapter with this LUID");
    NTSTATUS status = dxcore_adapter_create(open.hAdapter, open.AdapterLuid, &adapter);
    const D3DKMT_CLOSEADAPTER close = {open.hAdapter};
    (void)D3DKMTCloseAdapter(&close);
    if (!NT_SUCCESS(status))
        return dxcore_result_of(status);
    dxcore_result queried = dxcore_object_query(adapter, iid, result);
    dxcore_object_release(adapter);
    return queried;
}

/* ---- notifications: dxgkrnl tells programs of no event, and a thread that looks again and again
 * would be no notification. IsStale and IsValid tell when asked. */

static bool is_notification_supported(void *self, uint32_t type)
{
    (void)self;
    (void)type;
    return false;
}

static dxcore_result register_notification(void *self, void *object, uint32_t type,
                                           dxcore_callback *callback, void *context,
                                           uint32_t *cookie)
{
    static const char method[] = METHOD("RegisterEventNotification");

    (void)self;
    (void)type;
    (void)context;
    if (!callback || !cookie)
        return dxcore_refuse(method, DXCORE_POINTER, "callbackFunction or eventCookie is NULL");
    *cookie = 0;
    if (!object)
        return dxcore_refuse(method, DXCORE_INVALID_ARG, "dxCoreObject is NULL");
    return dxcore_refuse(method, DXCORE_INVALID_CALL,
                         "the kernel sends no notifications: ask IsStale and IsValid");
}

static dxcore_result unregister_notification(void *self, uint32_t cookie)
{
    (void)self;
    (void)cookie;
    return dxcore_refuse(METHOD("UnregisterEventNotification"), DXCORE_INVALID_ARG,
                         "nothing is registered under this cookie");
}

/* ---- the one factory */

static const struct dxcore_factory_methods methods = {
    .QueryInterface = dxcore_object_query,
    .AddRef = dxcore_object_add_reference,
    .Release = dxcore_object_release,
    .CreateAdapterList = create_list,
    .GetAdapterByLuid = get_adapter_by_luid,
    .IsNotificationTypeSupported = is_notification_supported,
    .RegisterEventNotification = register_notification,
    .UnregisterEventNotification = unregister_notification,
    .CreateAdapterListByWorkload = create_list_by_workload,
};

static struct dxcore_object the_factory = {
    .methods = &methods,
    .interfaces = {&iid_factory, &iid_factory1},
    .references = 1,
};

dxcore_result dxcore_factory_get(const char *method, const GUID *iid, void **factory)
{
    if (!factory)
        return dxcore_refuse(method, DXCORE_POINTER, "ppvFactory is NULL");
    return dxcore_object_query(&the_factory, iid, factory);
}

dxcore_result DXCoreCreateAdapterFactory(const GUID *iid, void **factory)
{
    return dxcore_factory_get("DXCoreCreateAdapterFactory", iid, factory);
}
