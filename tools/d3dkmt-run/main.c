/* SPDX-License-Identifier: MIT */
/* d3dkmt-run: the command line, and the environment of the program. */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPTIONS_MAX = 1024 };

static const char usage[] =
    "usage: d3dkmt-run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "\n"
    "Runs a program, and the programs that it starts, with a /dev/dxg that the simulated host\n"
    "stands behind, and with the libraries that GPU programs look for under /usr/lib/wsl/lib.\n"
    "\n"
    "  -p, --profile FILE   the adapters that an adapter profile describes; a name without a "
    "slash\n"
    "                       is one of those that came with d3dkmt-run\n"
    "  -n, --adapters N     that many adapters\n"
    "  -o, --options LIST   of the simulated host, as behind D3DKMT_BACKEND=loopback:\n"
    "  -s, --shared         one host for all processes of the run, instead of one in each: they "
    "then\n"
    "                       share objects; but the GPU cannot use their own memory (pSystemMem)\n"
    "  -H, --host SOCKET    the same with a d3dkmt-hostd that runs already\n"
    "  -h, --help           this text\n"
    "\n"
    "Exit status: the program's; 125 when d3dkmt-run fails, 126 when the program is not covered\n"
    "(statically linked, set-user-id) or cannot be executed, 127 when it is not found.\n";

static const struct option long_options[] = {
    {"profile", required_argument, NULL, 'p'},
    {"adapters", required_argument, NULL, 'n'},
    {"options", required_argument, NULL, 'o'},
    {"host", required_argument, NULL, 'H'},
    {"shared", no_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct command_line {
    const char *profile;
    bool shared, has_host;
    char options[OPTIONS_MAX];
};

static void add_option(struct command_line *command_line, const char *format, ...)
{
    char *end = command_line->options + strlen(command_line->options);
    size_t room = sizeof(command_line->options) - (size_t)(end - command_line->options);
    const char *comma = end == command_line->options ? "" : ",";
    va_list arguments;

    int used = snprintf(end, room, "%s", comma);
    va_start(arguments, format);
    used += vsnprintf(end + used, room - (size_t)used, format, arguments);
    va_end(arguments);
    if ((size_t)used < room)
        return;
    fprintf(stderr, "d3dkmt-run: the options are longer than %d bytes\n", OPTIONS_MAX - 1);
    exit(RUN_FAILED);
}

static void read_command_line(struct command_line *command_line, int argc, char **argv)
{
    int option;

    /* The first argument that is no option is the program: what follows is its own. */
    while ((option = getopt_long(argc, argv, "+p:n:o:sH:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'p':
            command_line->profile = optarg;
            break;
        case 'n':
            add_option(command_line, "adapters=%s", optarg);
            break;
        case 'o':
            add_option(command_line, "%s", optarg);
            break;
        case 's':
            command_line->shared = true;
            break;
        case 'H':
            add_option(command_line, "host=%s", optarg);
            command_line->has_host = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs("try d3dkmt-run --help\n", stderr);
            exit(RUN_FAILED);
        }
    }
    if (optind == argc) {
        fputs("d3dkmt-run: which program? Try d3dkmt-run --help\n", stderr);
        exit(RUN_FAILED);
    }
}

static void add_profile(struct command_line *command_line, const struct run_files *files)
{
    const char *name = command_line->profile;
    char path[PATH_MAX], *resolved;

    if (!name)
        return;
    if (strchr(name, '/') || access(name, R_OK) == 0)
        snprintf(path, sizeof(path), "%s", name);
    else
        snprintf(path, sizeof(path), "%.*s/%s.json", PATH_MAX / 2, files->profiles, name);
    /* The program may change its folder before it opens the device. */
    resolved = realpath(path, NULL);
    if (!resolved) {
        fprintf(stderr, "d3dkmt-run: there is no profile %s: %s\n", path, strerror(errno));
        exit(RUN_FAILED);
    }
    if (strchr(resolved, ',')) {
        fprintf(stderr, "d3dkmt-run: %s: a comma ends an option: give the file another name\n",
                resolved);
        exit(RUN_FAILED);
    }
    add_option(command_line, "profile=%s", resolved);
    free(resolved);
}

/* Puts text in front of a list that is separated by colons. */
static void prepend(const char *variable, const char *text)
{
    const char *before = getenv(variable);
    char *list;

    if (!before || !*before) {
        setenv(variable, text, 1);
        return;
    }
    if (asprintf(&list, "%s:%s", text, before) < 0)
        exit(RUN_FAILED);
    setenv(variable, list, 1);
    free(list);
}

/* What the user preloads comes first: a sanitizer's runtime insists on that. */
static void append_preload(const char *file)
{
    const char *before = getenv("LD_PRELOAD");
    char *list;

    if (asprintf(&list, "%s%s%s", before ? before : "", before && *before ? ":" : "", file) < 0)
        exit(RUN_FAILED);
    setenv("LD_PRELOAD", list, 1);
    free(list);
}

int main(int argc, char **argv)
{
    static struct command_line command_line;
    static struct run_files files;
    static struct run_host host;
    int status;

    read_command_line(&command_line, argc, argv);
    if (!run_files_find(&files))
        return RUN_FAILED;
    add_profile(&command_line, &files);
    char **program = argv + optind;
    const char *reason = run_program_check(program[0], &status);
    if (reason) {
        fprintf(stderr, "d3dkmt-run: %s %s\n", program[0], reason);
        return status;
    }
    /* A host that runs already is not asked: it may have room for one client. */
    if (!command_line.shared && !command_line.has_host && *command_line.options &&
        !run_options_check(&files, command_line.options))
        return RUN_FAILED;
    if (command_line.shared && !run_host_start(&files, command_line.options, &host))
        return RUN_FAILED;
    append_preload(files.preload);
    prepend("LD_LIBRARY_PATH", files.libraries);
    setenv("D3DKMT_RUN_LIBRARIES", files.libraries, 1);
    if (command_line.shared) {
        snprintf(command_line.options, sizeof(command_line.options), "host=%s", host.socket);
        setenv("D3DKMT_RUN_OPTIONS", command_line.options, 1);
        status = run_program(program);
        run_host_stop(&host);
        run_exit(status);
    }
    setenv("D3DKMT_RUN_OPTIONS", command_line.options, 1);
    execvp(program[0], program);
    fprintf(stderr, "d3dkmt-run: %s cannot be executed: %s\n", program[0], strerror(errno));
    return errno == ENOENT ? RUN_NOT_FOUND : RUN_NOT_COVERED;
}
