/* SPDX-License-Identifier: MIT */
/*
 * What the dxg backend adds to its ioctl, on one descriptor, and what the preload shim adds to
 * system calls on files that are none of its business. Without a /dev/dxg the program gets one from
 * d3dkmt-run.
 */
#include "bench.h"
#include "bench_check.h"

#include <umd/umd.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct umd umd;
static struct umd_fence fence;
static int device_node; /* the backend's own descriptor */
static int other_file;

/* ---- calls and their ioctls */

static void fill_state(D3DKMT_GETDEVICESTATE *state)
{
    memset(state, 0, sizeof(*state));
    state->hDevice = umd.device;
    state->StateType = D3DKMT_DEVICESTATE_EXECUTION;
}

static void get_state(void *unused, uint64_t count)
{
    D3DKMT_GETDEVICESTATE state;

    (void)unused;
    fill_state(&state);
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTGetDeviceState(&state));
}

static void get_state_bare(void *unused, uint64_t count)
{
    unsigned request = d3dkmt_find_op(D3DKMT_OP_GetDeviceState)->ioctl_request;
    D3DKMT_GETDEVICESTATE state;

    (void)unused;
    fill_state(&state);
    for (uint64_t i = 0; i < count; i++) {
        if (ioctl(device_node, request, &state) != 0)
            bench_fail("GetDeviceState: %s", strerror(errno));
    }
}

static const UINT64 reached = 0;

static void fill_wait(D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU *wait)
{
    memset(wait, 0, sizeof(*wait));
    wait->hDevice = umd.device;
    wait->ObjectCount = 1;
    wait->ObjectHandleArray = &fence.object;
    wait->FenceValueArray = &reached;
}

static void wait_on_cpu(void *unused, uint64_t count)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    (void)unused;
    fill_wait(&wait);
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTWaitForSynchronizationObjectFromCpu(&wait));
}

static void wait_on_cpu_bare(void *unused, uint64_t count)
{
    unsigned request = d3dkmt_find_op(D3DKMT_OP_WaitForSynchronizationObjectFromCpu)->ioctl_request;
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    (void)unused;
    fill_wait(&wait);
    for (uint64_t i = 0; i < count; i++) {
        if (ioctl(device_node, request, &wait) != 0)
            bench_fail("WaitForSynchronizationObjectFromCpu: %s", strerror(errno));
    }
}

/* ---- other files, by way of the shim and past it */

static struct {
    int (*close)(int descriptor);
    int (*ioctl)(int descriptor, unsigned long request, ...);
    int (*fcntl)(int descriptor, int command, ...);
    int (*access)(const char *path, int mode);
} shim = {close, ioctl, fcntl, access}, library;

/* The C library's own functions, whatever stands in front of them. */
static void find_library(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);

    *(void **)&library.close = dlsym(libc, "close");
    *(void **)&library.ioctl = dlsym(libc, "ioctl");
    *(void **)&library.fcntl = dlsym(libc, "fcntl");
    *(void **)&library.access = dlsym(libc, "access");
    if (!library.close || !library.ioctl || !library.fcntl || !library.access)
        bench_fail("%s", dlerror());
}

static void close_nothing(void *context, uint64_t count)
{
    int (*function)(int) = context == &shim ? shim.close : library.close;

    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)function(-1));
}

static void ask_size(void *context, uint64_t count)
{
    int (*function)(int, unsigned long, ...) = context == &shim ? shim.ioctl : library.ioctl;
    int bytes = 0;

    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)function(other_file, FIONREAD, &bytes));
}

static void ask_flags(void *context, uint64_t count)
{
    int (*function)(int, int, ...) = context == &shim ? shim.fcntl : library.fcntl;

    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)function(other_file, F_GETFD));
}

static void look_for_file(void *context, uint64_t count)
{
    int (*function)(const char *, int) = context == &shim ? shim.access : library.access;

    for (uint64_t i = 0; i < count; i++)
        bench_use((uintptr_t)function("/usr/lib/no-such-file", F_OK));
}

/* ---- setting up */

/* Becomes the same program under d3dkmt-run, which lies beside it. */
static void get_device(char **arguments)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof("d3dkmt-run"));
    char *new_arguments[8] = {path, (char *)(uintptr_t) "--"};

    if (access("/dev/dxg", F_OK) == 0)
        return;
    if (length <= 0 || getenv("D3DKMT_RUN_OPTIONS"))
        bench_fail("there is no /dev/dxg, and none to be had");
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "d3dkmt-run");
    for (int i = 0; i < 5 && arguments[i]; i++)
        new_arguments[i + 2] = arguments[i];
    execv(path, new_arguments);
    bench_fail("%s cannot be executed", path);
}

/* The backend's descriptor is the lowest number that is free. */
static void open_device(void)
{
    device_node = dup(STDIN_FILENO);
    close(device_node);
    bench_check(d3dkmt_open("dxg"));
    bench_check(umd_open(&umd, 0));
    bench_check(umd_fence_create(&umd, 0, &fence));
    other_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
    static const struct bench_row rows[] = {
        {{"GetDeviceState", get_state, NULL, 1},
         {"its ioctl", get_state_bare, NULL, 1},
         BENCH_AT_MOST_MORE,
         20,
         0},
        {{"GetDeviceState", get_state, NULL, 1},
         {"its ioctl", get_state_bare, NULL, 1},
         BENCH_RATIO_AT_MOST,
         1.10,
         0},
        {{"WaitForSynchronizationObjectFromCpu, reached", wait_on_cpu, NULL, 1},
         {"its ioctl", wait_on_cpu_bare, NULL, 1},
         BENCH_RATIO_AT_MOST,
         1.10,
         0},
        {{"shim: close() of no descriptor", close_nothing, &shim, 1},
         {"without", close_nothing, &library, 1},
         BENCH_AT_MOST_MORE,
         10,
         0},
        {{"shim: ioctl() of another file", ask_size, &shim, 1},
         {"without", ask_size, &library, 1},
         BENCH_AT_MOST_MORE,
         10,
         0},
        {{"shim: fcntl() of another file", ask_flags, &shim, 1},
         {"without", ask_flags, &library, 1},
         BENCH_AT_MOST_MORE,
         10,
         0},
        {{"shim: access() of another path", look_for_file, &shim, 1},
         {"without", look_for_file, &library, 1},
         BENCH_AT_MOST_MORE,
         10,
         0},
    };

    get_device(argv);
    bench_begin(argc, argv, "the dxg backend and the preload shim");
    bench_place(BENCH_ONE_PROCESSOR);
    open_device();
    find_library();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_measure(&rows[i]);
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return bench_end();
}
