/* SPDX-License-Identifier: MIT */
/* A machine without a GPU, where clients load libdxcore to find that out: nothing is printed,
 * nothing ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <d3dkmt/d3dkmthk.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *library_path;

/* Everything the program writes between the two goes into memory. */
struct quiet {
    int memory, output, error;
};

static void quiet_begin(struct quiet *quiet)
{
    fflush(NULL);
    quiet->memory = memfd_create("output", MFD_CLOEXEC);
    quiet->output = dup(STDOUT_FILENO);
    quiet->error = dup(STDERR_FILENO);
    dup2(quiet->memory, STDOUT_FILENO);
    dup2(quiet->memory, STDERR_FILENO);
}

/* Returns how many bytes were written. */
static off_t quiet_end(struct quiet *quiet)
{
    fflush(NULL);
    dup2(quiet->output, STDOUT_FILENO);
    dup2(quiet->error, STDERR_FILENO);
    off_t written = lseek(quiet->memory, 0, SEEK_CUR);
    close(quiet->output);
    close(quiet->error);
    close(quiet->memory);
    return written;
}

static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);

    assert_non_null(symbol);
    memcpy(function, &symbol, sizeof(symbol));
}

static void loading_and_asking_says_nothing(void **state)
{
    static const GUID iid_factory = {
        0x78ee5945, 0xc36e, 0x4b13, {0xa6, 0x69, 0x00, 0x5d, 0xd1, 0x1c, 0x0f, 0x06}};
    NTSTATUS(APIENTRY * enum_adapters)(D3DKMT_ENUMADAPTERS2 *);
    NTSTATUS(APIENTRY * open_adapter)(D3DKMT_OPENADAPTERFROMLUID *);
    int32_t (*create_factory)(const GUID *iid, void **factory);
    D3DKMT_ENUMADAPTERS2 list = {0};
    D3DKMT_OPENADAPTERFROMLUID open = {.AdapterLuid = {.LowPart = 1}};
    struct quiet quiet;
    void *factory = NULL;

    (void)state;
    quiet_begin(&quiet);
    void *library = dlopen(library_path, RTLD_LAZY);
    if (library) {
        find(library, "D3DKMTEnumAdapters2", &enum_adapters);
        find(library, "D3DKMTOpenAdapterFromLuid", &open_adapter);
        find(library, "DXCoreCreateAdapterFactory", &create_factory);
        list.NumAdapters = 0;
    }
    NTSTATUS enumerated = library ? enum_adapters(&list) : 0;
    NTSTATUS opened = library ? open_adapter(&open) : 0;
    int32_t created = library ? create_factory(&iid_factory, &factory) : -1;
    off_t written = quiet_end(&quiet);
    assert_non_null(library);
    assert_int_equal(enumerated, STATUS_DEVICE_REMOVED);
    assert_int_equal(opened, STATUS_DEVICE_REMOVED);
    assert_int_equal(created, 0); /* with a list that is empty: compat-dxcore */
    assert_int_equal(written, 0);
    assert_int_equal(dlclose(library), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(loading_and_asking_says_nothing)};

    if (argc != 2)
        return 2;
    if (access("/dev/dxg", F_OK) == 0)
        return 77;
    library_path = argv[1];
    unsetenv("D3DKMT_BACKEND");
    unsetenv("D3DKMT_LOG");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
