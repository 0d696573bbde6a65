/* SPDX-License-Identifier: MIT */
/* What is missing is named, with what to do about it: privileges, nodes, settings. */
#include "client/client.h"
#include "client/gpu.h"
#include "fake_root.h"
#include "hostd/host_process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PATIENCE_S = 60 };

static struct host_process host;

static int start(void **state)
{
    (void)state;
    host_process_start_vmbus(&host, "page-lists", NULL, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    D3DKMTCloseDxCoreDevice();
    return host_process_stop(&host);
}

/* A path in the simulated machine. */
static const char *at(const char *name)
{
    static char paths[2][512]; /* two of them can be asked for in one call */
    static unsigned next;
    char *path = paths[next++ % 2];

    snprintf(path, sizeof(paths[0]), "%s/%s", host.path, name);
    return path;
}

static void write_line(const char *name, const char *line)
{
    FILE *file = fopen(at(name), "w");

    assert_non_null(file);
    fprintf(file, "%s\n", line);
    fclose(file);
}

/* The device of a class, by the node that it has. */
static const char *in_device(unsigned uio, const char *name)
{
    static char path[512], found[400];
    char command[300];

    snprintf(command, sizeof(command), "ls -d %s/sys/bus/vmbus/devices/*/uio/uio%u/../..",
             host.path, uio);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_non_null(fgets(found, sizeof(found), output));
    pclose(output);
    found[strcspn(found, "\n")] = '\0';
    snprintf(path, sizeof(path), "%s/%s", found, name);
    return path;
}

static bool open_says(const char *part)
{
    D3DKMT_ENUMADAPTERS2 list;

    memset(&list, 0, sizeof(list));
    bool failed = !NT_SUCCESS(d3dkmt_open(host.backend)) || !NT_SUCCESS(D3DKMTEnumAdapters2(&list));
    bool said = failed && strstr(d3dkmt_last_error(), part);
    if (!said)
        fprintf(stderr, "\"%s\" does not tell \"%s\"\n", d3dkmt_last_error(), part);
    D3DKMTCloseDxCoreDevice();
    return said;
}

/* ---- settings */

static void without_a_place_for_the_io_space_that_is_said(void **state)
{
    (void)state;
    write_line("etc/d3dkmt/vmbus-uio.conf", "");
    assert_true(open_says("the IO space is not known: say mmio=BASE+SIZE"));
    assert_int_equal(unlink(at("etc/d3dkmt/vmbus-uio.conf")), 0);
    assert_true(open_says("the IO space is not known"));
}

static void a_setting_that_is_wrong_is_named(void **state)
{
    static const char *const lines[][2] = {
        {"mmio=x+1M", "mmio=x is not a number"},
        {"mmio=0x800000000", "mmio=BASE+SIZE= is not a number"},
        {"mmio=0x800000000+1", "outside of"},
        {"mmio=0x800000001+1M", "multiple of 64 KiB"},
        {"mmio=0x800000000+1048577", "SIZE of 1 MiB"},
        {"mmio=0x800000000+2048G", "outside of"},
        {"spin-us=1000001", "outside of 0 to 1000000"},
        {"mmio=0x800000000+1M\nspin-us=0", "one line of options"},
        {"colour=blue", "\"colour\" is not an option of vmbus-uio"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT(lines); i++) {
        write_line("etc/d3dkmt/vmbus-uio.conf", lines[i][0]);
        assert_true(open_says(lines[i][1]));
    }
}

static void a_range_that_holds_something_else_is_refused(void **state)
{
    (void)state;
    mkdir(at("proc"), 0755);
    write_line("proc/iomem", "800000000-8ffffffff : PCI Bus 0000:00\n"
                             "  8f0000000-8f0ffffff : 6462696c-6433-6d6b-8d6f-4c1e676c6f62");
    assert_true(open_says("overlaps with \"6462696c-6433-6d6b-8d6f-4c1e676c6f62\""));
    write_line("proc/iomem", "100000000-87fffffff : System RAM");
    assert_true(open_says("overlaps with \"System RAM\" at 0x100000000-0x87fffffff"));
    /* An unprivileged reader is shown zeros, which are no obstacle; nor are the windows. */
    write_line("proc/iomem",
               "00000000-00000000 : System RAM\n800000000-8ffffffff : PCI Bus 0000:00");
    struct client_gpu gpu;
    assert_success(d3dkmt_open(host.backend));
    assert_success(client_gpu_open(&gpu));
    client_gpu_close(&gpu);
}

/* ---- nodes and privileges */

static void without_dev_mem_that_is_said(void **state)
{
    (void)state;
    assert_int_equal(unlink(at("dev/mem")), 0);
    assert_true(open_says("/dev/mem does not exist: fences and locked memory need it"));
}

/* What a kernel with STRICT_DEVMEM, or one that is locked down, answers to mmap. */
static void a_strict_dev_mem_names_its_conditions(void **state)
{
    char target[64];
    int file = memfd_create("strict", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)state;

    assert_int_equal(ftruncate(file, (off_t)1 << 36), 0);
    assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    snprintf(target, sizeof(target), "/proc/%ld/fd/%d", (long)getpid(), file);
    assert_int_equal(unlink(at("dev/mem")), 0);
    assert_int_equal(symlink(target, at("dev/mem")), 0);
    assert_true(open_says("needs CAP_SYS_RAWIO, a kernel that is not locked down"));
    close(file);
}

static bool configuration_is_named(void)
{
    return open_says("config may not be opened for writing: root");
}

static bool uio_is_named(void)
{
    return open_says("/dev/uio0 may not be opened by user") && open_says("group d3dkmt");
}

static bool memory_is_named(void)
{
    return open_says("/dev/mem may not be opened: fences and locked memory need it; run as root");
}

static void everything_that_takes_root_says_so_in_turn(void **state)
{
    (void)state;
    assert_int_equal(chmod(at("dev/uio0"), 0700), 0);
    assert_int_equal(chmod(at("dev/mem"), 0700), 0);
    assert_int_equal(chmod(at("sys/bus/pci/devices/0001:00:00.0/config"), 0700), 0);
    if (geteuid() != 0)
        skip(); /* the owner cannot be kept out */
    assert_true(fake_root_without_privileges(configuration_is_named));
    assert_int_equal(chmod(at("sys/bus/pci/devices/0001:00:00.0/config"), 0777), 0);
    assert_true(fake_root_without_privileges(uio_is_named));
    assert_int_equal(chmod(at("dev/uio0"), 0777), 0);
    assert_true(fake_root_without_privileges(memory_is_named));
}

static int seen[2]; /* a pipe: what can be opened is in use */

static bool adapters_become(ULONG wanted)
{
    time_t end = time(NULL) + PATIENCE_S;
    D3DKMT_ADAPTERINFO adapters[4];
    D3DKMT_ENUMADAPTERS2 list;

    do {
        memset(&list, 0, sizeof(list));
        list.NumAdapters = COUNT(adapters);
        list.pAdapters = adapters;
        usleep(10000);
    } while ((!NT_SUCCESS(D3DKMTEnumAdapters2(&list)) || list.NumAdapters != wanted) &&
             time(NULL) < end);
    return list.NumAdapters == wanted;
}

static bool the_second_adapter_comes_later(void)
{
    return NT_SUCCESS(d3dkmt_open(host.backend)) && adapters_become(1) &&
           write(seen[1], "", 1) == 1 && adapters_become(2);
}

/* udev gives a node to its group a moment after the kernel has made it. */
static void a_node_that_may_be_opened_later_is_opened_then(void **state)
{
    static const char *const nodes[] = {"dev/uio0", "dev/uio1", "dev/mem",
                                        "sys/bus/pci/devices/0001:00:00.0/config",
                                        "sys/bus/pci/devices/0002:00:00.0/config"};
    char byte;
    (void)state;

    if (geteuid() != 0)
        skip(); /* the owner cannot be kept out */
    host_process_stop(&host);
    host_process_start_vmbus(&host, "adapters=2", NULL, NULL);
    for (size_t i = 0; i < COUNT(nodes); i++)
        assert_int_equal(chmod(at(nodes[i]), 0777), 0);
    assert_int_equal(chmod(at("dev/uio2"), 0700), 0);
    assert_int_equal(pipe(seen), 0);
    pid_t udev = fork();
    if (udev == 0) {
        close(seen[1]);
        _exit(read(seen[0], &byte, 1) == 1 && chmod(at("dev/uio2"), 0777) == 0 ? 0 : 1);
    }
    assert_true(fake_root_without_privileges(the_second_adapter_comes_later));
    close(seen[0]);
    close(seen[1]);
    assert_int_equal(waitpid(udev, NULL, 0), udev);
}

static void a_node_that_udev_did_not_make_is_named(void **state)
{
    (void)state;
    assert_int_equal(unlink(at("dev/uio0")), 0);
    assert_true(open_says("/dev/uio0 does not exist"));
}

static void a_node_of_something_else_is_no_device(void **state)
{
    (void)state;
    assert_int_equal(unlink(at("dev/uio0")), 0);
    assert_int_equal(link(at("dev/mem"), at("dev/uio0")), 0);
    assert_true(open_says("/dev/uio0: what is there is no UIO device"));
}

static void devices_that_are_not_bound_name_the_tool(void **state)
{
    (void)state;
    assert_int_equal(unlink(in_device(1, "driver")), 0);
    assert_true(open_says("no driver is bound to it; as root: d3dkmt-bind bind"));
    assert_int_equal(symlink("../../drivers/dxgkrnl", in_device(1, "driver")), 0);
    assert_true(open_says("the driver dxgkrnl has it"));
    assert_int_equal(unlink(in_device(0, "driver")), 0);
    assert_true(open_says("no driver is bound"));
}

static void a_vgpu_without_its_pci_function_says_so(void **state)
{
    (void)state;
    assert_int_equal(unlink(at("sys/bus/pci/devices/0001:00:00.0/vendor")), 0);
    assert_true(open_says("no PCI function 1414:008e or 1414:008a belongs to it"));
}

/* ---- memory of the program's */

static void write_pagemap(const void *address, uint64_t entry)
{
    mkdir(at("proc"), 0755);
    mkdir(at("proc/self"), 0755);
    int file = open(at("proc/self/pagemap"), O_RDWR | O_CREAT, 0644);
    assert_true(file >= 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pwrite(file, &entry, sizeof(entry),
                                (off_t)((uintptr_t)address / PAGE + i) * (off_t)sizeof(entry)),
                         sizeof(entry));
    close(file);
}

static bool wrapping_says(void *memory, const char *part)
{
    struct umd_buffer buffer;
    struct umd umd;

    assert_success(d3dkmt_open(host.backend));
    assert_success(umd_open(&umd, 0));
    NTSTATUS status = umd_buffer_wrap(&umd, memory, 4 * PAGE, &buffer);
    bool said = status == STATUS_NOT_SUPPORTED && strstr(d3dkmt_last_error(), part);
    if (!said)
        print_error("%s\n", d3dkmt_last_error());
    umd_close(&umd);
    D3DKMTCloseDxCoreDevice();
    return said;
}

static void without_page_numbers_memory_of_the_program_is_refused(void **state)
{
    void *memory = NULL;
    (void)state;

    assert_int_equal(posix_memalign(&memory, PAGE, 4 * PAGE), 0);
    memset(memory, 1, 4 * PAGE);
    assert_true(wrapping_says(memory, "pagemap does not show (No such file"));
    write_pagemap(memory, UINT64_C(1) << 63); /* what an unprivileged reader gets */
    assert_true(wrapping_says(memory, "they read as 0): that takes CAP_SYS_ADMIN"));
    write_pagemap(memory, UINT64_C(1) << 62 | 77); /* swapped out */
    assert_true(wrapping_says(memory, "they read as 0"));
    free(memory);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(without_a_place_for_the_io_space_that_is_said),
        TEST(a_setting_that_is_wrong_is_named),
        TEST(a_range_that_holds_something_else_is_refused),
        TEST(without_dev_mem_that_is_said),
        TEST(a_strict_dev_mem_names_its_conditions),
        TEST(everything_that_takes_root_says_so_in_turn),
        TEST(a_node_that_may_be_opened_later_is_opened_then),
        TEST(a_node_that_udev_did_not_make_is_named),
        TEST(a_node_of_something_else_is_no_device),
        TEST(devices_that_are_not_bound_name_the_tool),
        TEST(a_vgpu_without_its_pci_function_says_so),
        TEST(without_page_numbers_memory_of_the_program_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
