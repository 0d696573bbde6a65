/* SPDX-License-Identifier: MIT */
#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include <d3dkmt/d3dkmt.h>

/* The status of a name as in "STATUS_NO_MEMORY" (length characters); false when not known. */
bool status_of_name(const char *name, size_t length, NTSTATUS *status);

#endif
