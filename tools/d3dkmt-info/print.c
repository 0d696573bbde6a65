/* SPDX-License-Identifier: MIT */
/* The tree as text for people, and as an adapter profile. */
#include "info.h"

#include "backend-loopback/profile/names.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_WIDTH = 22 };

static void print_line(int indent, const char *label, const char *text)
{
    if (text && *text)
        printf("%*s%-*s %s\n", indent, "", LABEL_WIDTH - indent, label, text);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* "1.0 GiB" and the like; exact below a KiB. */
static const char *size_text(json_int_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;

    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return text;
}

static void print_type(const json_t *type)
{
    char text[200] = "";
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)type, key, value)
    {
        if (json_is_true(value))
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? ", " : "",
                     key);
    }
    for (char *underscore = text; (underscore = strchr(underscore, '_')) != NULL;)
        *underscore = '-';
    print_line(2, "type", text);
}

static void print_driver(const json_t *driver)
{
    print_line(2, "driver version", text_of(driver, "version"));
    print_line(2, "driver model", text_of(driver, "wddm"));
    print_line(2, "adapter string", text_of(driver, "adapter_string"));
    print_line(2, "chip", text_of(driver, "chip_type"));
    print_line(2, "BIOS", text_of(driver, "bios_string"));
    print_line(2, "driver store", text_of(driver, "store"));
}

static void print_pci(const json_t *pci)
{
    char text[80];

    if (!text_of(pci, "vendor"))
        return;
    snprintf(text, sizeof(text), "%s %s, subsystem %s %s, revision %s", text_of(pci, "vendor"),
             text_of(pci, "device"), text_of(pci, "subsystem_vendor"), text_of(pci, "subsystem"),
             text_of(pci, "revision"));
    print_line(2, "PCI", text);
    print_line(2, "PCI address", text_of(pci, "address"));
}

static void print_capabilities(const json_t *caps)
{
    if (json_object_get(caps, "hw_scheduling_supported"))
        printf("  %-*s %s, %s\n", LABEL_WIDTH - 2, "hardware scheduling",
               json_is_true(json_object_get(caps, "hw_scheduling_supported")) ? "supported"
                                                                              : "not supported",
               json_is_true(json_object_get(caps, "hw_scheduling_enabled")) ? "enabled"
                                                                            : "not enabled");
}

static void print_nodes(const json_t *nodes)
{
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);
        char label[32];

        snprintf(label, sizeof(label), "engine %zu", i);
        printf("  %-*s %s (%s)\n", LABEL_WIDTH - 2, label, text_of(node, "name"),
               text_of(node, "engine"));
    }
}

static void print_group(const char *label, const json_t *group)
{
    static const char *const keys[] = {"size", "budget", "usage", "reservation"};
    char text[200] = "", number[32];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *value = json_object_get(group, keys[i]);

        if (value)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s %s", *text ? ", " : "",
                     keys[i], size_text(json_integer_value(value), number, sizeof(number)));
    }
    print_line(2, label, text);
}

static void print_adapter(const json_t *adapter, size_t index)
{
    const json_t *driver = json_object_get(adapter, "driver");
    const json_t *memory = json_object_get(adapter, "memory");
    const char *name = text_of(driver, "description");

    printf("\nadapter %zu: %s\n", index, name ? name : "(no description)");
    print_line(2, "LUID", text_of(adapter, "luid"));
    print_type(json_object_get(adapter, "type"));
    print_driver(driver);
    print_pci(json_object_get(adapter, "pci"));
    print_capabilities(json_object_get(adapter, "capabilities"));
    print_nodes(json_object_get(adapter, "nodes"));
    print_group("local memory", json_object_get(memory, "local"));
    print_group("non-local memory", json_object_get(memory, "non_local"));
}

/* Names without their common beginning, in lines of a terminal's width. */
static void print_operations(const char *label, const json_t *names)
{
    enum { WIDTH = 96 };
    int column = WIDTH;

    printf("\n%s (%zu):", label, json_array_size(names));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i)) + strlen("D3DKMT");
        int length = (int)strlen(name) + 1;

        if (column + length > WIDTH) {
            printf("\n ");
            column = 1;
        }
        printf(" %s", name);
        column += length;
    }
    putchar('\n');
}

void info_print_text(const json_t *info)
{
    const json_t *backend = json_object_get(info, "backend");
    const json_t *adapters = json_object_get(info, "adapters");
    const json_t *operations = json_object_get(info, "operations");

    print_line(0, "libd3dkmt", text_of(info, "library"));
    if (backend) {
        printf("%-*s %s: %s\n", LABEL_WIDTH, "backend", text_of(backend, "name"),
               text_of(backend, "description"));
        print_line(0, "options", text_of(backend, "specification"));
    }
    printf("%-*s %zu\n", LABEL_WIDTH, "adapters", json_array_size(adapters));
    for (size_t i = 0; i < json_array_size(adapters); i++)
        print_adapter(json_array_get(adapters, i), i);
    print_operations("supported calls", json_object_get(operations, "supported"));
    print_operations("calls that are not supported", json_object_get(operations, "not_supported"));
}

json_t *info_make_profile(const json_t *info)
{
    json_t *profile = json_object();

    json_object_set_new(profile, "d3dkmt_adapter_profile", json_integer(PROFILE_VERSION));
    json_object_set(profile, "adapters", json_object_get(info, "adapters"));
    /* What is of the moment and of this process, not of the adapter. */
    static const char *const groups[] = {"local", "non_local"};
    static const char *const passing[] = {"usage", "reservation", "available_for_reservation"};
    json_t *copy = json_deep_copy(profile);
    json_decref(profile);
    json_t *adapters = json_object_get(copy, "adapters");
    for (size_t i = 0; i < json_array_size(adapters) * 6; i++) {
        json_t *memory = json_object_get(json_array_get(adapters, i / 6), "memory");

        json_object_del(json_object_get(memory, groups[i % 2]), passing[i % 6 / 2]);
    }
    return copy;
}
