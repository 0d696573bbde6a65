/* SPDX-License-Identifier: MIT */
#include "guest/malform.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

void *malform_fill(const struct every_call *call, struct world *world)
{
    static _Alignas(8) unsigned char args[CALL_ARGS_MAX];

    every_call_fill(call, world, args);
    return args;
}

/* ---- handles */

enum { UNIQUE_BIT = 1 << 30, INDEX_BIT = 1 << 16 };

D3DKMT_HANDLE *malform_handle(const struct call_field *field, void *args)
{
    unsigned char *place = (unsigned char *)args + field->offset;
    D3DKMT_HANDLE *list;

    if (field->kind == FIELD_HANDLE || field->kind == FIELD_HANDLE_FOR_HOST)
        return (D3DKMT_HANDLE *)(void *)place;
    if (field->kind != FIELD_LIST && field->kind != FIELD_LIST_FOR_HOST)
        return NULL;
    memcpy(&list, place, sizeof(list));
    return list;
}

static bool is_handle(const struct every_call *call, const struct call_field *field)
{
    (void)call;
    return field->kind == FIELD_HANDLE || field->kind == FIELD_HANDLE_FOR_HOST ||
           field->kind == FIELD_LIST || field->kind == FIELD_LIST_FOR_HOST;
}

/* Adapter handles are numbers of a table of their own: they may coincide with others. */
static bool is_right(const struct world *world, const struct call_field *field, D3DKMT_HANDLE value)
{
    for (unsigned object = 0; object < WORLD_OBJECTS; object++) {
        if (field->accepts >> object & 1 && world->handles[object] == value)
            return true;
    }
    return false;
}

/* Global handles are numbers of the host's: others may look the same. */
static bool is_comparable(const struct call_field *field, unsigned object)
{
    return object != WORLD_GLOBAL_FENCE || field->accepts >> object & 1;
}

static void try_handle(const struct malform *malform, const struct every_call *call,
                       const struct call_field *field, D3DKMT_HANDLE value, const char *description)
{
    bool local = field->kind == FIELD_HANDLE || field->kind == FIELD_LIST;
    char what[96];

    if (is_right(malform->world, field, value))
        return;
    snprintf(what, sizeof(what), "%s = %s (0x%08x)", field->name, description, value);
    struct bad_case expected = {
        .call = call,
        .argument = local ? field->name : NULL,
        .what = what,
        .status = local ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS,
        .may_succeed = !local && call->flags & CALL_UNANSWERED && malform->async,
    };
    void *args = malform_fill(call, malform->world);
    *malform_handle(field, args) = value;
    malform->expect(&expected, args);
}

static void try_wrong_types(const struct malform *malform, const struct every_call *call,
                            const struct call_field *field)
{
    for (unsigned object = 0; object < WORLD_OBJECTS; object++) {
        if (is_comparable(field, object))
            try_handle(malform, call, field, malform->world->handles[object], world_names[object]);
    }
}

static void try_garbage(const struct malform *malform, const struct every_call *call,
                        const struct call_field *field)
{
    static const D3DKMT_HANDLE garbage[] = {1,          0x3f,       0x40,       0xdeadbeef,
                                            0x80000000, 0x3fffffc0, 0xffffffff, 0x7fffffff};
    D3DKMT_HANDLE right = *malform_handle(field, malform_fill(call, malform->world));

    for (size_t i = 0; i < COUNT_OF(garbage); i++)
        try_handle(malform, call, field, garbage[i], "garbage");
    if (right) {
        try_handle(malform, call, field, right ^ (D3DKMT_HANDLE)UNIQUE_BIT,
                   "another life of the right one");
        try_handle(malform, call, field, right ^ (D3DKMT_HANDLE)INDEX_BIT, "another index");
    }
}

/* Those of a second world that is gone. */
static void try_destroyed(const struct malform *malform, const struct every_call *call,
                          const struct call_field *field)
{
    D3DKMT_HANDLE handles[WORLD_OBJECTS];
    struct world gone;

    world_create(&gone, malform->world->call, malform->world->context);
    memcpy(handles, gone.handles, sizeof(handles));
    world_destroy(&gone);
    malform->world->failures += gone.failures;
    for (unsigned object = 1; object < WORLD_OBJECTS; object++) {
        if (is_comparable(field, object))
            try_handle(malform, call, field, handles[object], world_names[object]);
    }
}

/* ---- counts */

static bool is_count(const struct every_call *call, const struct call_field *field)
{
    (void)call;
    return field->kind == FIELD_COUNT;
}

static bool has_least(const struct every_call *call, const struct call_field *field)
{
    return is_count(call, field) && field->minimum > 0;
}

static void try_count(const struct malform *malform, const struct every_call *call,
                      const struct call_field *field, uint32_t count)
{
    char what[96];
    /* A list of adapters that is too short is told apart. */
    bool short_list = call->op == D3DKMT_OP_EnumAdapters2 && count == 0;
    struct bad_case expected = {
        call,  field->name, what, short_list ? STATUS_BUFFER_TOO_SMALL : STATUS_INVALID_PARAMETER,
        false, false};
    unsigned char *args = malform_fill(call, malform->world);

    snprintf(what, sizeof(what), "%s = %u", field->name, count);
    memcpy(args + field->offset, &count, sizeof(count));
    malform->expect(&expected, args);
}

static void try_below(const struct malform *malform, const struct every_call *call,
                      const struct call_field *field)
{
    try_count(malform, call, field, field->minimum - 1);
}

static void try_above(const struct malform *malform, const struct every_call *call,
                      const struct call_field *field)
{
    try_count(malform, call, field, field->maximum + 1);
    try_count(malform, call, field, 0x80000000);
    try_count(malform, call, field, UINT32_MAX);
}

/* ---- pointers */

bool malform_may_be_null(const struct every_call *call)
{
    return call->op == D3DKMT_OP_EnumAdapters2 || call->op == D3DKMT_OP_EnumAdapters3;
}

static bool is_needed_pointer(const struct every_call *call, const struct call_field *field)
{
    return (field->kind == FIELD_LIST || field->kind == FIELD_LIST_FOR_HOST ||
            field->kind == FIELD_IN || field->kind == FIELD_OUT) &&
           !malform_may_be_null(call);
}

static void try_null(const struct malform *malform, const struct every_call *call,
                     const struct call_field *field)
{
    static const struct {
        uintptr_t address;
        const char *description;
    } variants[] = {{0, "NULL"}, {8, "an address in the first page"}};

    for (size_t i = 0; i < COUNT_OF(variants); i++) {
        unsigned char *args = malform_fill(call, malform->world);
        char what[96];
        /* As the kernel, which spells this one as a bad argument. */
        bool blurred = call->op == D3DKMT_OP_CreateContextVirtual;
        struct bad_case expected = {call,  field->name,
                                    what,  blurred ? STATUS_INVALID_PARAMETER : STATUS_UNSUCCESSFUL,
                                    false, false};

        snprintf(what, sizeof(what), "%s = %s", field->name, variants[i].description);
        memcpy(args + field->offset, &variants[i].address, sizeof(variants[i].address));
        malform->expect(&expected, args);
    }
}

/* ---- events */

static bool is_event(const struct every_call *call, const struct call_field *field)
{
    (void)call;
    return field->kind == FIELD_EVENT;
}

static void try_no_eventfd(const struct malform *malform, const struct every_call *call,
                           const struct call_field *field)
{
    int pipe_ends[2] = {-1, -1}, file = open("/dev/null", O_RDWR | O_CLOEXEC), closed = dup(file);

    if (pipe2(pipe_ends, O_CLOEXEC) != 0 || closed < 0)
        malform->world->failures++;
    close(closed);
    const struct {
        int descriptor;
        const char *name;
    } wrong[] = {
        {-1, "-1"},          {INT32_MAX, "a large number"}, {closed, "a closed descriptor"},
        {file, "/dev/null"}, {pipe_ends[0], "a pipe"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        int64_t value = wrong[i].descriptor;
        struct bad_case expected = {call,  field->name, wrong[i].name, STATUS_INVALID_PARAMETER,
                                    false, false};
        unsigned char *args = malform_fill(call, malform->world);

        memcpy(args + field->offset, &value, sizeof(value));
        malform->expect(&expected, args);
    }
    close(file);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

/* ---- descriptors of objects */

static bool is_descriptor(const struct every_call *call, const struct call_field *field)
{
    (void)call;
    return field->kind == FIELD_DESCRIPTOR;
}

static void try_descriptor(const struct malform *malform, const struct every_call *call,
                           const struct call_field *field, int descriptor, const char *what)
{
    int64_t value = descriptor;
    struct bad_case expected = {call, field->name, what, STATUS_INVALID_PARAMETER, false, false};
    unsigned char *args = malform_fill(call, malform->world);

    memcpy(args + field->offset, &value, sizeof(value));
    malform->expect(&expected, args);
}

static void try_other_descriptors(const struct malform *malform, const struct every_call *call,
                                  const struct call_field *field)
{
    int file = open("/dev/null", O_RDWR | O_CLOEXEC), closed = dup(file), pair[2] = {-1, -1};

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || closed < 0)
        malform->world->failures++;
    close(closed);
    try_descriptor(malform, call, field, -1, "-1");
    try_descriptor(malform, call, field, INT32_MAX, "a large number");
    try_descriptor(malform, call, field, closed, "a closed descriptor");
    try_descriptor(malform, call, field, file, "/dev/null");
    try_descriptor(malform, call, field, malform->world->event, "an eventfd");
    try_descriptor(malform, call, field, pair[0], "a socket of the caller's");
    for (unsigned i = 0; i < WORLD_DESCRIPTORS; i++) {
        if (!(field->accepts >> i & 1))
            try_descriptor(malform, call, field, malform->world->descriptors[i],
                           world_descriptor_names[i]);
    }
    close(file);
    close(pair[0]);
    close(pair[1]);
}

const struct malformation malformations[MALFORMATIONS] = {
    [MALFORM_WRONG_TYPE] = {"wrong_type", is_handle, try_wrong_types},
    [MALFORM_GARBAGE] = {"garbage", is_handle, try_garbage},
    [MALFORM_DESTROYED] = {"destroyed", is_handle, try_destroyed},
    [MALFORM_BELOW] = {"below_the_least", has_least, try_below},
    [MALFORM_ABOVE] = {"above_the_largest", is_count, try_above},
    [MALFORM_NULL] = {"null", is_needed_pointer, try_null},
    [MALFORM_NO_EVENTFD] = {"no_eventfd", is_event, try_no_eventfd},
    [MALFORM_NO_DESCRIPTOR] = {"no_descriptor_of_that_kind", is_descriptor, try_other_descriptors},
};
