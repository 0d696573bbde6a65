/* SPDX-License-Identifier: MIT */
#include "gpu.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- the GPU --------------------------------------------------------------------------------- */

NTSTATUS client_gpu_open(struct client_gpu *gpu)
{
    struct umd umd;
    NTSTATUS status = umd_open(&umd, 0);

    if (!NT_SUCCESS(status)) {
        memset(gpu, 0, sizeof(*gpu));
        gpu->umd = umd;
        return status;
    }
    return client_gpu_prepare(gpu, &umd);
}

NTSTATUS client_gpu_prepare(struct client_gpu *gpu, const struct umd *umd)
{
    memset(gpu, 0, sizeof(*gpu));
    gpu->umd = *umd;
    NTSTATUS status = umd_context_create(&gpu->umd, 0, &gpu->context);
    if (NT_SUCCESS(status))
        status = umd_fence_create(&gpu->umd, 0, &gpu->fence);
    if (NT_SUCCESS(status))
        status = umd_buffer_create(&gpu->umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &gpu->commands);
    if (NT_SUCCESS(status))
        status = umd_buffer_create(&gpu->umd, 4096, SOFTGPU_ALLOCATION_CPU_VISIBLE, &gpu->target);
    return status;
}

void client_gpu_close(struct client_gpu *gpu)
{
    umd_close(&gpu->umd);
}

NTSTATUS client_gpu_run(struct client_gpu *gpu, uint32_t word)
{
    struct softgpu_writer writer;

    softgpu_writer_init(&writer, gpu->commands.cpu, gpu->commands.size);
    softgpu_write32(&writer, gpu->target.address, word);
    NTSTATUS status = umd_submit(gpu->context, gpu->commands.address, softgpu_writer_size(&writer));
    if (NT_SUCCESS(status))
        status = umd_signal(gpu->context, &gpu->fence, ++gpu->last_value);
    if (NT_SUCCESS(status))
        status = umd_wait_on_cpu(&gpu->umd, &gpu->fence, gpu->last_value);
    if (NT_SUCCESS(status) &&
        __atomic_load_n((uint32_t *)gpu->target.cpu, __ATOMIC_ACQUIRE) != word)
        status = STATUS_UNSUCCESSFUL;
    return status;
}

NTSTATUS client_hw_context_create(const struct umd *umd, unsigned node, D3DKMT_HANDLE *context)
{
    D3DKMT_CREATECONTEXTVIRTUAL create;

    memset(&create, 0, sizeof(create));
    create.hDevice = umd->device;
    create.NodeOrdinal = node;
    create.Flags.HwQueueSupported = 1;
    create.ClientHint = D3DKMT_CLIENTHINT_UNKNOWN;
    NTSTATUS status = D3DKMTCreateContextVirtual(&create);
    *context = create.hContext;
    return status;
}

NTSTATUS client_wait(D3DKMT_HANDLE device, D3DKMT_HANDLE fence, uint64_t value, int event)
{
    D3DKMT_WAITFORSYNCHRONIZATIONOBJECTFROMCPU wait;

    memset(&wait, 0, sizeof(wait));
    wait.hDevice = device;
    wait.ObjectCount = 1;
    wait.ObjectHandleArray = &fence;
    wait.FenceValueArray = &value;
    wait.hAsyncEvent = (HANDLE)(intptr_t)event;
    return D3DKMTWaitForSynchronizationObjectFromCpu(&wait);
}

NTSTATUS client_signal(D3DKMT_HANDLE device, D3DKMT_HANDLE fence, uint64_t value)
{
    D3DKMT_SIGNALSYNCHRONIZATIONOBJECTFROMCPU signal;

    memset(&signal, 0, sizeof(signal));
    signal.hDevice = device;
    signal.ObjectCount = 1;
    signal.ObjectHandleArray = &fence;
    signal.FenceValueArray = &value;
    return D3DKMTSignalSynchronizationObjectFromCpu(&signal);
}

NTSTATUS client_ask(D3DKMT_HANDLE device)
{
    D3DKMT_GETDEVICESTATE state;

    memset(&state, 0, sizeof(state));
    state.hDevice = device;
    state.StateType = D3DKMT_DEVICESTATE_RESET;
    return D3DKMTGetDeviceState(&state);
}

/* ---- processes and threads ------------------------------------------------------------------- */

static void pause_shortly(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    nanosleep(&pause, NULL);
}

void client_until_asleep(pid_t thread)
{
    char path[64], line[256];
    int asleep = 0;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    /* A few times in a row: a thread may sleep for a moment on its way. */
    while (asleep < 5) {
        FILE *file = fopen(path, "r");
        const char *state = NULL;

        if (!file)
            return;
        if (fgets(line, sizeof(line), file))
            state = strrchr(line, ')');
        fclose(file);
        asleep = state && state[1] && state[2] == 'S' ? asleep + 1 : 0;
        pause_shortly();
    }
}

void client_until_all_asleep(void)
{
    DIR *folder = opendir("/proc/self/task");
    struct dirent *task;

    while (folder && (task = readdir(folder)) != NULL) {
        pid_t thread = (pid_t)strtol(task->d_name, NULL, 10);

        if (thread > 0 && thread != (pid_t)syscall(SYS_gettid))
            client_until_asleep(thread);
    }
    if (folder)
        closedir(folder);
}

void client_complain(const char *file, int line, const char *expectation)
{
    fprintf(stderr, "%s:%d: in the child: %s is false; last error: %s\n", file, line, expectation,
            d3dkmt_last_error());
}

int client_in_child(int (*body)(void *context), void *context)
{
    int status;

    fflush(NULL);
#ifdef CLIENT_ADDRESS_SANITIZER
    /* Its locks are not made for fork: a thread that starts or allocates would leave them held. */
    client_until_all_asleep();
#endif
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        alarm(30);
        _exit(body(context));
    }
    while (waitpid(child, &status, 0) < 0)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}
