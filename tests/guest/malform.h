/* SPDX-License-Identifier: MIT */
/* Everything that can be wrong with one argument of an operation, tried variant by variant. */
#ifndef TESTS_GUEST_MALFORM_H
#define TESTS_GUEST_MALFORM_H

#include "guest/world.h"

#include <stdbool.h>

/* A call with one wrong argument. */
struct bad_case {
    const struct every_call *call;
    const char *argument; /* that the error must name; NULL: none */
    const char *what;     /* for messages of the test */
    NTSTATUS status;      /* STATUS_SUCCESS: any failure will do */
    bool may_succeed;     /* nobody tells */
    bool fills;           /* outputs before the one that fails are written */
};

/* Where malformed calls go. */
struct malform {
    struct world *world;
    bool async; /* the host's verdict on submission and synchronization is not seen */
    void (*expect)(const struct bad_case *expected, void *args);
};

/* A way in which an argument can be wrong. */
struct malformation {
    const char *name;
    bool (*applies)(const struct every_call *call, const struct call_field *field);
    /* Calls malform->expect for each variant, with right arguments otherwise. */
    void (*each)(const struct malform *malform, const struct every_call *call,
                 const struct call_field *field);
};

enum malformation_id {
    MALFORM_WRONG_TYPE,    /* a handle of every other type, and 0 */
    MALFORM_GARBAGE,       /* handles that were never given out, or in another life */
    MALFORM_DESTROYED,     /* handles of objects that are gone */
    MALFORM_BELOW,         /* a count below the least */
    MALFORM_ABOVE,         /* a count above the largest */
    MALFORM_NULL,          /* a pointer into the first page */
    MALFORM_NO_EVENTFD,    /* a descriptor that is not an eventfd, or not open */
    MALFORM_NO_DESCRIPTOR, /* a descriptor of something else, or not open */
    MALFORMATIONS
};

extern const struct malformation malformations[MALFORMATIONS];

/* The handle of a FIELD_HANDLE*, or the first of a FIELD_LIST*; NULL for other fields. */
D3DKMT_HANDLE *malform_handle(const struct call_field *field, void *args);

/* NULL arrays that have a meaning: how many are there? */
bool malform_may_be_null(const struct every_call *call);

/* Right arguments of a call, in static memory. */
void *malform_fill(const struct every_call *call, struct world *world);

#endif
