/* SPDX-License-Identifier: MIT */
/* A folder in place of "/", with the files that a kernel shows of VMBus devices. */
#ifndef TESTS_VMBUS_UIO_FAKE_ROOT_H
#define TESTS_VMBUS_UIO_FAKE_ROOT_H

#include <stdbool.h>

#define FAKE_GLOBAL   "11111111-2222-3333-4444-555555555555"
#define FAKE_VGPU     "aabbccdd-1122-3344-5566-778899aabbcc"
#define FAKE_FUNCTION "0001:00:00.0"

/* A new empty one; the path lives until the next. */
const char *fake_root_make(void);
void fake_root_remove(void);

/* A global and a vGPU device that are bound, and the PCI function; no sockets, no memory. */
void fake_root_fill(void);

/* Writes a file below it (a line without its end; folders come with it), or removes whatever is
 * there. */
void fake_root_write(const char *name, const char *line);
void fake_root_drop(const char *name);

/* The full path; the text lives until the next call. */
const char *fake_root_path(const char *name);

/* Runs a check in a child that has no privileges; true when it returns true. */
bool fake_root_without_privileges(bool (*check)(void));

#endif
