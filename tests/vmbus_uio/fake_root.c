/* SPDX-License-Identifier: MIT */
#include "fake_root.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char root[64];

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "fake root: %s: %s\n", what, strerror(errno));
    exit(1);
}

const char *fake_root_make(void)
{
    snprintf(root, sizeof(root), "/tmp/d3dkmt-root-XXXXXX");
    if (!mkdtemp(root) || chmod(root, 0755) != 0)
        give_up(root);
    return root;
}

static int remove_entry(const char *path, const struct stat *what, int type, struct FTW *level)
{
    (void)what, (void)type, (void)level;
    return remove(path);
}

void fake_root_remove(void)
{
    nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fake_root_path(const char *name)
{
    static char path[512];

    snprintf(path, sizeof(path), "%s/%s", root, name);
    return path;
}

static void make_parents(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s", fake_root_path(name));
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            give_up(path);
        *slash = '/';
    }
}

void fake_root_write(const char *name, const char *line)
{
    make_parents(name);
    FILE *file = fopen(fake_root_path(name), "w");
    if (!file || fprintf(file, "%s\n", line) < 0 || fclose(file) != 0)
        give_up(name);
}

void fake_root_drop(const char *name)
{
    nftw(fake_root_path(name), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void add(const char *instance, const char *class_guid, unsigned number)
{
    static const char *const maps[][2] = {{"txrx_rings", "0x0000000000022000"},
                                          {"int_page", "0x0000000000001000"},
                                          {"monitor_page", "0x0000000000001000"}};
    char name[256], text[80];

#define FILE_OF(line, ...)                                                                         \
    do {                                                                                           \
        snprintf(name, sizeof(name), "sys/bus/vmbus/devices/" __VA_ARGS__);                        \
        fake_root_write(name, line);                                                               \
    } while (0)

    snprintf(text, sizeof(text), "{%s}", class_guid);
    FILE_OF(text, "%s/class_id", instance);
    snprintf(text, sizeof(text), "{%s}", instance);
    FILE_OF(text, "%s/device_id", instance);
    snprintf(text, sizeof(text), "%u", number + 20);
    FILE_OF(text, "%s/id", instance);
    FILE_OF("2", "%s/state", instance);
    FILE_OF("0", "%s/channels/%u/out_mask", instance, number + 20);
    for (unsigned i = 0; i < 3; i++) {
        FILE_OF(maps[i][0], "%s/uio/uio%u/maps/map%u/name", instance, number, i);
        FILE_OF(maps[i][1], "%s/uio/uio%u/maps/map%u/size", instance, number, i);
    }
#undef FILE_OF
    snprintf(name, sizeof(name), "sys/bus/vmbus/devices/%s/driver", instance);
    if (symlink("../../drivers/uio_hv_generic", fake_root_path(name)) != 0)
        give_up(name);
}

void fake_root_fill(void)
{
    static const unsigned char channel[16] = {0xdd, 0xcc, 0xbb, 0xaa, 0x22, 0x11, 0x44, 0x33,
                                              0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc};
    unsigned char config[256] = {0};

    add(FAKE_GLOBAL, "dde9cbc0-5060-4436-9448-ea1254a5d177", 0);
    add(FAKE_VGPU, "6e382d18-3336-4f4b-acc4-2b7703d4df4a", 1);
    fake_root_write("sys/bus/vmbus/drivers/uio_hv_generic/new_id", "");
    fake_root_write("sys/bus/pci/devices/" FAKE_FUNCTION "/vendor", "0x1414");
    fake_root_write("sys/bus/pci/devices/" FAKE_FUNCTION "/device", "0x008e");
    fake_root_write("etc/d3dkmt/vmbus-uio.conf", "mmio=0x800000000+0x10000000");
    memcpy(config + 0xc0, channel, sizeof(channel));
    fake_root_write("sys/bus/pci/devices/" FAKE_FUNCTION "/config", "");
    FILE *file = fopen(fake_root_path("sys/bus/pci/devices/" FAKE_FUNCTION "/config"), "w");
    if (!file || fwrite(config, sizeof(config), 1, file) != 1 || fclose(file) != 0)
        give_up("config");
}

bool fake_root_without_privileges(bool (*check)(void))
{
    int status = 0;
    pid_t child = fork();

    if (child < 0)
        give_up("fork");
    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                               setresuid(NOBODY, NOBODY, NOBODY) != 0))
            give_up("setresuid");
        bool good = check();
        fflush(NULL);
        _exit(good ? 0 : 1);
    }
    if (waitpid(child, &status, 0) != child)
        give_up("waitpid");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
