/* SPDX-License-Identifier: MIT */
#include "client/bad_input.h"

#include "backend-loopback/backend.h"
#include "backend-loopback/host/host.h"
#include "guest/held.h"

#include <d3dkmt/loopback.h>

#include <stdio.h>
#include <stdlib.h>

struct world bad_world;
bool bad_async, bad_check_pointers;

static unsigned failed_cases, descriptors_before, mappings_before;

/* ---- fixture */

int bad_input_set_up(void **state)
{
    static bool registered;
    const char *specification = *state;

    if (!registered)
        assert_int_equal(d3dkmt_register_backend(&d3dkmt_loopback_backend), STATUS_SUCCESS);
    registered = true;
    failed_cases = 0;
    descriptors_before = held_descriptors();
    mappings_before = held_mappings();
    bad_async = strstr(specification, "async") != NULL;
    bad_check_pointers = strstr(specification, "check-pointers") != NULL;
    if (!NT_SUCCESS(d3dkmt_open(specification)))
        return -1;
    world_create(&bad_world, world_public_call, NULL);
    if (bad_world.failures)
        print_error("%s: %s\n", bad_world.first_failure, d3dkmt_last_error());
    return bad_world.failures ? -1 : 0;
}

int bad_input_tear_down(void **state)
{
    (void)state;
    world_destroy(&bad_world);
    uint32_t objects = host_object_count(loopback_host());
    D3DKMTCloseDxCoreDevice();
    unsigned descriptors = held_descriptors(), mappings = held_mappings();
    bool clean = objects == 0 && descriptors == descriptors_before && mappings == mappings_before &&
                 bad_world.failures == 0;
    if (!clean)
        print_error("%u objects, %d descriptors and %d mappings are left; %u calls failed: %s\n",
                    objects, (int)(descriptors - descriptors_before),
                    (int)(mappings - mappings_before), bad_world.failures,
                    bad_world.failures ? bad_world.first_failure : "");
    return clean ? 0 : -1;
}

/* ---- the check */

static void complain(const struct bad_case *expected, const char *how)
{
    failed_cases++;
    print_error("%s, %s: %s. %s\n", expected->call->name, expected->what, how, d3dkmt_last_error());
}

void bad_input_expect(const struct bad_case *expected, void *args)
{
    static unsigned char scratch_before[65536];
    unsigned char before[CALL_ARGS_MAX];
    uint32_t objects = host_object_count(loopback_host());

    memcpy(before, args, expected->call->args_size);
    memcpy(scratch_before, bad_world.scratch, sizeof(scratch_before));
    NTSTATUS status = world_public_call(NULL, expected->call->op, args);
    const char *text = d3dkmt_last_error();

    if (NT_SUCCESS(status)) {
        every_call_close(expected->call, args);
        if (!expected->may_succeed)
            complain(expected, "succeeds");
        return;
    }
    if (expected->status != STATUS_SUCCESS && status != expected->status)
        complain(expected, d3dkmt_status_name(status));
    else if (d3dkmt_last_error_status() != status || !strstr(text, expected->call->name))
        complain(expected, "the error does not name the call");
    else if (expected->argument && !strstr(text, expected->argument))
        complain(expected, "the error does not name the argument");
    else if (memcmp(before, args, expected->call->args_size) != 0)
        complain(expected, "the arguments were changed");
    else if (!expected->fills &&
             memcmp(scratch_before, bad_world.scratch, sizeof(scratch_before)) != 0)
        complain(expected, "the caller's memory was changed");
    else if (host_object_count(loopback_host()) != objects)
        complain(expected, "the host's objects are not what they were");
}

void bad_input_try_all(enum malformation_id id)
{
    const struct malform malform = {&bad_world, bad_async, bad_input_expect};

    for (size_t i = 0; i < every_call_count; i++) {
        const struct every_call *call = &every_call[i];

        for (unsigned f = 0; f < CALL_FIELDS && call->fields[f].kind; f++) {
            if (malformations[id].applies(call, &call->fields[f]))
                malformations[id].each(&malform, call, &call->fields[f]);
        }
    }
    bad_input_assert_all();
}

void bad_input_assert_all(void)
{
    assert_int_equal(failed_cases, 0);
}
