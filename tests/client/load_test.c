/* SPDX-License-Identifier: MIT */
/*
 * Clients that load the library themselves, several of them and each with symbols of its own first,
 * and unload it while others use it. This program is not linked with the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gpu.h"

#include <d3dkmt/d3dkmthk.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLIENTS = 4, ROUNDS = 50 };

static const char *library_path;

#if defined(CLIENT_ADDRESS_SANITIZER) || defined(CLIENT_THREAD_SANITIZER)
/* Sanitizers end a program that uses RTLD_DEEPBIND; the rest of the test stands. */
enum { LOAD_FLAGS = RTLD_NOW | RTLD_LOCAL };
#else
enum { LOAD_FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND };
#endif

struct client {
    void *library;
    PFND3DKMT_ENUMADAPTERS2 enum_adapters;
    PFND3DKMT_CREATEDEVICE create_device;
    PFND3DKMT_DESTROYDEVICE destroy_device;
    PFND3DKMT_CLOSEADAPTER close_adapter;
};

/* function: where a pointer to the function goes. ISO C has no other way between the two kinds. */
static bool find(const struct client *client, const char *name, void *function)
{
    void *symbol = dlsym(client->library, name);

    memcpy(function, &symbol, sizeof(symbol));
    return symbol != NULL;
}

static bool load(struct client *client)
{
    client->library = dlopen(library_path, LOAD_FLAGS);
    if (!client->library) {
        fprintf(stderr, "%s\n", dlerror());
        return false;
    }
    return find(client, "D3DKMTEnumAdapters2", &client->enum_adapters) &&
           find(client, "D3DKMTCreateDevice", &client->create_device) &&
           find(client, "D3DKMTDestroyDevice", &client->destroy_device) &&
           find(client, "D3DKMTCloseAdapter", &client->close_adapter);
}

static bool unload(struct client *client)
{
    return dlclose(client->library) == 0;
}

/* Opens an adapter and a device and gives both back. */
static bool use(const struct client *client)
{
    D3DKMT_ADAPTERINFO adapter;
    D3DKMT_ENUMADAPTERS2 list;
    D3DKMT_CREATEDEVICE create;

    memset(&list, 0, sizeof(list));
    list.NumAdapters = 1;
    list.pAdapters = &adapter;
    if (!NT_SUCCESS(client->enum_adapters(&list)) || list.NumAdapters != 1)
        return false;
    memset(&create, 0, sizeof(create));
    create.hAdapter = adapter.hAdapter;
    if (!NT_SUCCESS(client->create_device(&create)))
        return false;
    const D3DKMT_DESTROYDEVICE destroy = {create.hDevice};
    const D3DKMT_CLOSEADAPTER close_adapter = {adapter.hAdapter};
    return NT_SUCCESS(client->destroy_device(&destroy)) &&
           NT_SUCCESS(client->close_adapter(&close_adapter));
}

static void overlapping_clients_share_one_library(void **state)
{
    struct client first, second;

    (void)state;
    assert_true(load(&first));
    assert_true(use(&first));
    assert_true(load(&second));
    assert_true(unload(&first));
    assert_true(use(&second));
    assert_true(load(&first));
    assert_true(unload(&second));
    assert_true(use(&first));
    assert_true(unload(&first));
}

/* Its threads and whoever kept a pointer may call on. */
static void functions_outlive_the_last_unload(void **state)
{
    struct client client;

    (void)state;
    assert_true(load(&client));
    assert_true(unload(&client));
    assert_true(use(&client));
}

static void *load_use_and_unload(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct client client;

        if (!load(&client) || !use(&client) || !unload(&client))
            return "a client failed";
    }
    return context;
}

static void clients_come_and_go_at_once(void **state)
{
    pthread_t threads[CLIENTS];
    void *complaint;

    (void)state;
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_use_and_unload, NULL), 0);
    for (int i = 0; i < CLIENTS; i++) {
        pthread_join(threads[i], &complaint);
        assert_null(complaint);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_clients_share_one_library),
        cmocka_unit_test(functions_outlive_the_last_unload),
        cmocka_unit_test(clients_come_and_go_at_once),
    };

    if (argc != 2)
        return 2;
    library_path = argv[1];
    setenv("D3DKMT_BACKEND", "loopback", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
