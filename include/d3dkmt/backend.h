/* SPDX-License-Identifier: MIT */
/*
 * The backend contract: what a backend gives to libd3dkmt, and what it may ask back.
 *
 * A backend is one const struct of functions. Built-in backends are listed in the library; an
 * out-of-tree one is a shared object libd3dkmt-NAME.so that defines
 *     const struct d3dkmt_backend d3dkmt_backend_plugin = { .abi_version = ..., ... };
 * with default visibility, and is chosen as D3DKMT_BACKEND=NAME.
 */
#ifndef D3DKMT_BACKEND_H
#define D3DKMT_BACKEND_H

#include "d3dkmt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when struct d3dkmt_backend or the meaning of a member changes incompatibly. */
#define D3DKMT_BACKEND_ABI_VERSION 1

/* The name of the symbol that a plug-in exports. */
#define D3DKMT_BACKEND_PLUGIN_SYMBOL "d3dkmt_backend_plugin"

/* What the library offers to a backend. Lives as long as the library. */
struct d3dkmt_backend_services {
    /*
     * Records why the current call fails, for d3dkmt_last_error(), and returns status, so that a
     * backend writes `return services->fail_with(STATUS_..., "hDevice 0x%x is not a device",
     * handle);`. The library puts the call's name in front. Any thread; the text belongs to that
     * thread.
     */
    NTSTATUS(*fail_with)
    (NTSTATUS status, const char *format, ...) __attribute__((format(printf, 2, 3)));
    /* Writes a line to the log. Any thread. */
    void (*log)(enum d3dkmt_log_level level, const char *module, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
};

struct d3dkmt_backend {
    /* D3DKMT_BACKEND_ABI_VERSION of the header that the backend was compiled with. */
    uint32_t abi_version;
    /* sizeof(struct d3dkmt_backend) then; members behind it are taken as absent. */
    uint32_t size;
    /* The name that chooses it; letters, digits and hyphens. */
    const char *name;
    /* One line for people. */
    const char *description;

    /*
     * Says whether open would find something to talk to, without leaving anything open.
     * Asked for the automatic choice only. Optional: an absent probe means "do not choose me
     * automatically". Returns STATUS_SUCCESS or a failure that it has explained with fail_with().
     */
    NTSTATUS (*probe)(const struct d3dkmt_backend_services *services);

    /*
     * Opens the backend for this process. options: the text behind the colon, never NULL. Called
     * once before any other member, never again before close. On success *instance (which may be
     * any value) goes to all further calls. Must not call D3DKMT functions.
     */
    NTSTATUS(*open)
    (const struct d3dkmt_backend_services *services, const char *options, void **instance);

    /*
     * Carries out one operation. op: a row of the op table; args: that row's argument struct in
     * the caller's memory, never NULL, everything in it untrusted. Called by many threads at once,
     * also while another thread blocks in an operation with D3DKMT_OP_BLOCKING. Returns what the
     * API function returns; STATUS_NOT_SUPPORTED for operations that it does not have.
     */
    NTSTATUS (*call)(void *instance, const struct d3dkmt_op *op, void *args);

    /* Whether call would do anything but refuse the operation. Any thread. */
    bool (*supports)(void *instance, const struct d3dkmt_op *op);

    /*
     * Makes blocked calls return soon, with STATUS_DEVICE_REMOVED; calls that begin afterwards
     * may fail with it as well. Called once, before close, while calls are in progress. Optional
     * for a backend whose calls never block.
     */
    void (*interrupt)(void *instance);

    /*
     * Gives everything back. No call is in progress and none will follow. Never called by a
     * library destructor: at process exit the kernel reclaims.
     */
    void (*close)(void *instance);

    /*
     * Called in the child of a fork, instead of close, on its only thread, with nothing known
     * about locks that other threads of the parent held. May close descriptors; must leave
     * alone what is shared with the parent, and must not wait. Optional.
     */
    void (*after_fork)(void *instance);
};

/*
 * Makes a statically linked backend known by its name, before the first use of the library: the way
 * in for static builds and tests. The struct must live as long as the process. Not thread-safe.
 * STATUS_SUCCESS, or STATUS_NO_MEMORY when eight backends are known already.
 */
D3DKMT_API NTSTATUS d3dkmt_register_backend(const struct d3dkmt_backend *backend);

#ifdef __cplusplus
}
#endif

#endif
