/* SPDX-License-Identifier: MIT */
/* Which programs the dynamic loader puts the shim into: dynamic ones of this machine's kind. */
#include "run.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As the kernel, which follows no more scripts of scripts. */
enum { SCRIPT_DEPTH_MAX = 5, SCRIPT_LINE_MAX = 256 };

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
enum { OWN_CLASS = ELFCLASS64 };
#else
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
enum { OWN_CLASS = ELFCLASS32 };
#endif

/* The file that execvp() finds; false when there is none. */
static bool find(const char *program, char path[PATH_MAX])
{
    const char *folders = getenv("PATH");

    if (strchr(program, '/'))
        return snprintf(path, PATH_MAX, "%s", program) < PATH_MAX && access(path, F_OK) == 0;
    for (const char *folder = folders ? folders : "/bin:/usr/bin"; folder;) {
        int length = (int)strcspn(folder, ":");
        struct stat status;

        if (snprintf(path, PATH_MAX, "%.*s/%s", length ? length : 1, length ? folder : ".",
                     program) < PATH_MAX &&
            access(path, X_OK) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode))
            return true;
        folder = folder[length] ? folder + length + 1 : NULL;
    }
    return false;
}

/* Whether a file names an interpreter, which is the dynamic loader; broken files say no. */
static bool has_interpreter(int file, const elf_header *header)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        elf_segment segment;
        off_t place = (off_t)(header->e_phoff + (uint64_t)i * header->e_phentsize);

        if (pread(file, &segment, sizeof(segment), place) != (ssize_t)sizeof(segment))
            return false;
        if (segment.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* Emulators are there for other machines' programs, and have other loaders. */
static bool is_for_own_machine(int file)
{
    elf_header own, header;
    int own_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool known = pread(own_file, &own, sizeof(own), 0) == (ssize_t)sizeof(own);

    close(own_file);
    return !known || pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
           header.e_machine == own.e_machine;
}

static const char *check_elf(int file, const unsigned char *ident)
{
    elf_header header;

    if (ident[EI_CLASS] != OWN_CLASS)
        return "is made for another word size than d3dkmt-run";
    if (!is_for_own_machine(file))
        return "is made for another kind of machine than d3dkmt-run";
    if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        !has_interpreter(file, &header))
        return "is statically linked: the dynamic loader, which would load the shim, has no part "
               "in it";
    return NULL;
}

/* Whether the file gives capabilities to whoever executes it: struct vfs_cap_data's words. */
static bool gives_capabilities(int file)
{
    enum { PERMITTED = 1, PERMITTED_HIGH = 3, WORDS = 6 };
    uint32_t words[WORDS] = {0};

    return fgetxattr(file, "security.capability", words, sizeof(words)) > 0 &&
           (words[PERMITTED] | words[PERMITTED_HIGH]) != 0;
}

/* Whether the loader takes LD_PRELOAD away. */
static const char *check_privileges(int file)
{
    struct stat status;

    if (getuid() != 0 && gives_capabilities(file))
        return "has file capabilities (getcap shows them), and such programs load no shim; run a "
               "copy, which has none";

    if (fstat(file, &status) == 0 && (((status.st_mode & S_ISUID) && status.st_uid != geteuid()) ||
                                      ((status.st_mode & S_ISGID) && status.st_gid != getegid())))
        return "runs with the rights of another user or group, and such programs load no shim";
    return NULL;
}

/* The interpreter of a script's first line. */
static bool read_interpreter(int file, char line[SCRIPT_LINE_MAX])
{
    ssize_t length = pread(file, line, SCRIPT_LINE_MAX - 1, 2);

    if (length <= 0)
        return false;
    line[length] = '\0';
    memmove(line, line + strspn(line, " \t"), strlen(line + strspn(line, " \t")) + 1);
    line[strcspn(line, " \t\n")] = '\0';
    return *line != '\0';
}

static const char *check_file(const char *path, unsigned depth)
{
    unsigned char ident[EI_NIDENT] = {0};
    char interpreter[SCRIPT_LINE_MAX];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (file < 0 && errno == ENOENT)
        return "is a script whose interpreter does not exist";
    /* What may be executed and not read is judged by nobody; the kernel does not preload into it.
     */
    if (file < 0)
        return "cannot be read, so that nobody can tell whether the shim would be loaded";
    ssize_t length = pread(file, ident, sizeof(ident), 0);
    bool is_script = length > 2 && ident[0] == '#' && ident[1] == '!';
    /* A script's own rights count for nothing. */
    const char *reason = is_script ? NULL : check_privileges(file);
    if (!reason && length == (ssize_t)sizeof(ident) && memcmp(ident, ELFMAG, SELFMAG) == 0)
        reason = check_elf(file, ident);
    bool follow =
        !reason && is_script && depth < SCRIPT_DEPTH_MAX && read_interpreter(file, interpreter);
    close(file);
    return follow ? check_file(interpreter, depth + 1) : reason;
}

const char *run_program_check(const char *program, int *status)
{
    char path[PATH_MAX];

    *status = RUN_NOT_FOUND;
    if (!find(program, path))
        return "is not found";
    *status = RUN_NOT_COVERED;
    return check_file(path, 0);
}
