/* SPDX-License-Identifier: MIT */
/* Where the handles lie in the arguments of each operation. */
#ifndef BACKEND_DXG_HANDLE_FIELDS_H
#define BACKEND_DXG_HANDLE_FIELDS_H

#include "core/handle_table.h"

#include <d3dkmt/ops.h>

enum handle_field_role {
    FIELD_NONE,
    FIELD_ONE,      /* a handle that the call uses */
    FIELD_OPTIONAL, /* the same, or 0 */
    FIELD_MANY,     /* a pointer to as many as the count says */
    FIELD_INLINE,   /* as many within the struct */
    FIELD_NEW,      /* one that the call makes; it belongs to the first one that the call uses */
    FIELD_FENCE,    /* the fence of the one that was made before */
    FIELD_END       /* one that the call uses, and ends */
};

/* A bit for each enum handle_type, and for what else an operation may ask for. */
#define HANDLE_BIT(type)     ((uint64_t)1 << HANDLE_TYPE_##type)
#define HANDLE_BIT_SHAREABLE ((uint64_t)1 << 63)
#define HANDLE_BIT_MONITORED ((uint64_t)1 << 62)

struct handle_field {
    enum handle_field_role role;
    const char *name;
    uint16_t offset, count_offset;
    uint64_t types; /* of what it may be, or is */
};

enum { HANDLE_FIELDS_MAX = 4 };

struct op_handles {
    enum d3dkmt_op_id op;
    struct handle_field fields[HANDLE_FIELDS_MAX];
};

extern const struct op_handles op_handles[];
extern const size_t op_handles_count;

#endif
