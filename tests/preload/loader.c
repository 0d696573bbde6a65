/* SPDX-License-Identifier: MIT */
/* Loads a library by name, for its own search path to find. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
    void *library = dlopen("libplugin-of-the-test.so", RTLD_NOW);

    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    return dlsym(library, "plugin_answer") ? 0 : 1;
}
