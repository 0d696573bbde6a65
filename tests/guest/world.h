/* SPDX-License-Identifier: MIT */
/*
 * One object of every kind, made through whatever way of calling a test has, and every operation of
 * the guest engine with arguments that are right for it.
 */
#ifndef TESTS_GUEST_WORLD_H
#define TESTS_GUEST_WORLD_H

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How an operation is carried out. */
typedef NTSTATUS world_call(void *context, enum d3dkmt_op_id op, void *args);

/* Through the public function of the operation; context is not looked at. */
NTSTATUS world_public_call(void *context, enum d3dkmt_op_id op, void *args);

enum {
    WORLD_PAGE = 4096,
    WORLD_RUNTIME_DATA = 8,               /* bytes of the shared resource's */
    WORLD_BUFFER = 65536,                 /* bytes of each allocation */
    WORLD_SCRATCH = 131072 * 16 + 131072, /* room for the largest array of any call */
};

enum world_object {
    WORLD_NOTHING, /* no handle: 0 */
    WORLD_ADAPTER,
    WORLD_DEVICE,
    WORLD_CONTEXT,
    WORLD_HW_CONTEXT,
    WORLD_HW_QUEUE,
    WORLD_PROGRESS_FENCE,
    WORLD_PAGING_QUEUE,
    WORLD_PAGING_FENCE,
    WORLD_FENCE,
    WORLD_NOTIFICATION,
    WORLD_LEGACY_FENCE,
    WORLD_SHARED_FENCE, /* at 1 from its beginning */
    WORLD_GLOBAL_FENCE, /* its SharedHandle */
    WORLD_ALLOCATION,   /* resident, mapped and locked once */
    WORLD_MEMORY,       /* an allocation on memory of the caller's */
    WORLD_RESOURCE,
    WORLD_PART, /* an allocation of the resource */
    WORLD_SHARED_RESOURCE,
    WORLD_SHARED_PART, /* its only allocation */
    WORLD_OTHER_DEVICE,
    WORLD_OBJECTS
};

enum world_descriptor {
    WORLD_FENCE_DESCRIPTOR,    /* of the shared fence */
    WORLD_RESOURCE_DESCRIPTOR, /* of the shared resource */
    WORLD_SYNC_FILE,           /* of the shared fence's value 1 */
    WORLD_DESCRIPTORS
};

struct world {
    world_call *call;
    void *context;
    LUID luid;
    D3DKMT_HANDLE handles[WORLD_OBJECTS];
    int descriptors[WORLD_DESCRIPTORS]; /* -1: could not be made */
    uint64_t address; /* GPU address of the allocation, which is resident and holds commands */
    uint32_t command_size;
    uint64_t reserved; /* a reserved range of one buffer's size */
    const uint64_t *fence_value;
    uint64_t next_value;
    void *memory;           /* behind WORLD_MEMORY */
    bool memory_refused;    /* WORLD_MEMORY is memory of the host's instead */
    unsigned char *scratch; /* WORLD_SCRATCH bytes */
    int event;              /* an eventfd */
    unsigned failures;      /* of world_create and world_call_checked */
    const char *first_failure;
    NTSTATUS first_status;
};

extern const char *const world_names[WORLD_OBJECTS];
extern const char *const world_descriptor_names[WORLD_DESCRIPTORS];

/*
 * Makes everything that can be made: a call that fails leaves its handle 0 and is counted. Memory
 * that the world itself needs is had or the program aborts.
 */
void world_create(struct world *world, world_call *call, void *context);

/* Destroys object by object, then the devices and the adapter; failures are counted too. */
void world_destroy(struct world *world);

/* Frees the world's memory only. */
void world_abandon(struct world *world);

/*
 * Waits until the library has seen that descriptors of shared objects and sync files were closed,
 * and has told the host: a thread of its own closes its ends of them last.
 */
void world_settle(void);

/* ---- every operation */

enum field_kind {
    FIELD_END,
    FIELD_HANDLE, /* looked up by the engine */
    FIELD_HANDLE_FOR_HOST,
    FIELD_LIST, /* pointer to handles, the first of which is looked up by the engine */
    FIELD_LIST_FOR_HOST,
    FIELD_IN,         /* pointer to what is read */
    FIELD_OUT,        /* pointer to what is written */
    FIELD_COUNT,      /* 32 bits */
    FIELD_EVENT,      /* an eventfd in 64 bits */
    FIELD_DESCRIPTOR, /* a descriptor of one kind, in 64 bits */
    FIELD_RESULT      /* a member of the struct that success writes */
};

/* One argument. */
struct call_field {
    enum field_kind kind;
    const char *name; /* as errors spell it */
    uint16_t offset, size;
    uint64_t
        accepts; /* bit set of enum world_object, or of enum world_descriptor, that are right */
    uint32_t minimum, maximum; /* counts */
};

enum call_flags {
    CALL_UNANSWERED = 1, /* the host's verdict is not seen in asynchronous mode */
    CALL_DESTROYS = 2,   /* takes an object of the world away */
    CALL_CREATES = 4,    /* leaves something in the device or adapter */
};

enum { CALL_FIELDS = 10, CALL_ARGS_MAX = 1024 };

struct every_call {
    enum d3dkmt_op_id op;
    const char *name;
    unsigned flags;
    uint16_t args_size;
    void (*fill)(struct world *world, void *args);
    struct call_field fields[CALL_FIELDS];
};

extern const struct every_call every_call[];
extern const size_t every_call_count;

/* Fills the arguments in (args: CALL_ARGS_MAX bytes, aligned to 8), the scratch memory too. */
void every_call_fill(const struct every_call *call, struct world *world, void *args);

/* Closes the descriptor that a successful call has given, if it gives one, and settles. */
void every_call_close(const struct every_call *call, const void *args);

/*
 * Lets make carry out every call but those that take an object of the world away, and closes what
 * the calls that succeed (make returns true) have given.
 */
void every_call_visit(struct world *world,
                      bool (*make)(struct world *world, const struct every_call *call, void *args));

#endif
