/* SPDX-License-Identifier: MIT */
/* Binding and unbinding: writes to the files of drivers and devices. */
#include "bind.h"

#include "backend-vmbus-uio/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A driver's probe can take a moment, and tells of its failure in the kernel's log alone. */
enum { PATIENCE_MS = 5000, LOOK_MS = 20, STATE_OPEN = 3 };

/* The kernel's own, which it does not translate for user space. */
enum { KERNEL_ENOTSUPP = 524 };

/* Writes a word to a file of the kernel's. 0 or errno. */
__attribute__((format(printf, 3, 4))) static int write_word(const char *root, const char *word,
                                                            const char *format, ...)
{
    char path[VMBUS_PATH_MAX], name[VMBUS_PATH_MAX];
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(name, sizeof(name), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(name) || !vmbus_path(path, root, "%s", name))
        return ENAMETOOLONG;
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int error = write(file, word, strlen(word)) < 0 ? errno : 0;
    close(file);
    return error;
}

static bool explain(const struct vmbus_device *device, const char *what, int error)
{
    if (error == KERNEL_ENOTSUPP) {
        bind_complain(
            "%s: %s: this kernel takes channels with a monitor only, and it has none; take "
            "6.10 or later",
            device->name, what);
        return false;
    }
    bind_complain("%s: %s: %s%s", device->name, what, strerror(error),
                  error == EACCES || error == EPERM ? "; this takes root" : "");
    return false;
}

static bool driver_is_there(const char *root)
{
    char path[VMBUS_PATH_MAX];

    if (vmbus_path(path, root, BIND_DRIVER_FOLDER) && access(path, F_OK) == 0)
        return true;
    bind_complain("%s does not exist: load the module (modprobe " VMBUS_UIO_DRIVER ")", path);
    return false;
}

/* An empty line forgets it. */
static void forget_override(const char *root, const struct vmbus_device *device)
{
    (void)write_word(root, "\n", "/sys/bus/vmbus/devices/%s/driver_override", device->name);
}

/* ---- bind */

/* Who had it can have it again: with the override left in place no other driver could. */
static void give_back(const char *root, const struct vmbus_device *device)
{
    forget_override(root, device);
    if (device->driver[0])
        (void)write_word(root, device->instance_text, "/sys/bus/vmbus/drivers/%s/bind",
                         device->driver);
}

static bool bind_one(const char *root, const struct vmbus_device *device)
{
    int error = 0;

    if (device->driver[0])
        error = write_word(root, device->instance_text, "/sys/bus/vmbus/drivers/%s/unbind",
                           device->driver);
    if (error)
        return explain(device, "its driver does not let go of it", error);
    error = write_word(root, VMBUS_UIO_DRIVER, "/sys/bus/vmbus/devices/%s/driver_override",
                       device->name);
    const char *what = "its driver_override cannot be written";
    if (!error) {
        error = write_word(root, device->instance_text, BIND_DRIVER_FOLDER "/bind");
        what = "it cannot be bound (dmesg may say why)";
    }
    if (!error)
        return true;
    give_back(root, device);
    return explain(device, what, error);
}

/* Nothing but the UIO device tells that a driver has it. */
static const struct vmbus_device *look_again(const char *root, const struct vmbus_device *before,
                                             struct bind_devices *devices)
{
    if (!bind_list(root, devices))
        return NULL;
    for (size_t i = 0; i < devices->count; i++)
        if (strcmp(devices->list[i].name, before->name) == 0)
            return &devices->list[i];
    return NULL;
}

static bool await_uio(const char *root, const struct vmbus_device *before)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    static struct bind_devices devices;
    const struct vmbus_device *device = NULL;

    for (int waited = 0; waited <= PATIENCE_MS; waited += LOOK_MS) {
        device = look_again(root, before, &devices);
        if (!device || !device->problem[0])
            break;
        nanosleep(&pause, NULL);
    }
    if (device && !device->problem[0]) {
        printf("%s: bound, /dev/uio%u\n", device->name, device->uio);
        return true;
    }
    bind_complain("%s: %s", before->name, device ? device->problem : "it has vanished");
    return false;
}

/* Classes are learnt last: devices that are there are bound one by one, whose failures are seen. */
static bool learn_classes(const char *root)
{
    for (int i = 0; i < VMBUS_CLASS_COUNT; i++) {
        int error = write_word(root, vmbus_class_guids[i], BIND_DRIVER_FOLDER "/new_id");

        if (error && error != EEXIST) {
            bind_complain(BIND_DRIVER_FOLDER "/new_id: %s", strerror(error));
            return false;
        }
    }
    return true;
}

int bind_bind(const char *root, bool future)
{
    static struct bind_devices devices;
    bool done = true;

    if (!driver_is_there(root) || !bind_list(root, &devices))
        return 1;
    if (devices.count == 0)
        bind_complain("the host offers no GPU-PV channel to this VM");
    for (size_t i = 0; i < devices.count; i++) {
        const struct vmbus_device *device = &devices.list[i];

        if (bind_is_bound(device) && !device->problem[0])
            printf("%s: bound already, /dev/uio%u\n", device->name, device->uio);
        else
            done = (bind_is_bound(device) || bind_one(root, device)) && await_uio(root, device) &&
                   done;
    }
    if (future)
        done = learn_classes(root) && done;
    return done && devices.count > 0 ? 0 : 1;
}

/* ---- unbind */

static bool is_open(const char *root, const struct vmbus_device *device)
{
    char path[VMBUS_PATH_MAX];
    uint64_t state;

    return vmbus_path(path, root, "/sys/bus/vmbus/devices/%s/state", device->name) &&
           vmbus_file_number(path, &state) == 0 && state == STATE_OPEN;
}

static bool unbind_one(const char *root, const struct vmbus_device *device, bool force)
{
    if (is_open(root, device) && !force) {
        bind_complain("%s: a program has /dev/uio%u open; end it first, or the channel stays open "
                      "until the VM boots again",
                      device->name, device->uio);
        return false;
    }
    int error = write_word(root, device->instance_text, BIND_DRIVER_FOLDER "/unbind");
    if (error)
        return explain(device, "it cannot be unbound", error);
    forget_override(root, device);
    printf("%s: unbound\n", device->name);
    return true;
}

int bind_unbind(const char *root, bool force)
{
    static struct bind_devices devices;
    bool done = true;

    if (!bind_list(root, &devices))
        return 1;
    /* First of all, so that nothing binds anew. They need not have been learnt. */
    for (int i = 0; i < VMBUS_CLASS_COUNT; i++)
        (void)write_word(root, vmbus_class_guids[i], BIND_DRIVER_FOLDER "/remove_id");
    for (size_t i = 0; i < devices.count; i++)
        if (bind_is_bound(&devices.list[i]))
            done = unbind_one(root, &devices.list[i], force) && done;
    return done ? 0 : 1;
}
