/* SPDX-License-Identifier: MIT */
/*
 * A process that ends in one of the ways below with everything left open: objects of every type,
 * work that never finishes, threads that block. exit_test.c looks at how it ended.
 */
#include "gpu.h"

#include "late_caller.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* ThreadSanitizer sleeps for a second before every exit unless it is told. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}

enum { WORKS = 42 }; /* distinguishes an exit on purpose from any other */

static struct client_gpu gpu;

static void need(NTSTATUS status, const char *what)
{
    if (NT_SUCCESS(status))
        return;
    fprintf(stderr, "%s: %s\n", what, d3dkmt_last_error());
    _exit(1);
}

/* ---- one of everything ----------------------------------------------------------------------- */

static void leak_hardware_queue(void)
{
    D3DKMT_CREATECONTEXTVIRTUAL context;
    D3DKMT_CREATEHWQUEUE queue;

    memset(&context, 0, sizeof(context));
    context.hDevice = gpu.umd.device;
    context.EngineAffinity = 1;
    context.Flags.HwQueueSupported = 1;
    need(D3DKMTCreateContextVirtual(&context), "hardware context");
    memset(&queue, 0, sizeof(queue));
    queue.hHwContext = context.hContext;
    need(D3DKMTCreateHwQueue(&queue), "hardware queue");
}

static void leak_resource(void)
{
    struct softgpu_allocation data = softgpu_allocation_data(65536, 0);
    D3DDDI_ALLOCATIONINFO2 info;
    D3DKMT_CREATEALLOCATION create;

    memset(&info, 0, sizeof(info));
    info.pPrivateDriverData = &data;
    info.PrivateDriverDataSize = sizeof(data);
    memset(&create, 0, sizeof(create));
    create.hDevice = gpu.umd.device;
    create.NumAllocations = 1;
    create.pAllocationInfo2 = &info;
    create.Flags.CreateResource = 1;
    need(D3DKMTCreateAllocation2(&create), "resource");
}

static void leak_wrapped_memory(void)
{
    struct umd_buffer buffer;
    void *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        _exit(1);
    need(umd_buffer_wrap(&gpu.umd, memory, 65536, &buffer), "wrapped memory");
}

static void *block_for_ever(void *unused)
{
    (void)client_wait(gpu.umd.device, gpu.fence.object, UINT64_MAX, 0);
    return unused;
}

static void leak_everything(void)
{
    D3DKMT_HANDLE waiting;
    pthread_t thread;
    int event = eventfd(0, EFD_CLOEXEC);

    need(client_gpu_open(&gpu), "GPU");
    need(client_gpu_run(&gpu, 1), "submission");
    leak_hardware_queue();
    leak_resource();
    leak_wrapped_memory();
    need(client_wait(gpu.umd.device, gpu.fence.object, UINT64_MAX - 1, event), "event");
    /* An engine that waits for what never comes, with work behind it. */
    need(umd_context_create(&gpu.umd, 1, &waiting), "second context");
    need(umd_wait(waiting, &gpu.fence, UINT64_MAX - 2), "wait on the GPU");
    need(umd_submit(waiting, gpu.commands.address, 16), "submission behind it");
    if (pthread_create(&thread, NULL, block_for_ever, NULL) != 0)
        _exit(1);
    pthread_detach(thread);
}

static bool gpu_works(void)
{
    struct client_gpu own;

    if (!NT_SUCCESS(client_gpu_open(&own)))
        return false;
    bool good = NT_SUCCESS(client_gpu_run(&own, 2));
    client_gpu_close(&own);
    return good;
}

/* ---- ways to end ----------------------------------------------------------------------------- */

static char **arguments;

static void leave_by_exit(void)
{
    leak_everything();
    exit(WORKS);
}

static void leave_by_quick_exit(void)
{
    leak_everything();
    quick_exit(WORKS);
}

static void leave_at_once(void)
{
    leak_everything();
    _exit(WORKS);
}

static void *exit_here(void *unused)
{
    (void)unused;
    exit(WORKS);
}

static void leave_by_another_thread(void)
{
    pthread_t thread;

    leak_everything();
    if (pthread_create(&thread, NULL, exit_here, NULL) == 0)
        pthread_join(thread, NULL);
}

/* The main thread ends first; the process ends with its last thread's exit(). */
static void leave_without_main_thread(void)
{
    pthread_t thread;

    leak_everything();
    if (pthread_create(&thread, NULL, exit_here, NULL) == 0)
        pthread_exit(NULL);
}

static void start_anew(void)
{
    char fresh[] = "fresh";
    char *next[] = {arguments[0], fresh, NULL};

    leak_everything();
    execv("/proc/self/exe", next);
}

static void work_and_close(void)
{
    if (!gpu_works())
        _exit(1);
    D3DKMTCloseDxCoreDevice();
    exit(WORKS);
}

/* ---- calls when all is over ------------------------------------------------------------------ */

/* Everything that was opened before still works, and new things do. */
static void call_late(void)
{
    bool good = NT_SUCCESS(client_gpu_run(&gpu, 3)) && gpu_works();

    if (!good)
        fprintf(stderr, "a late call failed: %s\n", d3dkmt_last_error());
    _exit(good ? WORKS : 1);
}

static void call_at_exit(void)
{
    leak_everything();
    atexit(call_late);
    exit(1);
}

static void call_in_destructor(void)
{
    leak_everything();
    late_caller_set(call_late);
    exit(1);
}

/* The library was closed in good order; a driver's late call opens it again. */
static void call_again_late(void)
{
    _exit(gpu_works() ? WORKS : 1);
}

static void call_in_destructor_after_close(void)
{
    if (!gpu_works())
        _exit(1);
    D3DKMTCloseDxCoreDevice();
    late_caller_set(call_again_late);
    exit(1);
}

static pthread_key_t key;
static bool key_worked;

static void call_at_thread_end(void *value)
{
    (void)value;
    key_worked = NT_SUCCESS(client_gpu_run(&gpu, 4)) && gpu_works();
}

static void *set_key(void *unused)
{
    pthread_setspecific(key, &key);
    return unused;
}

static void call_when_a_thread_ends(void)
{
    pthread_t thread;

    leak_everything();
    pthread_key_create(&key, call_at_thread_end);
    if (pthread_create(&thread, NULL, set_key, NULL) != 0)
        _exit(1);
    pthread_join(thread, NULL);
    exit(key_worked ? WORKS : 1);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*leave)(void);
    } ways[] = {
        {"exit", leave_by_exit},
        {"quick_exit", leave_by_quick_exit},
        {"_exit", leave_at_once},
        {"exit-of-a-thread", leave_by_another_thread},
        {"exit-without-main-thread", leave_without_main_thread},
        {"exec", start_anew},
        {"fresh", work_and_close},
        {"call-at-exit", call_at_exit},
        {"call-in-destructor", call_in_destructor},
        {"call-in-destructor-after-close", call_in_destructor_after_close},
        {"call-at-thread-end", call_when_a_thread_ends},
    };

    alarm(30);
    arguments = argv;
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (argc == 2 && strcmp(argv[1], ways[i].name) == 0)
            ways[i].leave();
    }
    fprintf(stderr, "%s is no way to leave\n", argc == 2 ? argv[1] : "nothing");
    return 1;
}
