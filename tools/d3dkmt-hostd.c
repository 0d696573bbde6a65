/* SPDX-License-Identifier: MIT */
/* d3dkmt-hostd: the simulated Windows host in a process of its own. */
#include "backend-loopback/hostd/server.h"
#include "backend-loopback/options.h"
#include "backend-loopback/vmbus/bus.h"
#include "core/last_error.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
    "usage: d3dkmt-hostd [OPTION...] PATH\n"
    "       d3dkmt-hostd --vmbus [OPTION...] FOLDER\n"
    "\n"
    "Runs a simulated Windows host that listens on the Unix socket PATH. Programs use it with\n"
    "D3DKMT_BACKEND=loopback:host=PATH; all of them are processes of one VM, and share resources,\n"
    "fences and sync files by passing descriptors on. Prints \"listening on PATH\" when it is "
    "ready.\n"
    "\n"
    "  -o, --options LIST   of the machine, as behind D3DKMT_BACKEND=loopback: (adapters=2,async)\n"
    "  -c, --max-clients N  connections at a time, 1 to 10000 (default 64)\n"
    "  -s, --spin-us N      how long the host looks for a command before its thread sleeps, 0 "
    "(the\n"
    "                       default) to 1000000; each waiting client thread then keeps a "
    "processor\n"
    "                       busy for so long\n"
    "  -a, --any-user       let other users' programs connect; they can then use each other's "
    "objects\n"
    "  -b, --vmbus          play the VMBus of a VM in FOLDER, an absolute path, instead: sysfs,\n"
    "                       device nodes and settings as a guest without dxgkrnl finds them.\n"
    "                       Programs use it with D3DKMT_BACKEND=vmbus-uio:root=FOLDER\n"
    "  -k, --kernel NAME    with --vmbus, which of the kernel's drivers: c (default, current), b\n"
    "                       (from 6.10), a (before), a2 (Debian's 6.1)\n"
    "  -r, --ring-kib N     with --vmbus, data of each ring: 4 to 4096, multiples of 4 (default "
    "64)\n"
    "  -v, --verbose        a line on standard error for every connection and refused command\n"
    "  -h, --help           this text\n"
    "\n"
    "Ends on SIGTERM, SIGINT and SIGHUP: programs that are connected get STATUS_DEVICE_REMOVED.\n"
    "Exit status: 0 after such a signal, 1 when the host cannot be started, 2 for a bad command "
    "line.\n";

static const struct option long_options[] = {
    {"options", required_argument, NULL, 'o'},  {"max-clients", required_argument, NULL, 'c'},
    {"spin-us", required_argument, NULL, 's'},  {"any-user", no_argument, NULL, 'a'},
    {"vmbus", no_argument, NULL, 'b'},          {"kernel", required_argument, NULL, 'k'},
    {"ring-kib", required_argument, NULL, 'r'}, {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
};

struct command_line {
    const char *options;
    unsigned long max_clients, spin_us, ring_kib;
    enum bus_kernel kernel;
    bool any_user, verbose, vmbus;
};

static void write_log(void *context, enum host_log_level level, const char *text)
{
    const struct command_line *command_line = context;

    if (command_line->verbose || level == HOST_LOG_ERROR)
        fprintf(stderr, "d3dkmt-hostd: %s\n", text);
}

static unsigned long read_number(const char *name, const char *text, unsigned long least,
                                 unsigned long most)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *text != '-' && number >= least &&
        number <= most)
        return number;
    fprintf(stderr, "d3dkmt-hostd: --%s %s: a number from %lu to %lu is needed\n", name, text,
            least, most);
    exit(2);
}

static enum bus_kernel read_kernel(const char *name)
{
    static const char *const names[BUS_KERNEL_COUNT] = {
        [BUS_KERNEL_A] = "a", [BUS_KERNEL_A2] = "a2", [BUS_KERNEL_B] = "b", [BUS_KERNEL_C] = "c"};

    for (int i = 0; i < BUS_KERNEL_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum bus_kernel)i;
    fprintf(stderr, "d3dkmt-hostd: --kernel %s: a, a2, b or c is needed\n", name);
    exit(2);
}

static void read_command_line(struct command_line *command_line, int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "o:c:s:bk:r:avh", long_options, NULL)) != -1) {
        switch (option) {
        case 'o':
            command_line->options = optarg;
            break;
        case 'c':
            command_line->max_clients = read_number("max-clients", optarg, 1, 10000);
            break;
        case 's':
            command_line->spin_us = read_number("spin-us", optarg, 0, 1000000);
            break;
        case 'b':
            command_line->vmbus = true;
            break;
        case 'k':
            command_line->kernel = read_kernel(optarg);
            break;
        case 'r':
            command_line->ring_kib = read_number("ring-kib", optarg, 4, 4096);
            break;
        case 'a':
            command_line->any_user = true;
            break;
        case 'v':
            command_line->verbose = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs("try d3dkmt-hostd --help\n", stderr);
            exit(2);
        }
    }
    if (optind != argc - 1) {
        fputs("d3dkmt-hostd: one PATH is needed; try d3dkmt-hostd --help\n", stderr);
        exit(2);
    }
}

/* Before any thread is made, so that all of them leave the signals to this descriptor. */
static int catch_signals(void)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &ends, SFD_CLOEXEC);
}

static void read_machine_options(struct loopback_options *options, const char *text)
{
    NTSTATUS status = loopback_options_read(options, text);

    if (NT_SUCCESS(status) && !options->host_path[0] && !options->check_pointers &&
        !options->interruptible && !options->spin_us)
        return;
    if (NT_SUCCESS(status))
        status =
            d3dkmti_fail(STATUS_INVALID_PARAMETER,
                         "host, spin-us, check-pointers and interruptible are options of a client");
    last_error_report("--options", NULL, status);
    fprintf(stderr, "d3dkmt-hostd: %s\n", d3dkmt_last_error());
    exit(2);
}

/* Every client and every shared object needs a few descriptors. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Exit status 1 when it does not start. */
static int serve_socket(const struct command_line *command_line, const char *path,
                        const struct host_config *machine, int stop)
{
    const struct hostd_config config = {
        .path = path,
        .host = *machine,
        .max_guests = (uint32_t)command_line->max_clients,
        .spin_ns = command_line->spin_us * 1000,
        .any_user = command_line->any_user,
        .log = write_log,
        .log_context = (void *)command_line,
    };
    struct hostd *hostd;
    char why[256];

    if (!NT_SUCCESS(hostd_create(&config, &hostd, why))) {
        fprintf(stderr, "d3dkmt-hostd: %s\n", why);
        return 1;
    }
    printf("listening on %s\n", path);
    fflush(stdout);
    hostd_run(hostd, stop);
    hostd_destroy(hostd);
    return 0;
}

static int serve_vmbus(const struct command_line *command_line, const char *folder,
                       const struct host_config *machine, int stop)
{
    const struct bus_config config = {
        .folder = folder,
        .host = *machine,
        .kernel = command_line->kernel,
        .ring_size = (uint32_t)command_line->ring_kib * 1024,
        .spin_ns = command_line->spin_us * 1000,
        .log = write_log,
        .log_context = (void *)command_line,
    };
    struct bus *bus;
    char why[BUS_WHY_SIZE];

    if (!NT_SUCCESS(bus_create(&config, &bus, why))) {
        fprintf(stderr, "d3dkmt-hostd: %s\n", why);
        return 1;
    }
    printf("listening on %s\n", folder);
    fflush(stdout);
    bus_run(bus, stop);
    bus_destroy(bus);
    return 0;
}

int main(int argc, char **argv)
{
    static struct loopback_options options;
    struct command_line command_line = {.options = "", .max_clients = 64};

    read_command_line(&command_line, argc, argv);
    read_machine_options(&options, command_line.options);
    raise_limits();
    int stop = catch_signals();
    if (stop < 0) {
        fprintf(stderr, "d3dkmt-hostd: %s\n", strerror(errno));
        return 1;
    }
    int status = (command_line.vmbus ? serve_vmbus : serve_socket)(&command_line, argv[optind],
                                                                   &options.host, stop);
    profile_free(options.profile);
    close(stop);
    return status;
}
