/* SPDX-License-Identifier: MIT */
/*
 * Adapter profiles: JSON files that say what adapters answer, written by d3dkmt-info --profile on
 * any machine. share/profile.schema.json describes them. A profile is untrusted: whatever is wrong
 * with one is explained with file, line and column.
 */
#ifndef BACKEND_LOOPBACK_PROFILE_PROFILE_H
#define BACKEND_LOOPBACK_PROFILE_PROFILE_H

#include "backend-loopback/host/host.h"

struct profile;

enum { PROFILE_SIZE_MAX = 4 << 20 }; /* bytes of a file */

/* Explained on failure: STATUS_INVALID_PARAMETER for the content, STATUS_OBJECT_NAME_NOT_FOUND for
 * a file that cannot be read, STATUS_NO_MEMORY. */
NTSTATUS profile_load(const char *path, struct profile **profile);

/* The same for text in memory; name stands for the file in explanations. */
NTSTATUS profile_parse(const char *name, const char *text, size_t size, struct profile **profile);

/* NULL is fine. */
void profile_free(struct profile *profile);

uint32_t profile_adapter_count(const struct profile *profile);

/* Fills in what the profile says of its adapter index, and leaves the rest of config as it is. What
 * config then points to lives as long as the profile. */
void profile_configure(const struct profile *profile, uint32_t index,
                       struct host_adapter_config *config);

/* The miniport that adapter index needs, as NAME or NAME:OPTIONS; NULL: the profile does not say.
 * Lives as long as the profile. */
const char *profile_miniport(const struct profile *profile, uint32_t index);

#endif
