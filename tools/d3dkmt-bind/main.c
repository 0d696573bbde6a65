/* SPDX-License-Identifier: MIT */
/* d3dkmt-bind: gives the VMBus devices of GPU-PV to user space, and back. */
#include "bind.h"

#include "core/last_error.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: d3dkmt-bind [OPTION...] status | explain | bind | unbind\n"
    "\n"
    "Gives the VMBus devices of a VM's GPUs to the kernel's driver for user space, "
    "uio_hv_generic,\n"
    "so that programs reach them with libd3dkmt's backend vmbus-uio; for VMs whose kernel has no\n"
    "dxgkrnl.\n"
    "\n"
    "  status     which devices there are, who drives them, and whether they can be used\n"
    "  explain    everything that is needed, what is there, and what to do about the rest\n"
    "  bind       binds all of them, which takes root; another driver loses them\n"
    "  unbind     gives them back to nobody: the driver that had them can then be bound again\n"
    "\n"
    "  -f, --future       bind: also those that the host offers later, until the next boot\n"
    "  -F, --force        unbind: also while a program has them open. The channel then stays\n"
    "                     open until the VM boots again, and nobody can use it\n"
    "  -r, --root FOLDER  look below FOLDER instead of / (for tests)\n"
    "  -h, --help         this text\n"
    "\n"
    "Exit status: 0 when all went well, and with status and explain when a GPU can be used; 1 "
    "when\n"
    "not; 2 for a bad command line.\n";

static const struct option long_options[] = {
    {"future", no_argument, NULL, 'f'},
    {"force", no_argument, NULL, 'F'},
    {"root", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

void bind_complain(const char *format, ...)
{
    va_list arguments;

    fputs("d3dkmt-bind: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool bind_list(const char *root, struct bind_devices *devices)
{
    if (!NT_SUCCESS(vmbus_devices_list(root, devices->list, &devices->count))) {
        bind_complain("%s", d3dkmti_fail_reason());
        return false;
    }
    return true;
}

bool bind_is_bound(const struct vmbus_device *device)
{
    return strcmp(device->driver, VMBUS_UIO_DRIVER) == 0;
}

int main(int argc, char **argv)
{
    const char *root = "";
    bool future = false, force = false;
    int option;

    while ((option = getopt_long(argc, argv, "fFr:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'f':
            future = true;
            break;
        case 'F':
            force = true;
            break;
        case 'r':
            root = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs("try d3dkmt-bind --help\n", stderr);
            return 2;
        }
    }
    const char *command = optind == argc - 1 ? argv[optind] : "";
    if ((future && strcmp(command, "bind") != 0) || (force && strcmp(command, "unbind") != 0)) {
        bind_complain("--future is for bind, --force for unbind");
        return 2;
    }
    if (strcmp(command, "status") == 0)
        return bind_status(root);
    if (strcmp(command, "explain") == 0)
        return bind_explain(root);
    if (strcmp(command, "bind") == 0)
        return bind_bind(root, future);
    if (strcmp(command, "unbind") == 0)
        return bind_unbind(root, force);
    bind_complain("one command is needed: status, explain, bind or unbind");
    return 2;
}
