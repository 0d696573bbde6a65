/* SPDX-License-Identifier: MIT */
#include "info.h"

#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: d3dkmt-info [--json | --profile] [--backend SPECIFICATION]\n"
                            "\n"
                            "Shows the backend, its adapters and the supported calls.\n"
                            "  --json      everything as JSON\n"
                            "  --profile   an adapter profile as JSON: what a simulated host needs "
                            "to stand in for these adapters\n"
                            "  --backend   as in the environment variable D3DKMT_BACKEND, for "
                            "example loopback:adapters=2\n";

enum output { TEXT, JSON, PROFILE };

struct options {
    enum output output;
    const char *backend;
};

/* False when the command line is wrong. */
static bool read_options(int count, char **arguments, struct options *options)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0)
            options->output = JSON;
        else if (strcmp(arguments[i], "--profile") == 0)
            options->output = PROFILE;
        else if (strcmp(arguments[i], "--backend") == 0 && i + 1 < count)
            options->backend = arguments[++i];
        else
            return false;
    }
    return true;
}

static int explain_absence(void)
{
    fprintf(
        stderr,
        "There is no adapter: %s\n"
        "\n"
        "What to look at:\n"
        "  * On WSL2: is /dev/dxg there, and is a GPU driver for WSL installed on Windows?\n"
        "  * In a Hyper-V VM: has the host given it a GPU partition (Add-VMGpuPartitionAdapter)?\n"
        "  * Without a GPU: D3DKMT_BACKEND=loopback d3dkmt-info shows the simulated host.\n",
        d3dkmt_last_error());
    return 1;
}

static void show(const json_t *info, enum output output)
{
    json_t *profile = output == PROFILE ? info_make_profile(info) : NULL;

    if (output == TEXT) {
        info_print_text(info);
    } else {
        json_dumpf(profile ? profile : info, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(profile);
}

int main(int argument_count, char **arguments)
{
    struct options options = {TEXT, NULL};

    if (!read_options(argument_count, arguments, &options)) {
        fputs(usage, stderr);
        return 2;
    }
    if (options.backend && !NT_SUCCESS(d3dkmt_open(options.backend))) {
        fprintf(stderr, "%s\n", d3dkmt_last_error());
        return 1;
    }
    json_t *info = info_collect_library();
    NTSTATUS status = info_collect_adapters(info);
    int result = 0;
    if (NT_SUCCESS(status) && json_array_size(json_object_get(info, "adapters")) > 0)
        show(info, options.output);
    else
        result = explain_absence();
    json_decref(info);
    D3DKMTCloseDxCoreDevice();
    return result;
}
