/* SPDX-License-Identifier: MIT */
/* What requests return: the dispatcher's refusals, errno, positive and negative statuses. */
#include "raw.h"

#include <sys/mman.h>

/* An address that no mapping has. */
static void *nowhere(void)
{
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(page != MAP_FAILED);
    return page;
}

static void requests_must_match_exactly(const struct raw *raw)
{
    static const unsigned unknown[] = {
        0xC0044700,              /* number 0 */
        0xC004474A,              /* behind the last */
        RAW_CREATE_CONTEXT_GONE, /* of the first drivers */
        0xC0084715,              /* CloseAdapter with another size */
        0x80044715,              /* and with another direction */
        0xC00C4729,
    };
    uint32_t adapter = raw->adapter;

    for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        CHECK_ERROR(ioctl(raw->device_node, unknown[i], &adapter), ENOTTY);
    CHECK_ERROR(ioctl(raw->device_node, FIONREAD + 0x1000, &adapter), ENOTTY);
}

static void bad_pointers_are_errors(const struct raw *raw)
{
    struct raw_enum_adapters2 list = {.count = 16, .adapters = (uintptr_t)nowhere()};

    CHECK_ERROR(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, NULL), EFAULT);
    CHECK_ERROR(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, nowhere()), EFAULT);
    CHECK_ERROR(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, (void *)UINTPTR_MAX), EFAULT);
    CHECK_ERROR(ioctl(raw->device_node, RAW_ENUM_ADAPTERS2, &list), EFAULT);
}

static void enumeration_counts(const struct raw *raw)
{
    struct raw_adapter_info info;
    struct raw_enum_adapters2 list = {0};
    struct raw_enum_adapters3 newer = {0};

    CHECK(ioctl(raw->device_node, RAW_ENUM_ADAPTERS2, &list) == 0 && list.count == 1);
    list.count = 0;
    list.adapters = (uintptr_t)&info;
    CHECK_ERROR(ioctl(raw->device_node, RAW_ENUM_ADAPTERS2, &list), EOVERFLOW);
    CHECK(ioctl(raw->device_node, RAW_ENUM_ADAPTERS3, &newer) == 0 && newer.count == 1);
    newer.adapters = (uintptr_t)&info;
    CHECK(ioctl(raw->device_node, RAW_ENUM_ADAPTERS3, &newer) == 0 && newer.count == 1);
    CHECK(info.luid.low == raw->luid.low && info.luid.high == raw->luid.high);
    CHECK(info.adapter != raw->adapter);
    CHECK(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, &info.adapter) == 0);
    CHECK_ERROR(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, &info.adapter), EINVAL);
}

static void adapters_open_by_luid(const struct raw *raw)
{
    struct raw_open_adapter open_adapter = {.luid = raw->luid};

    CHECK(ioctl(raw->device_node, RAW_OPEN_ADAPTER_FROM_LUID, &open_adapter) == 0);
    CHECK(open_adapter.adapter != 0);
    CHECK(ioctl(raw->device_node, RAW_CLOSE_ADAPTER, &open_adapter.adapter) == 0);
    open_adapter.luid.low ^= 0x5a5a;
    open_adapter.adapter = 0;
    CHECK_ERROR(ioctl(raw->device_node, RAW_OPEN_ADAPTER_FROM_LUID, &open_adapter), EINVAL);
}

/* The kernel does not touch characters: the host's have two bytes. */
static void strings_have_two_bytes_each(const struct raw *raw)
{
    static uint16_t description[4096];
    struct raw_query_adapter_info query = {.adapter = raw->adapter,
                                           .type = 65,
                                           .data = (uintptr_t)description,
                                           .size = sizeof(description)};

    CHECK(ioctl(raw->device_node, RAW_QUERY_ADAPTER_INFO, &query) == 0);
    CHECK(description[0] == 'S' && description[1] == 'o' && description[2] == 'f');
    query.size = 0;
    CHECK_ERROR(ioctl(raw->device_node, RAW_QUERY_ADAPTER_INFO, &query), EINVAL);
}

/* The one status that comes through as it is: a negative number that is no errno. */
static void bad_standard_allocations_are_a_raw_status(const struct raw *raw)
{
    enum { STANDARD = 1 << 16, EXISTING_MEMORY = 1 << 5, RESOURCE = 1 << 0 };
    struct raw_standard_allocation standard = {.type = 3, .size = 4096};
    struct raw_allocation_info info = {0};
    struct raw_create_allocation create = {.device = raw->device,
                                           .standard_or_private = (uintptr_t)&standard,
                                           .count = 1,
                                           .infos = (uintptr_t)&info,
                                           .flags = STANDARD};

    errno = 77;
    CHECK(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create) == RAW_INVALID_PARAMETER);
    CHECK(errno == 77);
    standard.type = 1; /* an existing heap without memory */
    CHECK(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create) == RAW_INVALID_PARAMETER);
    standard.type = 2; /* a cross-adapter one with */
    create.flags |= EXISTING_MEMORY;
    CHECK(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create) == RAW_INVALID_PARAMETER);
    /* What is looked at before and afterwards has an errno. */
    create.flags &= ~(uint32_t)EXISTING_MEMORY;
    standard.size = 1;
    CHECK_ERROR(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create), EINVAL);
    create.standard_or_private = 0;
    CHECK_ERROR(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create), EINVAL);
    create.standard_or_private = (uintptr_t)&standard;
    create.count = 0;
    CHECK_ERROR(ioctl(raw->device_node, RAW_CREATE_ALLOCATION, &create), EINVAL);
}

static void fences_are_seen_and_waited_for(const struct raw *raw)
{
    const volatile uint64_t *value;
    uint32_t fence = raw_create_fence(raw, 0, &value);

    CHECK(*value == 0);
    CHECK(raw_wait(raw, fence, 0) == 0);
    CHECK(raw_signal(raw, fence, 7) == 0);
    CHECK(*value == 7);
    CHECK(raw_wait(raw, fence, 7) == 0);
    /* The instance bits of a handle are never compared. */
    CHECK(raw_wait(raw, fence | 5, 7) == 0);
    CHECK(ioctl(raw->device_node, RAW_DESTROY_SYNC_OBJECT, &fence) == 0);
    CHECK_ERROR(ioctl(raw->device_node, RAW_DESTROY_SYNC_OBJECT, &fence), EINVAL);
}

static void shared_fences_are_descriptors(const struct raw *raw)
{
    const volatile uint64_t *value;
    uint32_t fence = raw_create_fence(raw, RAW_SHARED | RAW_NT_SECURITY_SHARING, &value);
    uint64_t descriptor = UINT64_MAX;
    struct raw_share_objects share = {
        .count = 1, .objects = (uintptr_t)&fence, .descriptor = (uintptr_t)&descriptor};
    struct raw_open_sync_object open_it = {.device = raw->device,
                                           .flags = RAW_SHARED | RAW_NT_SECURITY_SHARING};

    CHECK(ioctl(raw->device_node, RAW_SHARE_OBJECTS, &share) == 0);
    CHECK(descriptor >> 32 == 0 && fcntl((int)descriptor, F_GETFD) >= 0);
    open_it.descriptor = descriptor;
    CHECK(ioctl(raw->device_node, RAW_OPEN_SYNC_OBJECT, &open_it) == 0);
    CHECK(open_it.sync_object != 0 && open_it.sync_object != fence && open_it.cpu_address != 0);
    CHECK(raw_signal(raw, fence, 3) == 0);
    CHECK(*(const volatile uint64_t *)(uintptr_t)open_it.cpu_address == 3);
    CHECK(close((int)descriptor) == 0);
    open_it.descriptor = (uint64_t)raw->device_node;
    CHECK_ERROR(ioctl(raw->device_node, RAW_OPEN_SYNC_OBJECT, &open_it), EINVAL);
}

static void processes_are_counted(const struct raw *raw)
{
    uint32_t id = 0;
    struct raw_enum_processes list = {.luid = raw->luid};

    CHECK_ERROR(ioctl(raw->device_node, RAW_ENUM_PROCESSES, &list), EOVERFLOW);
    CHECK((uint32_t)list.count == 1);
    list.buffer = (uintptr_t)&id;
    list.count = 1;
    CHECK(ioctl(raw->device_node, RAW_ENUM_PROCESSES, &list) == 0 && id == (uint32_t)getpid());
}

/* A system call that succeeds leaves errno alone. */
static void success_keeps_errno(const struct raw *raw)
{
    struct raw own;

    errno = 77;
    int node = open("/dev/dxg", O_RDWR | O_CLOEXEC), copy = dup(node);
    CHECK(node >= 0 && copy >= 0 && errno == 77);
    CHECK(raw_signal(raw, raw_create_fence(raw, 0, NULL), 1) == 0 && errno == 77);
    CHECK(dup2(node, copy) == copy && close(copy) == 0 && close(node) == 0 && errno == 77);
    raw_begin(&own);
    CHECK(close(own.device_node) == 0 && errno == 77);
}

int main(void)
{
    struct raw raw;

    errno = 77;
    raw_begin(&raw);
    CHECK(errno == 77);
    requests_must_match_exactly(&raw);
    bad_pointers_are_errors(&raw);
    enumeration_counts(&raw);
    adapters_open_by_luid(&raw);
    strings_have_two_bytes_each(&raw);
    bad_standard_allocations_are_a_raw_status(&raw);
    fences_are_seen_and_waited_for(&raw);
    shared_fences_are_descriptors(&raw);
    processes_are_counted(&raw);
    success_keeps_errno(&raw);
    return 0;
}
