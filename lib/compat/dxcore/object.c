/* SPDX-License-Identifier: MIT */
/* What DXCore's objects have in common: interfaces, references, results. */
#include "compat/dxcore/dxcore.h"

#include "core/last_error.h"

#include <stdlib.h>
#include <string.h>

const GUID dxcore_iid_unknown = {0, 0, 0, {0xc0, 0, 0, 0, 0, 0, 0, 0x46}};

static bool has_interface(const struct dxcore_object *object, const GUID *iid)
{
    if (memcmp(iid, &dxcore_iid_unknown, sizeof(*iid)) == 0)
        return true;
    for (size_t i = 0; i < DXCORE_INTERFACES_MAX && object->interfaces[i]; i++)
        if (memcmp(iid, object->interfaces[i], sizeof(*iid)) == 0)
            return true;
    return false;
}

dxcore_result dxcore_object_query(void *self, const GUID *iid, void **found)
{
    if (!found)
        return dxcore_refuse("QueryInterface", DXCORE_POINTER,
                             "the pointer for the interface is NULL");
    *found = NULL;
    if (!iid || !has_interface(self, iid))
        return dxcore_refuse("QueryInterface", DXCORE_NO_INTERFACE,
                             "the object has no interface of this IID");
    dxcore_object_add_reference(self);
    *found = self;
    return DXCORE_OK;
}

ULONG dxcore_object_add_reference(void *self)
{
    struct dxcore_object *object = self;

    return atomic_fetch_add_explicit(&object->references, 1, memory_order_relaxed) + 1;
}

ULONG dxcore_object_release(void *self)
{
    struct dxcore_object *object = self;
    ULONG left = atomic_fetch_sub_explicit(&object->references, 1, memory_order_acq_rel) - 1;

    if (left == 0 && object->destroy)
        object->destroy(object);
    return left;
}

/* Beside their counterparts; what is in neither column stays a number. */
static const struct {
    dxcore_result result;
    NTSTATUS status;
} counterparts[] = {
    {DXCORE_INVALID_ARG, STATUS_INVALID_PARAMETER}, {DXCORE_POINTER, STATUS_INVALID_PARAMETER},
    {DXCORE_OUT_OF_MEMORY, STATUS_NO_MEMORY},       {DXCORE_ACCESS_DENIED, STATUS_ACCESS_DENIED},
    {DXCORE_DEVICE_REMOVED, STATUS_DEVICE_REMOVED}, {DXCORE_UNSUPPORTED, STATUS_NOT_SUPPORTED},
    {DXCORE_INVALID_CALL, STATUS_NOT_SUPPORTED},    {DXCORE_NO_INTERFACE, STATUS_NOT_SUPPORTED},
};

#define COUNTERPARTS   (sizeof(counterparts) / sizeof(counterparts[0]))
#define FACILITY_NTBIT 0x10000000 /* HRESULTs that are an NTSTATUS */

dxcore_result dxcore_result_of(NTSTATUS status)
{
    for (size_t i = 0; i < COUNTERPARTS; i++)
        if (counterparts[i].status == status)
            return counterparts[i].result;
    return status | FACILITY_NTBIT;
}

dxcore_result dxcore_refuse(const char *method, dxcore_result result, const char *reason)
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    for (size_t i = 0; i < COUNTERPARTS; i++)
        if (counterparts[i].result == result)
            status = counterparts[i].status;
    last_error_report(method, NULL, d3dkmti_fail(status, "%s", reason));
    return result;
}
