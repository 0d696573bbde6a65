/* SPDX-License-Identifier: MIT */
/* Small files below a root: what the kernel says in sysfs and procfs, and what a test puts there.
 */
#ifndef BACKEND_VMBUS_UIO_FILES_H
#define BACKEND_VMBUS_UIO_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VMBUS_PATH_MAX = 512 };

/*
 * Everything is looked for below a root, "" on a real machine: root/sys, root/dev, root/proc. False
 * when the path would be too long.
 */
bool vmbus_path(char path[VMBUS_PATH_MAX], const char *root, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A file of one line, without its end. 0, or errno: EMSGSIZE for one that does not fit, and for a
 * file of several. */
int vmbus_file_read(const char *path, char *text, size_t size);

/* A number, 0x... or decimal, that is all of the file. 0, or errno: EINVAL for anything else. */
int vmbus_file_number(const char *path, uint64_t *number);

#endif
