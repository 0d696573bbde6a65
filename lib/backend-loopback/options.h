/* SPDX-License-Identifier: MIT */
/* The options behind D3DKMT_BACKEND=loopback:, and of d3dkmt-hostd; loopback.h lists them. */
#ifndef BACKEND_LOOPBACK_OPTIONS_H
#define BACKEND_LOOPBACK_OPTIONS_H

#include "backend-loopback/host/host.h"
#include "backend-loopback/profile/profile.h"

enum { LOOPBACK_OPTIONS_MAX = 1024 }; /* as core/options.h accepts */

struct loopback_options {
    char host_path[108];                  /* "": the host is in this process */
    const struct kmd_interface *miniport; /* NULL: the profile's, or the one that is built in */
    char miniport_options[LOOPBACK_OPTIONS_MAX]; /* "": none; the host copies them */
    struct profile *profile; /* NULL: none; adapters of the host point into it */
    struct host_config host;
    uint64_t adapters, compute_only_adapters, version;
    uint64_t local_memory, non_local_memory, local_budget, hang_timeout_ms, spin_us;
    bool async, secure, page_lists, pending, check_pointers, interruptible, hw_scheduling,
        seed_given;
};

/* Explained on failure: STATUS_INVALID_PARAMETER, or what profile_load says. On success the host's
 * owner frees the profile (profile_free) after the host. */
NTSTATUS loopback_options_read(struct loopback_options *options, const char *text);

#endif
