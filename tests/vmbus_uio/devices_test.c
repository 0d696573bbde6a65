/* SPDX-License-Identifier: MIT */
/* What sysfs shows of VMBus devices, and everything that can be wrong with it. */
#include "backend-vmbus-uio/devices.h"
#include "backend-vmbus-uio/pci.h"
#include "core/last_error.h"
#include "core/test.h"
#include "fake_root.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GLOBAL "sys/bus/vmbus/devices/" FAKE_GLOBAL "/"
#define VGPU   "sys/bus/vmbus/devices/" FAKE_VGPU "/"
#define CONFIG "sys/bus/pci/devices/" FAKE_FUNCTION "/config"

static const char *root;
static struct vmbus_device devices[VMBUS_MOST_DEVICES];
static size_t count;

static int set_up(void **state)
{
    (void)state;
    root = fake_root_make();
    fake_root_fill();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_root_remove();
    return 0;
}

static void list(void)
{
    assert_int_equal(vmbus_devices_list(root, devices, &count), STATUS_SUCCESS);
}

static const struct vmbus_device *find(enum vmbus_class device_class)
{
    list();
    for (size_t i = 0; i < count; i++)
        if (devices[i].device_class == device_class)
            return &devices[i];
    return NULL;
}

/* The vGPU has this problem; the other device has none. */
static void expect_problem(const char *part)
{
    const struct vmbus_device *vgpu = find(VMBUS_CLASS_VGPU);

    assert_non_null(vgpu);
    if (!strstr(vgpu->problem, part))
        print_error("\"%s\" does not tell \"%s\"\n", vgpu->problem, part);
    assert_non_null(strstr(vgpu->problem, part));
    for (size_t i = 0; i < count; i++)
        if (devices[i].device_class == VMBUS_CLASS_GLOBAL)
            assert_string_equal(devices[i].problem, "");
}

/* ---- what is right */

static void devices_that_are_bound_can_be_used(void **state)
{
    static const uint8_t instance[16] = {0xdd, 0xcc, 0xbb, 0xaa, 0x22, 0x11, 0x44, 0x33,
                                         0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc};
    const struct vmbus_device *vgpu = find(VMBUS_CLASS_VGPU);

    (void)state;
    assert_int_equal(count, 2);
    assert_string_equal(vgpu->problem, "");
    assert_string_equal(vgpu->name, FAKE_VGPU);
    assert_string_equal(vgpu->instance_text, FAKE_VGPU);
    assert_memory_equal(vgpu->instance, instance, sizeof(instance));
    assert_string_equal(vgpu->driver, "uio_hv_generic");
    assert_int_equal(vgpu->relid, 21);
    assert_int_equal(vgpu->uio, 1);
    assert_int_equal(vgpu->monitor, VMBUS_NO_MONITOR);
    assert_int_equal(vmbus_device_ring_size(vgpu), 0x11000);
}

static void other_classes_are_left_out(void **state)
{
    (void)state;
    fake_root_write("sys/bus/vmbus/devices/x/class_id", "{f8615163-df3e-46c5-913f-f2d2f965ed0e}");
    list();
    assert_int_equal(count, 2);
}

static void a_guid_may_be_in_capitals_and_without_braces(void **state)
{
    (void)state;
    fake_root_write(VGPU "class_id", "6E382D18-3336-4F4B-ACC4-2B7703D4DF4A");
    fake_root_write(VGPU "device_id", "AABBCCDD-1122-3344-5566-778899AABBCC");
    const struct vmbus_device *vgpu = find(VMBUS_CLASS_VGPU);
    assert_non_null(vgpu);
    assert_string_equal(vgpu->problem, "");
    assert_string_equal(vgpu->instance_text, FAKE_VGPU);
}

static void a_folder_of_any_name_will_do(void **state)
{
    char from[256];

    (void)state;
    snprintf(from, sizeof(from), "%s", fake_root_path("sys/bus/vmbus/devices/" FAKE_VGPU));
    assert_int_equal(rename(from, fake_root_path("sys/bus/vmbus/devices/vmbus_7")), 0);
    const struct vmbus_device *vgpu = find(VMBUS_CLASS_VGPU);
    assert_string_equal(vgpu->name, "vmbus_7");
    assert_string_equal(vgpu->problem, "");
}

static void a_monitor_is_taken(void **state)
{
    (void)state;
    fake_root_write(VGPU "monitor_id", "37");
    assert_int_equal(find(VMBUS_CLASS_VGPU)->monitor, 37);
    expect_problem("");
}

static void more_maps_do_no_harm(void **state)
{
    (void)state;
    fake_root_write(VGPU "uio/uio1/maps/map3/name", "recv:917540");
    fake_root_write(VGPU "uio/uio1/maps/map3/size", "0x0000000001f00000");
    assert_string_equal(find(VMBUS_CLASS_VGPU)->problem, "");
}

/* ---- what is wrong with one device */

/* One file with something else in it, or none, and what is said of it. */
struct variant {
    const char *name, *file, *line, *problem;
};

static const struct variant variants[] = {
    {"class of garbage", VGPU "class_id", "no guid", NULL},
    {"class with one brace", VGPU "class_id", "{6e382d18-3336-4f4b-acc4-2b7703d4df4a", NULL},
    {"no class", VGPU "class_id", NULL, NULL},
    {"no instance", VGPU "device_id", NULL, NULL},
    {"no channel number", VGPU "id", NULL, NULL},
    {"instance of garbage", VGPU "device_id", "{aabbccdd}", "device_id is no GUID"},
    {"channel number of garbage", VGPU "id", "seven", "(id) is no number"},
    {"channel number with a tail", VGPU "id", "7x", "(id) is no number"},
    {"negative channel number", VGPU "id", "-7", "(id) is no number"},
    {"channel number beyond 64 bits", VGPU "id", "99999999999999999999", "(id) is no number"},
    {"channel number beyond 32 bits", VGPU "id", "4294967296", "(id) is no number"},
    {"empty channel number", VGPU "id", "", "(id) is no number"},
    {"monitor beyond the page", VGPU "monitor_id", "128", "there are only 128"},
    {"monitor of garbage", VGPU "monitor_id", "x", "monitor_id cannot be read"},
    {"no map 2", VGPU "uio/uio1/maps/map2/name", NULL, "has no map 2"},
    {"another map 1", VGPU "uio/uio1/maps/map1/name", "recv:7", "instead of \"int_page\""},
    {"a name that is too long", VGPU "uio/uio1/maps/map1/name",
     "0123456789012345678901234567890123456789012345678901234567890", "has no map 1"},
    {"no size", VGPU "uio/uio1/maps/map0/size", NULL, "size of map 0"},
    {"size 0", VGPU "uio/uio1/maps/map0/size", "0x0", "has 0 bytes"},
    {"size of half a page", VGPU "uio/uio1/maps/map0/size", "0x22800", "has 141312 bytes"},
    {"an odd number of pages", VGPU "uio/uio1/maps/map0/size", "0x23000", "not twice some pages"},
    {"rings without data", VGPU "uio/uio1/maps/map0/size", "0x2000", "not twice some pages"},
    {"rings that are too large", VGPU "uio/uio1/maps/map0/size", "0x4002000", "up to 64 MiB"},
    {"a size beyond 64 bits", VGPU "uio/uio1/maps/map0/size", "0x10000000000000000", "size of map"},
    {"two UIO devices", VGPU "uio/uio2/name", "x", "2 UIO devices"},
    {"no UIO device", VGPU "uio", NULL, "made no UIO device"},
    {"no channel folder", VGPU "channels", NULL, "channels/21 is missing"},
    {"another channel's folder", VGPU "id", "22", "channels/22 is missing"},
    {"no driver", VGPU "driver", NULL, "no driver is bound"},
};

static void every_variant_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(variants); i++) {
        const struct variant *variant = &variants[i];

        if (i > 0) {
            fake_root_remove();
            root = fake_root_make();
            fake_root_fill();
        }
        if (variant->line)
            fake_root_write(variant->file, variant->line);
        else
            fake_root_drop(variant->file);
        print_message("%s\n", variant->name);
        if (variant->problem) {
            expect_problem(variant->problem);
        } else { /* none of ours, or about to vanish */
            assert_null(find(VMBUS_CLASS_VGPU));
            assert_int_equal(count, 1);
        }
    }
}

static void a_device_of_another_driver_says_which(void **state)
{
    (void)state;
    fake_root_drop(VGPU "driver");
    assert_int_equal(symlink("../../drivers/dxgkrnl", fake_root_path(VGPU "driver")), 0);
    expect_problem("the driver dxgkrnl has it");
    assert_string_equal(find(VMBUS_CLASS_VGPU)->driver, "dxgkrnl");
}

static void names_that_only_begin_like_uio_do_not_count(void **state)
{
    (void)state;
    fake_root_write(VGPU "uio/uiox/name", "x");
    fake_root_write(VGPU "uio/uio/name", "x");
    fake_root_write(VGPU "uio/uio1x/name", "x");
    fake_root_write(VGPU "uio/power/control", "x");
    assert_string_equal(find(VMBUS_CLASS_VGPU)->problem, "");
}

static bool without_privileges(void)
{
    const struct vmbus_device *vgpu = find(VMBUS_CLASS_VGPU);

    return vgpu && strstr(vgpu->problem, "Permission denied");
}

static void a_file_that_may_not_be_read_says_so(void **state)
{
    (void)state;
    assert_int_equal(chmod(fake_root_path(VGPU "uio/uio1/maps/map0/size"), 0), 0);
    assert_true(fake_root_without_privileges(without_privileges));
}

static void without_a_vmbus_that_is_said(void **state)
{
    (void)state;
    fake_root_drop("sys/bus/vmbus");
    assert_int_equal(vmbus_devices_list(root, devices, &count), STATUS_DEVICE_REMOVED);
    assert_non_null(strstr(d3dkmti_fail_reason(), "no guest of Hyper-V"));
    assert_int_equal(count, 0);
}

/* ---- PCI functions */

static struct vmbus_pci_function functions[VMBUS_MOST_DEVICES];

static void a_function_names_its_channel(void **state)
{
    (void)state;
    assert_int_equal(vmbus_pci_list(root, functions, &count), STATUS_SUCCESS);
    assert_int_equal(count, 1);
    assert_string_equal(functions[0].problem, "");
    assert_false(functions[0].compute_only);
    assert_memory_equal(functions[0].channel, find(VMBUS_CLASS_VGPU)->instance, 16);
}

static void a_compute_accelerator_is_known(void **state)
{
    (void)state;
    fake_root_write("sys/bus/pci/devices/" FAKE_FUNCTION "/device", "0x008a");
    assert_int_equal(vmbus_pci_list(root, functions, &count), STATUS_SUCCESS);
    assert_true(functions[0].compute_only);
}

static void other_functions_are_left_out(void **state)
{
    (void)state;
    fake_root_write("sys/bus/pci/devices/" FAKE_FUNCTION "/device", "0x5353");
    fake_root_write("sys/bus/pci/devices/0000:00:01.0/vendor", "0x8086");
    fake_root_write("sys/bus/pci/devices/0000:00:01.0/device", "0x008e");
    assert_int_equal(vmbus_pci_list(root, functions, &count), STATUS_SUCCESS);
    assert_int_equal(count, 0);
}

/* What the kernel gives a reader without privileges: the first 64 bytes, and no error. */
static void a_short_configuration_names_the_privilege(void **state)
{
    (void)state;
    assert_int_equal(truncate(fake_root_path(CONFIG), 64), 0);
    assert_int_equal(vmbus_pci_list(root, functions, &count), STATUS_SUCCESS);
    assert_int_equal(count, 1);
    assert_non_null(strstr(functions[0].problem, "needs CAP_SYS_ADMIN"));
}

static bool configuration_names_root(void)
{
    return vmbus_pci_list(root, functions, &count) == STATUS_SUCCESS && count == 1 &&
           strstr(functions[0].problem, "may not be opened for writing: root");
}

static void a_configuration_that_may_not_be_written_names_root(void **state)
{
    (void)state;
    assert_int_equal(chmod(fake_root_path(CONFIG), 0444), 0);
    assert_true(fake_root_without_privileges(configuration_names_root));
}

static void words_are_read_and_written(void **state)
{
    uint32_t value = 0;
    (void)state;

    assert_int_equal(vmbus_pci_write(root, FAKE_FUNCTION, 0xd0, 40), STATUS_SUCCESS);
    assert_int_equal(vmbus_pci_read(root, FAKE_FUNCTION, 0xd0, &value), STATUS_SUCCESS);
    assert_int_equal(value, 40);
    fake_root_drop(CONFIG);
    assert_int_equal(vmbus_pci_read(root, FAKE_FUNCTION, 0xd0, &value), STATUS_DEVICE_REMOVED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(devices_that_are_bound_can_be_used),
        TEST(other_classes_are_left_out),
        TEST(a_guid_may_be_in_capitals_and_without_braces),
        TEST(a_folder_of_any_name_will_do),
        TEST(a_monitor_is_taken),
        TEST(more_maps_do_no_harm),
        TEST(every_variant_is_told),
        TEST(a_device_of_another_driver_says_which),
        TEST(names_that_only_begin_like_uio_do_not_count),
        TEST(a_file_that_may_not_be_read_says_so),
        TEST(without_a_vmbus_that_is_said),
        TEST(a_function_names_its_channel),
        TEST(a_compute_accelerator_is_known),
        TEST(other_functions_are_left_out),
        TEST(a_short_configuration_names_the_privilege),
        TEST(a_configuration_that_may_not_be_written_names_root),
        TEST(words_are_read_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
