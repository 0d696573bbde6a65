/* SPDX-License-Identifier: MIT */
#include "raw.h"

#include <dirent.h>

int raw_open(void)
{
    int node = open("/dev/dxg", O_RDWR | O_CLOEXEC);

    CHECK(node >= 0);
    return node;
}

uint32_t raw_open_adapter(int node, struct raw_luid *luid)
{
    struct raw_adapter_info infos[16];
    struct raw_enum_adapters2 list = {.count = 16, .adapters = (uintptr_t)infos};

    CHECK(ioctl(node, RAW_ENUM_ADAPTERS2, &list) == 0 && list.count >= 1);
    for (uint32_t i = 1; i < list.count; i++)
        CHECK(ioctl(node, RAW_CLOSE_ADAPTER, &infos[i].adapter) == 0);
    if (luid)
        *luid = infos[0].luid;
    return infos[0].adapter;
}

void raw_begin(struct raw *raw)
{
    struct raw_create_device create = {0};

    raw->device_node = raw_open();
    raw->adapter = create.adapter = raw_open_adapter(raw->device_node, &raw->luid);
    CHECK(ioctl(raw->device_node, RAW_CREATE_DEVICE, &create) == 0 && create.device != 0);
    raw->device = create.device;
}

uint32_t raw_create_fence(const struct raw *raw, uint32_t flags, const volatile uint64_t **value)
{
    struct raw_create_sync_object create = {
        .device = raw->device, .type = RAW_MONITORED_FENCE, .flags = flags};

    CHECK(ioctl(raw->device_node, RAW_CREATE_SYNC_OBJECT, &create) == 0);
    CHECK(create.sync_object != 0 && create.cpu_address != 0);
    if (value)
        *value = (const volatile uint64_t *)(uintptr_t)create.cpu_address;
    return create.sync_object;
}

int raw_signal(const struct raw *raw, uint32_t fence, uint64_t value)
{
    struct raw_signal_from_cpu signal = {.device = raw->device,
                                         .count = 1,
                                         .objects = (uintptr_t)&fence,
                                         .values = (uintptr_t)&value};

    return ioctl(raw->device_node, RAW_SIGNAL_FROM_CPU, &signal);
}

int raw_wait(const struct raw *raw, uint32_t fence, uint64_t value)
{
    struct raw_wait_from_cpu wait = {.device = raw->device,
                                     .count = 1,
                                     .objects = (uintptr_t)&fence,
                                     .values = (uintptr_t)&value};

    return ioctl(raw->device_node, RAW_WAIT_FROM_CPU, &wait);
}

/* The state is the letter behind the name, which stands in parentheses. */
static int is_asleep(const char *thread)
{
    char path[64], text[256] = "";

    snprintf(path, sizeof(path), "/proc/self/task/%.16s/stat", thread);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    const char *name_end = length ? strrchr(text, ')') : NULL;
    return !name_end || strncmp(name_end, ") S", 3) == 0;
}

static int others_are_asleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int asleep = 1;

    CHECK(tasks);
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] != '.' && atoi(task->d_name) != getpid())
            asleep &= is_asleep(task->d_name);
    }
    closedir(tasks);
    return asleep;
}

void raw_settle(void)
{
    while (!others_are_asleep())
        usleep(1000);
}

void raw_join(pid_t child)
{
    int status;

    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
