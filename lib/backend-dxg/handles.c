/* SPDX-License-Identifier: MIT */
/*
 * Two of the core's handle tables, as the kernel has two: adapters, and everything else. Behind
 * each handle stands what it belongs to, so that what the kernel ends with an object ends here too.
 */
#include "backend-dxg/handles.h"

#include "backend-dxg/handle_fields.h"
#include "core/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* Of a list; what is behind is not looked at. */
enum { LOOKED_AT_MAX = 64 };

/* Behind a handle. */
struct known {
    D3DKMT_HANDLE parent; /* 0: none, or an adapter */
    LUID luid;            /* of an adapter, and of a device's adapter */
    uint64_t traits;      /* HANDLE_BIT_SHAREABLE, HANDLE_BIT_MONITORED */
};

struct handles {
    pthread_mutex_t mutex;
    struct handle_table adapters, others;
};

struct handles *handles_create(void)
{
    struct handles *handles = d3dkmti_calloc(1, sizeof(*handles));

    if (!handles)
        return NULL;
    pthread_mutex_init(&handles->mutex, NULL);
    if (NT_SUCCESS(handle_table_init(&handles->adapters)) &&
        NT_SUCCESS(handle_table_init(&handles->others)))
        return handles;
    handles_destroy(handles);
    return NULL;
}

static void free_known(void *context, D3DKMT_HANDLE handle, enum handle_type type, void *known)
{
    (void)context, (void)handle, (void)type;
    free(known);
}

void handles_destroy(struct handles *handles)
{
    if (!handles)
        return;
    if (handles->adapters.chunks)
        handle_table_visit(&handles->adapters, free_known, NULL);
    if (handles->others.chunks)
        handle_table_visit(&handles->others, free_known, NULL);
    if (handles->adapters.chunks)
        handle_table_destroy(&handles->adapters);
    if (handles->others.chunks)
        handle_table_destroy(&handles->others);
    pthread_mutex_destroy(&handles->mutex);
    free(handles);
}

/* ---- the tables, under the mutex */

static struct handle_table *table_of(struct handles *handles, enum handle_type type)
{
    return type == HANDLE_TYPE_ADAPTER ? &handles->adapters : &handles->others;
}

static struct known *find(struct handles *handles, D3DKMT_HANDLE handle, enum handle_type type)
{
    return handle_table_lookup(table_of(handles, type), handle, type);
}

static void enter(struct handles *handles, D3DKMT_HANDLE handle, enum handle_type type,
                  const struct known *what)
{
    struct handle_table *table = table_of(handles, type);
    enum handle_type before = handle_table_type(table, handle);
    struct known *known = handle ? d3dkmti_malloc(sizeof(*known)) : NULL;
    void *old = NULL;

    if (!known)
        return;
    *known = *what;
    /* Something ended by a way that is not followed here. */
    if (before != HANDLE_TYPE_FREE && handle_table_remove(table, handle, before, &old))
        free(old);
    const struct handle_insertion insertion = {handle, type, known};
    if (!NT_SUCCESS(handle_table_insert(table, &insertion, 1)))
        free(known);
}

struct search {
    D3DKMT_HANDLE parent;
    LUID luid;
    D3DKMT_HANDLE found;
    enum handle_type type;
};

static void match_parent(void *context, D3DKMT_HANDLE handle, enum handle_type type, void *object)
{
    struct search *search = context;
    const struct known *known = object;

    if (known->parent == search->parent) {
        search->found = handle;
        search->type = type;
    }
}

static bool same_luid(LUID a, LUID b)
{
    return a.LowPart == b.LowPart && a.HighPart == b.HighPart;
}

static void match_luid(void *context, D3DKMT_HANDLE handle, enum handle_type type, void *object)
{
    struct search *search = context;
    const struct known *known = object;

    if ((type == HANDLE_TYPE_ADAPTER || type == HANDLE_TYPE_DEVICE) &&
        same_luid(known->luid, search->luid)) {
        search->found = handle;
        search->type = type;
    }
}

/* Takes a handle out, and all that belongs to it. */
static void end(struct handles *handles, D3DKMT_HANDLE handle, enum handle_type type)
{
    void *known;

    if (!handle_table_remove(table_of(handles, type), handle, type, &known))
        return;
    free(known);
    for (;;) {
        struct search search = {.parent = handle};

        handle_table_visit(&handles->others, match_parent, &search);
        if (type == HANDLE_TYPE_ADAPTER || !search.found)
            return;
        end(handles, search.found, search.type);
    }
}

/* The last handle of an adapter ends its devices. */
static void end_adapter(struct handles *handles, D3DKMT_HANDLE handle)
{
    const struct known *known = find(handles, handle, HANDLE_TYPE_ADAPTER);
    struct search search = {0};

    if (!known)
        return;
    search.luid = known->luid;
    end(handles, handle, HANDLE_TYPE_ADAPTER);
    handle_table_visit(&handles->adapters, match_luid, &search);
    while (!search.found) {
        handle_table_visit(&handles->others, match_luid, &search);
        if (!search.found)
            return;
        end(handles, search.found, search.type);
        search.found = 0;
    }
}

/* ---- fields */

static D3DKMT_HANDLE handle_at(const void *args, size_t offset)
{
    D3DKMT_HANDLE handle;

    memcpy(&handle, (const char *)args + offset, sizeof(handle));
    return handle;
}

static enum handle_type first_type(uint64_t types)
{
    return (enum handle_type)__builtin_ctzll(types);
}

static const struct op_handles *fields_of(const struct d3dkmt_op *op)
{
    for (size_t i = 0; i < op_handles_count; i++) {
        if (op_handles[i].op == (enum d3dkmt_op_id)op->id)
            return &op_handles[i];
    }
    return NULL;
}

/* ---- learning */

static void learn_adapters(struct handles *handles, const D3DKMT_ADAPTERINFO *infos, UINT count)
{
    for (UINT i = 0; infos && i < count; i++) {
        const struct known what = {.luid = infos[i].AdapterLuid};

        enter(handles, infos[i].hAdapter, HANDLE_TYPE_ADAPTER, &what);
    }
}

static void learn_allocations(struct handles *handles, const D3DKMT_CREATEALLOCATION *args)
{
    struct known what = {.parent = args->hDevice,
                         .traits = args->Flags.CreateShared ? HANDLE_BIT_SHAREABLE : 0};

    if (args->Flags.CreateResource)
        enter(handles, args->hResource, HANDLE_TYPE_RESOURCE, &what);
    if (args->hResource)
        what.parent = args->hResource;
    for (UINT i = 0; i < args->NumAllocations; i++)
        enter(handles, args->pAllocationInfo2[i].hAllocation, HANDLE_TYPE_ALLOCATION, &what);
}

static void learn_opened(struct handles *handles, const D3DKMT_OPENRESOURCEFROMNTHANDLE *args)
{
    const struct known what = {.parent = args->hResource};

    for (UINT i = 0; i < args->NumAllocations; i++)
        enter(handles, args->pOpenAllocationInfo2[i].hAllocation, HANDLE_TYPE_ALLOCATION, &what);
}

static void learn_destroyed(struct handles *handles, const D3DKMT_DESTROYALLOCATION2 *args)
{
    if (args->hResource)
        end(handles, args->hResource, HANDLE_TYPE_RESOURCE);
    for (UINT i = 0; i < args->AllocationCount; i++)
        end(handles, args->phAllocationList[i], HANDLE_TYPE_ALLOCATION);
}

static void learn_lists(struct handles *handles, enum d3dkmt_op_id op, const void *args)
{
    const D3DKMT_ENUMADAPTERS2 *older = args;
    const D3DKMT_ENUMADAPTERS3 *newer = args;

    switch (op) {
    case D3DKMT_OP_EnumAdapters2:
        learn_adapters(handles, older->pAdapters, older->NumAdapters);
        break;
    case D3DKMT_OP_EnumAdapters3:
        learn_adapters(handles, newer->pAdapters, newer->NumAdapters);
        break;
    case D3DKMT_OP_CreateAllocation2:
        learn_allocations(handles, args);
        break;
    case D3DKMT_OP_OpenResourceFromNtHandle:
        learn_opened(handles, args);
        break;
    case D3DKMT_OP_DestroyAllocation2:
        learn_destroyed(handles, args);
        break;
    default:
        break;
    }
}

/* What a new object belongs to. */
static struct known owner_of(struct handles *handles, const struct handle_field *first,
                             const void *args)
{
    D3DKMT_HANDLE handle = first->role == FIELD_ONE ? handle_at(args, first->offset) : 0;
    struct known owner = {.parent = handle};

    if (first->role == FIELD_ONE && (first->types & HANDLE_BIT(ADAPTER))) {
        const struct known *adapter = find(handles, handle, HANDLE_TYPE_ADAPTER);

        owner.parent = 0;
        if (adapter)
            owner.luid = adapter->luid;
    }
    return owner;
}

/* What only some operations tell of what they make. */
static void finish_new(enum d3dkmt_op_id op, const void *args, struct known *what)
{
    const D3DKMT_CREATESYNCHRONIZATIONOBJECT2 *create = args;

    if (op == D3DKMT_OP_OpenAdapterFromLuid) {
        what->luid = ((const D3DKMT_OPENADAPTERFROMLUID *)args)->AdapterLuid;
    } else if (op == D3DKMT_OP_CreateSynchronizationObject2) {
        what->traits = (create->Info.Flags.Shared ? HANDLE_BIT_SHAREABLE : 0) |
                       (create->Info.Type == D3DDDI_MONITORED_FENCE ? HANDLE_BIT_MONITORED : 0);
    } else {
        /* Of objects that are opened, only such can be. */
        what->traits = HANDLE_BIT_SHAREABLE | HANDLE_BIT_MONITORED;
    }
}

static void learn_field(struct handles *handles, enum d3dkmt_op_id op,
                        const struct handle_field *fields, size_t index, const void *args)
{
    const struct handle_field *field = &fields[index];
    D3DKMT_HANDLE handle = handle_at(args, field->offset);
    struct known what;

    switch (field->role) {
    case FIELD_NEW:
        what = owner_of(handles, &fields[0], args);
        finish_new(op, args, &what);
        enter(handles, handle, first_type(field->types), &what);
        break;
    case FIELD_FENCE:
        what = (struct known){.parent = handle_at(args, fields[index - 1].offset)};
        enter(handles, handle, HANDLE_TYPE_QUEUE_FENCE, &what);
        break;
    case FIELD_END:
        if (field->types & HANDLE_BIT(ADAPTER))
            end_adapter(handles, handle);
        else
            end(handles, handle, first_type(field->types));
        break;
    default:
        break;
    }
}

void handles_learn(struct handles *handles, const struct d3dkmt_op *op, const void *args)
{
    const struct op_handles *row = fields_of(op);

    pthread_mutex_lock(&handles->mutex);
    for (size_t i = 0; row && i < HANDLE_FIELDS_MAX; i++)
        learn_field(handles, row->op, row->fields, i, args);
    learn_lists(handles, (enum d3dkmt_op_id)op->id, args);
    pthread_mutex_unlock(&handles->mutex);
}

/* ---- explaining */

static const char *missing_trait(uint64_t missing)
{
    if (missing & HANDLE_BIT_SHAREABLE)
        return "not made to be shared";
    return missing & HANDLE_BIT_MONITORED ? "no monitored fence" : NULL;
}

/* What a handle is, though it should be something else; NULL when it is right. */
static const char *judge(struct handles *handles, D3DKMT_HANDLE handle, uint64_t types)
{
    enum handle_type adapter = handle_table_type(&handles->adapters, handle);
    enum handle_type other = handle_table_type(&handles->others, handle);

    if ((types & HANDLE_BIT(ADAPTER)) && adapter != HANDLE_TYPE_FREE)
        return NULL;
    if (other != HANDLE_TYPE_FREE && (types >> other & 1))
        return missing_trait(types & ~find(handles, handle, other)->traits);
    if (other == HANDLE_TYPE_FREE)
        other = adapter;
    if (other != HANDLE_TYPE_FREE)
        return handle_type_name(other);
    if (handle == 0)
        return "no handle";
    return handle_table_was_live(&handles->others, handle) ||
                   handle_table_was_live(&handles->adapters, handle)
               ? "stale (what it stood for is destroyed)"
               : "foreign (this process was never given it)";
}

/* The list may be what is wrong with the call: it is copied where the system lets us. */
static size_t copy_list(const struct handle_field *field, const void *args, D3DKMT_HANDLE *list)
{
    const char *base = args;
    uint32_t count;
    const void *from = base + field->offset;

    memcpy(&count, base + field->count_offset, sizeof(count));
    if (count > LOOKED_AT_MAX)
        count = LOOKED_AT_MAX;
    if (field->role == FIELD_MANY)
        memcpy(&from, base + field->offset, sizeof(from));
    struct iovec local = {list, count * sizeof(*list)};
    struct iovec remote = {(void *)(uintptr_t)from, count * sizeof(*list)};
    return from && process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)local.iov_len
               ? count
               : 0;
}

static size_t read_field(const struct handle_field *field, const void *args, D3DKMT_HANDLE *list)
{
    switch (field->role) {
    case FIELD_ONE:
    case FIELD_OPTIONAL:
    case FIELD_END:
        list[0] = handle_at(args, field->offset);
        return 1;
    case FIELD_MANY:
    case FIELD_INLINE:
        return copy_list(field, args, list);
    default:
        return 0;
    }
}

static bool explain_field(struct handles *handles, const struct handle_field *field,
                          const void *args, char *text, size_t size)
{
    D3DKMT_HANDLE list[LOOKED_AT_MAX];
    bool is_list = field->role == FIELD_MANY || field->role == FIELD_INLINE;
    size_t count = read_field(field, args, list);

    for (size_t i = 0; i < count; i++) {
        bool left_out = field->role == FIELD_OPTIONAL && list[i] == 0;
        const char *is = left_out ? NULL : judge(handles, list[i], field->types);
        char index[24] = "";

        if (!is)
            continue;
        if (is_list)
            snprintf(index, sizeof(index), "[%zu]", i);
        snprintf(text, size, "%s%s 0x%08x is %s; %s is needed", field->name, index, list[i], is,
                 handle_type_name(first_type(field->types)));
        return true;
    }
    return false;
}

bool handles_explain(struct handles *handles, const struct d3dkmt_op *op, const void *args,
                     char *text, size_t size)
{
    const struct op_handles *row = fields_of(op);
    bool explained = false;

    pthread_mutex_lock(&handles->mutex);
    for (size_t i = 0; row && i < HANDLE_FIELDS_MAX && !explained; i++)
        explained = explain_field(handles, &row->fields[i], args, text, size);
    pthread_mutex_unlock(&handles->mutex);
    return explained;
}
