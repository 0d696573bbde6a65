/* SPDX-License-Identifier: MIT */
#include "compat/preload/node.h"

#include "compat/preload/next.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC "d3dkmt simulated dxg"

enum { VERSION = 1, SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* ---- the path */

/* Whether the folder in which the path's last part lies is /dev, by whatever way. */
static bool parent_is_dev(int folder, const char *path, size_t parent_length)
{
    char parent[PATH_MAX] = ".";
    struct stat dev, seen;

    if (parent_length >= sizeof(parent))
        return false;
    if (parent_length > 0) {
        memcpy(parent, path, parent_length);
        parent[parent_length] = '\0';
    }
    return next()->stat("/dev", &dev) == 0 && next()->fstatat(folder, parent, &seen, 0) == 0 &&
           seen.st_dev == dev.st_dev && seen.st_ino == dev.st_ino;
}

bool node_find_slowly(int folder, const char *path)
{
    const char *slash = strrchr(path, '/');
    int saved = errno;

    if (strcmp(path, "/dev/dxg") == 0)
        return true;
    if (strcmp(slash ? slash + 1 : path, "dxg") != 0)
        return false;
    bool found = parent_is_dev(folder, path, slash ? (size_t)(slash - path) + 1 : 0);
    errno = saved;
    return found;
}

/* ---- descriptors */

/* Field 22 of /proc/self/stat; behind the name, which may contain anything, come fields 3 and up.
 */
static uint64_t own_start_time(void)
{
    char text[1024], *field;
    int file = next()->open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? next()->read(file, text, sizeof(text) - 1) : -1;

    if (file >= 0)
        next()->close(file);
    if (length <= 0)
        return 0;
    text[length] = '\0';
    field = strrchr(text, ')');
    for (int i = 2; field && i < 22; i++) {
        field = strchr(field + 1, ' ');
    }
    return field ? strtoull(field, NULL, 10) : 0;
}

static void fill(struct node_record *record)
{
    memset(record, 0, sizeof(*record));
    memcpy(record->magic, MAGIC, sizeof(MAGIC));
    record->version = VERSION;
    record->process = (int32_t)getpid();
    record->start_time = own_start_time();
}

/* Nobody reads it by the descriptor, which stands at the end. */
static bool write_record(int file)
{
    struct node_record record;

    fill(&record);
    return next()->write(file, &record, sizeof(record)) == (ssize_t)sizeof(record) &&
           ftruncate(file, NODE_SIZE) == 0 && lseek(file, 0, SEEK_END) == NODE_SIZE &&
           next()->fcntl(file, F_ADD_SEALS, SEALS) == 0;
}

int node_open(int flags)
{
    unsigned close_on_exec = flags & O_CLOEXEC ? MFD_CLOEXEC : 0;
    int file = memfd_create("dxg", MFD_ALLOW_SEALING | close_on_exec);
    int status = flags & (O_APPEND | O_NONBLOCK);

    if (file < 0)
        return -1;
    if (write_record(file) && (status == 0 || next()->fcntl(file, F_SETFL, status) == 0))
        return file;
    int error = errno;
    next()->close(file);
    errno = error;
    return -1;
}

bool node_read(int descriptor, struct node_record *record)
{
    int saved = errno;
    bool is_node =
        next()->fcntl(descriptor, F_GET_SEALS) == SEALS &&
        next()->pread(descriptor, record, sizeof(*record), 0) == (ssize_t)sizeof(*record) &&
        memcmp(record->magic, MAGIC, sizeof(MAGIC)) == 0 && record->version == VERSION;

    errno = saved;
    return is_node;
}

bool node_is_own(const struct node_record *record)
{
    int saved = errno;
    bool own = record->process == (int32_t)getpid() && record->start_time == own_start_time();

    errno = saved;
    return own;
}
