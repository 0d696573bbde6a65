/* SPDX-License-Identifier: MIT */
/* The libraries that GPU programs look for by the path that WSL gives them. */
#include "raw.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>

#define FOLDER "/usr/lib/wsl/lib/"

static void files_are_seen(void)
{
    unsigned char ident[EI_NIDENT] = {0};
    struct stat seen;

    CHECK(access(FOLDER "libdxcore.so", R_OK) == 0);
    CHECK(stat(FOLDER "libdxg.so.1", &seen) == 0 && S_ISREG(seen.st_mode));
    int file = open(FOLDER "libdxcore.so", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && read(file, ident, sizeof(ident)) == (ssize_t)sizeof(ident));
    CHECK(memcmp(ident, ELFMAG, SELFMAG) == 0);
    close(file);
}

/* As WSL's folder is: an installer that is run must not write into what is installed here. */
static void files_are_read_only(void)
{
    CHECK_ERROR(open(FOLDER "libdxcore.so", O_WRONLY), EROFS);
    CHECK_ERROR(open(FOLDER "libdxcore.so", O_RDWR | O_CREAT, 0644), EROFS);
    CHECK_ERROR(openat(AT_FDCWD, FOLDER "libdxg.so.1", O_RDONLY | O_TRUNC), EROFS);
    CHECK_ERROR(access(FOLDER "libdxcore.so", W_OK), EROFS);
    CHECK_ERROR(faccessat(AT_FDCWD, FOLDER "libdxg.so.1", W_OK, 0), EROFS);
    CHECK_ERROR(open(FOLDER "libno-such.so", O_WRONLY), ENOENT);
}

/* A name that we have nothing for is left to the system. */
static void others_are_not_made_up(void)
{
    CHECK_ERROR(access(FOLDER "libno-such.so", F_OK), ENOENT);
    CHECK_ERROR(open(FOLDER "libno-such.so", O_RDONLY), ENOENT);
    CHECK(!dlopen(FOLDER "libno-such.so", RTLD_LAZY));
    CHECK(strstr(dlerror(), FOLDER "libno-such.so"));
    CHECK_ERROR(access("/usr/lib/wsl/libdxcore.so", F_OK), ENOENT);
}

/* By path and by name it is one library, and it finds the device. */
static void the_library_works(void)
{
    void *by_path = dlopen(FOLDER "libdxcore.so", RTLD_LAZY);
    void *by_name = dlopen("libdxcore.so", RTLD_LAZY);
    void *by_older_name = dlopen(FOLDER "libdxg.so.1", RTLD_NOW);
    struct raw_enum_adapters2 list = {0};
    int32_t (*enumerate)(struct raw_enum_adapters2 *);

    if (!by_path)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(by_path && by_name == by_path && by_older_name == by_path);
    *(void **)&enumerate = dlsym(by_path, "D3DKMTEnumAdapters2");
    CHECK(enumerate && enumerate(&list) == 0 && list.count == 1);
    CHECK(dlsym(by_path, "DXCoreCreateAdapterFactory"));
}

int main(void)
{
    files_are_seen();
    files_are_read_only();
    others_are_not_made_up();
    the_library_works();
    return 0;
}
