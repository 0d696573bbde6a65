/* SPDX-License-Identifier: MIT */
/* Pages of this process that a host shall reach: pinned, and known by number. */
#include "backend-vmbus-uio/guest_memory.h"
#include "core/last_error.h"
#include "core/test.h"
#include "fake_root.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE = 4096 };

static const char *root;

static int set_up(void **state)
{
    (void)state;
    root = fake_root_make();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_root_remove();
    return 0;
}

static void write_pagemap(const void *address, uint64_t entry)
{
    fake_root_write("proc/self/pagemap", "");
    int file = open(fake_root_path("proc/self/pagemap"), O_RDWR);
    assert_true(file >= 0);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t own = entry + i;

        assert_int_equal(pwrite(file, &own, sizeof(own),
                                (off_t)((uintptr_t)address / PAGE + i) * (off_t)sizeof(own)),
                         sizeof(own));
    }
    close(file);
}

static void page_numbers_are_those_of_the_page_map(void **state)
{
    struct guest_pin pin = {.size = 4 * PAGE, .writable = true};
    uint64_t frames[4] = {0};
    void *memory = NULL;
    (void)state;

    assert_int_equal(posix_memalign(&memory, PAGE, 4 * PAGE), 0);
    pin.address = memory;
    write_pagemap(memory, UINT64_C(1) << 63 | UINT64_C(1) << 55 | 0x1234);
    NTSTATUS status = vmbus_guest_memory_pin(root, &pin);
    if (status == STATUS_NOT_SUPPORTED && strstr(d3dkmti_fail_reason(), "io_uring")) {
        free(memory);
        skip(); /* a container may forbid it */
    }
    assert_int_equal(status, STATUS_SUCCESS);
    assert_int_equal(vmbus_guest_memory_frames(root, &pin, 1, 3, frames), STATUS_SUCCESS);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(frames[i], 0x1234 + 1 + i);
    vmbus_guest_memory_unpin(&pin);
    free(memory);
}

static bool a_pin_needs_locked_memory(void)
{
    const struct rlimit none = {0, 0};
    const size_t size = 64 * PAGE;
    struct guest_pin pin = {.size = size, .writable = true};
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    pin.address = memory;
    return memory != MAP_FAILED && setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
           vmbus_guest_memory_pin(root, &pin) == STATUS_NOT_SUPPORTED &&
           strstr(d3dkmti_fail_reason(), "io_uring refuses them") &&
           strstr(d3dkmti_fail_reason(), "RLIMIT_MEMLOCK");
}

static void memory_that_cannot_be_pinned_is_refused(void **state)
{
    (void)state;
    assert_true(fake_root_without_privileges(a_pin_needs_locked_memory));
}

static void memory_that_is_not_mapped_is_no_memory(void **state)
{
    struct guest_pin pin = {.size = 2 * PAGE, .writable = true};
    void *memory = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;

    assert_ptr_not_equal(memory, MAP_FAILED);
    pin.address = memory;
    assert_int_equal(vmbus_guest_memory_pin(root, &pin), STATUS_INVALID_PARAMETER);
    munmap(memory, 2 * PAGE);
    assert_int_equal(vmbus_guest_memory_pin(root, &pin), STATUS_INVALID_PARAMETER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(page_numbers_are_those_of_the_page_map),
        TEST(memory_that_cannot_be_pinned_is_refused),
        TEST(memory_that_is_not_mapped_is_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
