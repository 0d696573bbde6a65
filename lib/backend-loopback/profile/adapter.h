/* SPDX-License-Identifier: MIT */
/* One adapter of a profile. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_PROFILE_ADAPTER_H
#define BACKEND_LOOPBACK_PROFILE_ADAPTER_H

#include "backend-loopback/host/host.h"
#include "backend-loopback/profile/reader.h"

enum { PROFILE_ANSWERS_MAX = 32 };

struct profile_adapter {
    struct host_adapter_config config; /* only what a profile can say */
    const char *miniport;              /* NAME or NAME:OPTIONS; NULL: any */
    struct host_adapter_answers answers;
    struct host_answer list[PROFILE_ANSWERS_MAX];
};

reader_function profile_adapter_read; /* struct profile_adapter */

/* registry.c: host_registry_value. */
reader_function profile_registry_read;

/* A text as a registry value: UTF-16 with its terminator. False: no memory. */
bool profile_registry_text(const struct reader *reader, const char *text,
                           struct host_registry_value *value);

#endif
