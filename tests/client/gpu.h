/* SPDX-License-Identifier: MIT */
/* A GPU that is ready to run something, for tests about the life of a client. */
#ifndef TESTS_CLIENT_GPU_H
#define TESTS_CLIENT_GPU_H

#include <umd/umd.h>

#include <sys/types.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CLIENT_ADDRESS_SANITIZER
#endif
#if __has_feature(thread_sanitizer)
#define CLIENT_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CLIENT_ADDRESS_SANITIZER
#endif

struct client_gpu {
    struct umd umd;
    struct umd_buffer commands, target;
    struct umd_fence fence;
    D3DKMT_HANDLE context;
    uint64_t last_value; /* of the fence */
};

/* On the adapter 0 of the backend in use, with a context on node 0. Close it also after a failure.
 */
NTSTATUS client_gpu_open(struct client_gpu *gpu);
void client_gpu_close(struct client_gpu *gpu);

/* The same on a device that is there already, with which everything goes. */
NTSTATUS client_gpu_prepare(struct client_gpu *gpu, const struct umd *umd);

/* Lets the GPU write word into the target and waits for it; STATUS_UNSUCCESSFUL if it did not. */
NTSTATUS client_gpu_run(struct client_gpu *gpu, uint32_t word);

/* A context that takes no commands itself but owns hardware queues. */
NTSTATUS client_hw_context_create(const struct umd *umd, unsigned node, D3DKMT_HANDLE *context);

/* A CPU wait for one fence; event: an eventfd, or 0 to block. */
NTSTATUS client_wait(D3DKMT_HANDLE device, D3DKMT_HANDLE fence, uint64_t value, int event);

/* A signal from the CPU. */
NTSTATUS client_signal(D3DKMT_HANDLE device, D3DKMT_HANDLE fence, uint64_t value);

/* Asks the host something about a device: succeeds for every device that is there. */
NTSTATUS client_ask(D3DKMT_HANDLE device);

/* Returns once the thread sleeps, as it does in a blocking call. */
void client_until_asleep(pid_t thread);

/* Returns once every other thread of this process sleeps. */
void client_until_all_asleep(void);

/*
 * Runs body in a forked child, which ends with the number that it returns, and waits. Returns
 * that number; 256 and the signal's number when the child was killed, as it is after half a minute.
 * Not for assertions: they belong to the parent.
 */
int client_in_child(int (*body)(void *context), void *context);

/* For bodies of children: says what was expected and ends the body with 1. */
#define CHILD_EXPECT(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            client_complain(__FILE__, __LINE__, #condition);                                       \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

void client_complain(const char *file, int line, const char *expectation);

#endif
