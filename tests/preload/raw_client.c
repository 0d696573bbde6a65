/* SPDX-License-Identifier: MIT */
/* A client of /dev/dxg that knows nothing but numbers: opens, enumerates, makes a device. */
#include "raw.h"

static int open_device(void)
{
    int device = open("/dev/dxg", O_RDWR | O_CLOEXEC);

    CHECK(device >= 0);
    return device;
}

static uint32_t first_adapter(int device)
{
    struct raw_adapter_info info = {0};
    struct raw_enum_adapters2 list = {0};

    CHECK(ioctl(device, RAW_ENUM_ADAPTERS2, &list) == 0 && list.count == 1);
    list.adapters = (uintptr_t)&info;
    CHECK(ioctl(device, RAW_ENUM_ADAPTERS2, &list) == 0 && list.count == 1);
    CHECK(info.adapter != 0);
    return info.adapter;
}

int main(void)
{
    int device = open_device();
    uint32_t adapter = first_adapter(device);
    struct raw_create_device create = {.adapter = adapter};

    CHECK(ioctl(device, RAW_CREATE_DEVICE, &create) == 0 && create.device != 0);
    CHECK(ioctl(device, RAW_DESTROY_DEVICE, &create.device) == 0);
    CHECK_ERROR(ioctl(device, RAW_DESTROY_DEVICE, &create.device), EINVAL);
    CHECK(ioctl(device, RAW_CLOSE_ADAPTER, &adapter) == 0);
    CHECK_ERROR(ioctl(device, RAW_CLOSE_ADAPTER, NULL), EFAULT);
    CHECK(close(device) == 0);
    CHECK_ERROR(ioctl(device, RAW_CLOSE_ADAPTER, &adapter), EBADF);
    return 0;
}
