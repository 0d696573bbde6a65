/* SPDX-License-Identifier: MIT */
/*
 * The library under Microsoft's names. This program was linked with a libdxg.so.1 that is not ours,
 * as one that was built for Microsoft's, and with a library that was linked with libd3dkmt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "linked_directly.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

static const char *folder, *names_file;

static void *load(const char *name, int flags)
{
    void *library = dlopen(name, RTLD_LAZY | flags);

    if (!library)
        fail_msg("%s", dlerror());
    return library;
}

static D3DKMT_HANDLE open_adapter(NTSTATUS(APIENTRY *enum_adapters)(const D3DKMT_ENUMADAPTERS2 *))
{
    D3DKMT_ADAPTERINFO adapter = {0};
    D3DKMT_ENUMADAPTERS2 list = {.NumAdapters = 1};

    list.pAdapters = &adapter;
    assert_int_equal(enum_adapters(&list), STATUS_SUCCESS);
    assert_int_equal(list.NumAdapters, 1);
    return adapter.hAdapter;
}

static int count_instances(struct dl_phdr_info *info, size_t size, void *count)
{
    (void)size;
    if (strstr(info->dlpi_name, "libd3dkmt.so") || strstr(info->dlpi_name, "libdxg.so") ||
        strstr(info->dlpi_name, "libdxcore.so"))
        ++*(int *)count;
    return 0;
}

static int instances(void)
{
    int count = 0;

    dl_iterate_phdr(count_instances, &count);
    return count;
}

/* By soname as AMD and NVIDIA, by absolute path as Intel, by our own name as our plug-ins. */
static void every_name_is_the_same_instance(void **state)
{
    char path[4096];
    void *by_name = load("libdxcore.so", 0), *dxg = load("libdxg.so.1", RTLD_GLOBAL);
    void *own = load("libd3dkmt.so.0", RTLD_NOLOAD);

    (void)state;
    snprintf(path, sizeof(path), "%s/libdxcore.so", folder);
    void *by_path = load(path, 0);
    assert_ptr_equal(by_name, by_path);
    assert_ptr_equal(by_name, dxg);
    assert_ptr_equal(by_name, own);
    assert_int_equal(instances(), 1);
    for (void *const *library = (void *const[]){by_name, by_path, dxg, own, NULL}; *library;
         library++)
        assert_int_equal(dlclose(*library), 0);
}

static void handles_of_one_name_are_good_under_all(void **state)
{
    NTSTATUS(APIENTRY * enum_adapters)(const D3DKMT_ENUMADAPTERS2 *);
    void *library = load("libdxcore.so", 0), *symbol = dlsym(library, "D3DKMTEnumAdapters2");

    (void)state;
    assert_non_null(symbol);
    memcpy(&enum_adapters, &symbol, sizeof(symbol));
    D3DKMT_HANDLE linked = open_adapter(D3DKMTEnumAdapters2),
                  looked_up = open_adapter(enum_adapters);
    assert_int_equal(linked_directly_close(linked), STATUS_SUCCESS);
    assert_int_equal(linked_directly_close(looked_up), STATUS_SUCCESS);
    assert_int_equal(linked_directly_close(looked_up), STATUS_INVALID_PARAMETER); /* it is gone */
    assert_int_equal(dlclose(library), 0);
}

/* All that Microsoft's library exports, those it mangles by mistake included, by their plain names.
 */
static void every_function_of_libdxg_is_there(void **state)
{
    void *library = load("libdxg.so.1", 0);
    FILE *names = fopen(names_file, "re");
    char name[128];
    int count = 0;

    (void)state;
    assert_non_null(names);
    for (; fscanf(names, "%127s", name) == 1; count++)
        if (!dlsym(library, name))
            fail_msg("%s is missing", name);
    assert_int_equal(count, 103);
    assert_non_null(dlsym(library, "DXCoreCreateAdapterFactory"));
    /* What it leaks of its insides is nobody's business. */
    assert_null(dlsym(library, "DxgFd"));
    fclose(names);
    dlclose(library);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_the_same_instance),
        cmocka_unit_test(handles_of_one_name_are_good_under_all),
        cmocka_unit_test(every_function_of_libdxg_is_there),
    };

    if (argc != 3)
        return 2;
    folder = argv[1];
    names_file = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
