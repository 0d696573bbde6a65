/* SPDX-License-Identifier: MIT */
/* Whether a simulated host takes the options that the program's is to have. */
#include "run.h"

#include "compat/dxgkrnl/dxgkrnl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool try_host(const struct dxgkrnl *dxgkrnl, const char *options)
{
    void *process;

    if (dxgkrnl->open(options, &process) != 0)
        return false;
    dxgkrnl->close(process);
    return true;
}

/* The library's log tells the reason; what else it has to say is for the program's run. */
static void set_log_level(const char *level)
{
    if (level)
        setenv("D3DKMT_LOG", level, 1);
    else
        unsetenv("D3DKMT_LOG");
}

bool run_options_check(const struct run_files *files, const char *options)
{
    void *library = dlopen(files->dxgkrnl, RTLD_NOW | RTLD_LOCAL);
    const struct dxgkrnl *dxgkrnl = library ? dlsym(library, DXGKRNL_SYMBOL) : NULL;
    const char *level = getenv("D3DKMT_LOG");
    char *before = level ? strdup(level) : NULL;

    if (!dxgkrnl) {
        fprintf(stderr, "d3dkmt-run: %s\n", dlerror());
        free(before);
        return false;
    }
    set_log_level("error");
    bool good = try_host(dxgkrnl, options);
    set_log_level(before);
    free(before);
    if (!good)
        fprintf(stderr, "d3dkmt-run: there is no simulated host with the options \"%s\"\n",
                options);
    return good;
}
