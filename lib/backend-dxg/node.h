/* SPDX-License-Identifier: MIT */
/* The device node. */
#ifndef BACKEND_DXG_NODE_H
#define BACKEND_DXG_NODE_H

#include <d3dkmt/backend.h>

#include <stdbool.h>
#include <sys/types.h>

/* Opens the node and checks that it is a device; -1 with *status explained. flags: of open(). */
int node_open(const struct d3dkmt_backend_services *services, const char *path, int flags,
              dev_t *device, NTSTATUS *status);

/* Whether the descriptor stands for that device: a daemon may have closed all it found. */
bool node_is(int descriptor, dev_t device);

#endif
