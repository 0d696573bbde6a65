/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite: what every operation does, seen from the public interface alone, on
 * whatever backend a path names. A test states one check, limit, output, lifetime or blocking rule
 * and is named after the function that it is about.
 *
 *     CONFORMANCE(CreateDevice, gives_a_handle_of_its_own)
 *     {
 *         ... world->handles[WORLD_ADAPTER] ...
 *     }
 *
 * Each test has a backend that was just opened, with one object of every kind (guest/world.h).
 * After it everything is closed, and no descriptor may be left.
 */
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include "client/client.h"
#include "client/gpu.h"
#include "guest/malform.h"

#include <stdbool.h>

/* ---- paths */

/* What a test needs of a path; others skip it. */
enum conformance_needs {
    CONFORMANCE_SOFTGPU = 1 << 0,       /* the adapter executes softgpu.h's commands */
    CONFORMANCE_CALLER_MEMORY = 1 << 1, /* the host reaches memory of the caller's */
    CONFORMANCE_PROCESSES = 1 << 2,     /* a forked child is another process of the same VM */
    CONFORMANCE_LARGEST = 1 << 3,       /* the largest messages of the protocol go through */
    CONFORMANCE_CHILDREN = 1 << 4,      /* a forked child opens the backend beside its parent */
};

/* Where the simulated host of a path runs. */
enum conformance_host {
    HOST_HERE,  /* in the same process */
    HOST_HOSTD, /* in a d3dkmt-hostd of the run's own */
    HOST_VMBUS, /* the same behind simulated UIO devices */
    HOST_GIVEN, /* whatever D3DKMT_BACKEND names: in a VM, the kernel's own UIO devices */
    HOST_SHIM,  /* behind the /dev/dxg that d3dkmt-run gives the program */
    HOST_REAL,  /* none: behind a /dev/dxg of the kernel's stands Windows */
};

struct conformance_path {
    const char *name;
    const char *options; /* of the simulated host, as behind D3DKMT_BACKEND=loopback: */
    unsigned offers;     /* enum conformance_needs */
    enum conformance_host host;
    bool async; /* the host's verdict on submission and synchronization is not seen */
};

extern const struct conformance_path conformance_paths[];
extern const size_t conformance_path_count;

/* The path of this run. */
extern const struct conformance_path *conformance_path;

/* ---- tests */

struct conformance_test {
    const char *function; /* of the public interface */
    const char *name;
    void (*run)(struct world *world);
    unsigned needs;
    bool intact; /* the test must leave every object of the world alive */
    /* Of the tests that arguments.c makes: */
    const struct every_call *call;
    const struct call_field *field;
    const struct malformation *malformation;
    const struct d3dkmt_op *op; /* of those that unsupported.c makes */
    struct conformance_test *next;
};

/* The test that is running. */
extern const struct conformance_test *conformance_current;

void conformance_register(struct conformance_test *test);

/* The same for a copy, for tests that are made from a table. */
void conformance_add(const struct conformance_test *test);

#define CONFORMANCE_NEEDING(needs_, function_, name_)                                              \
    static void function_##_##name_(struct world *world);                                          \
    __attribute__((constructor)) static void register_##function_##_##name_(void)                  \
    {                                                                                              \
        static struct conformance_test test = {                                                    \
            .function = "D3DKMT" #function_,                                                       \
            .name = #name_,                                                                        \
            .run = function_##_##name_,                                                            \
            .needs = needs_,                                                                       \
        };                                                                                         \
        _Static_assert(sizeof(&D3DKMT##function_) > 0, "a function of the public interface");      \
        conformance_register(&test);                                                               \
    }                                                                                              \
    static void function_##_##name_(struct world *world)

/* The zeroed arguments of a call. */
#define ARGS(type, name)                                                                           \
    type name;                                                                                     \
    memset(&name, 0, sizeof(name))

#define HANDLE_OF(world, object) ((world)->handles[WORLD_##object])

/* Needs only D3DKMT. */
#define CONFORMANCE(function, name) CONFORMANCE_NEEDING(0, function, name)
/* Needs an adapter that executes the commands of softgpu.h. */
#define CONFORMANCE_GPU(function, name) CONFORMANCE_NEEDING(CONFORMANCE_SOFTGPU, function, name)

/* Needs one that also reaches the memory of programs. */
#define CONFORMANCE_MEMORY(function, name)                                                         \
    CONFORMANCE_NEEDING(CONFORMANCE_SOFTGPU | CONFORMANCE_CALLER_MEMORY, function, name)

/* Needs a backend that a child can open while its parent has it open. */
#define CONFORMANCE_CHILD(function, name) CONFORMANCE_NEEDING(CONFORMANCE_CHILDREN, function, name)

/* Needs messages of the largest size that there is. */
#define CONFORMANCE_LARGE(function, name) CONFORMANCE_NEEDING(CONFORMANCE_LARGEST, function, name)

/* Tests that are made from the table of every call, and from the op table. */
void conformance_register_arguments(void);
void conformance_register_unsupported(void);

/* ---- what the kernel's interface loses */

/* A test that says something else where a kernel is between the program and the engine. */
struct conformance_difference {
    const char *function, *name; /* of the test, which must exist; no name: all of the function's */
    void (*run)(struct world *world);
    const char *instead; /* what happens there, */
    const char *reason;  /* and why */
};

extern const struct conformance_difference conformance_differences[];
extern const size_t conformance_difference_count;

/* Whether the path has a kernel, which answers with an errno alone. */
bool conformance_has_kernel(void);

/* Whether a refused call says which handle it was refused for. */
bool conformance_names_handles(void);

/* ---- statuses */

/*
 * A refusal of the host's, which is not seen where a path sends the message without a reply: the
 * call then succeeds. To be used for submission, signals and GPU waits.
 */
#define assert_verdict(call, expected)                                                             \
    do {                                                                                           \
        if (conformance_path->async)                                                               \
            assert_success(call);                                                                  \
        else                                                                                       \
            assert_fails(call, expected);                                                          \
    } while (0)

/* ---- fixture */

/* Why the path cannot be run on this machine, in words, or NULL. */
const char *conformance_absence(void);

/* Setup and teardown of the whole run. */
int conformance_open_path(void **state);
int conformance_close_path(void **state);

/* Setup and teardown of a CMocka test whose initial state is the struct conformance_test. */
int conformance_set_up(void **state);
int conformance_tear_down(void **state);
void conformance_run(void **state);

/* Says that the library keeps one more descriptor from here on, for the life of the process. */
void conformance_expect_descriptor(void);

/*
 * A view of the world's adapter, device and paging queue, for the helpers of umd.h. What they make
 * goes with the device.
 */
struct umd conformance_umd(const struct world *world);

/* A context, buffers and a fence on the world's device, ready to execute something. */
void conformance_gpu(const struct world *world, struct client_gpu *gpu);

/* Submits what writer holds, which lies at the start of gpu->commands. */
NTSTATUS conformance_submit(struct client_gpu *gpu, const struct softgpu_writer *writer);

/* Asks the world's adapter one question. */
NTSTATUS conformance_ask_adapter(const struct world *world, KMTQUERYADAPTERINFOTYPE type,
                                 void *data, UINT size);

/* An allocation of so many bytes that is mapped nowhere and not resident. */
D3DKMT_HANDLE conformance_allocate(D3DKMT_HANDLE device, uint64_t size);

/* Waits until the context has done everything that it was given. */
void conformance_finish(struct client_gpu *gpu);

/*
 * Returns when the host has done what it was told without a reply: it does things in order, and
 * this asks it something.
 */
void conformance_await_host(const struct world *world);

/* The first word of gpu->target. */
uint32_t conformance_target(const struct client_gpu *gpu);

#endif
