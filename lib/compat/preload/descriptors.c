/* SPDX-License-Identifier: MIT */
/* What is done with descriptors. Those of other files cost one look into a table. */
#include "compat/preload/device.h"
#include "compat/preload/next.h"
#include "compat/preload/node.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DXG_REQUEST_TYPE = 0x47 };

PRELOAD_API int ioctl(int descriptor, unsigned long request, ...)
{
    va_list arguments;
    int result;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (__builtin_expect(_IOC_TYPE(request) != DXG_REQUEST_TYPE, 1) ||
        !device_ioctl(descriptor, (uint32_t)request, argument, &result))
        return next()->ioctl(descriptor, request, argument);
    if (result >= 0 || result < -4095)
        return result;
    errno = -result;
    return -1;
}

/* A cancellation must not come between the descriptor's end and what belongs to it. */
static int close_device(struct device *device, int descriptor)
{
    int state, result;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    result = next()->close(descriptor);
    device_closed(device);
    pthread_setcancelstate(state, NULL);
    return result;
}

PRELOAD_API int close(int descriptor)
{
    struct device *device = device_take(descriptor);

    return device ? close_device(device, descriptor) : next()->close(descriptor);
}

static void close_devices(unsigned first, unsigned last)
{
    for (int found; (found = device_next(first, last)) >= 0; first = (unsigned)found + 1)
        close(found);
}

PRELOAD_API int close_range(unsigned first, unsigned last, int flags)
{
    /* With any other flag the call fails, or closes nothing. */
    if (((unsigned)flags & ~CLOSE_RANGE_UNSHARE) == 0 && first <= last)
        close_devices(first, last);
    return next()->close_range(first, last, flags);
}

PRELOAD_API void closefrom(int first)
{
    close_devices(first < 0 ? 0 : (unsigned)first, ~0u);
    next()->closefrom(first);
}

PRELOAD_API int dup(int from)
{
    int to = next()->dup(from);

    if (to >= 0)
        device_duplicated(from, to);
    return to;
}

/* Whatever the target was is closed by the call. */
#define DUPLICATE_OVER(call, from, to)                                                             \
    struct device *replaced = (from) == (to) ? NULL : device_take(to);                             \
    int result = (call);                                                                           \
    if (result < 0) {                                                                              \
        device_put_back(replaced, (to));                                                           \
        return result;                                                                             \
    }                                                                                              \
    device_closed(replaced);                                                                       \
    if ((from) != (to))                                                                            \
        device_duplicated((from), (to));                                                           \
    return result;

PRELOAD_API int dup2(int from, int to){DUPLICATE_OVER(next()->dup2(from, to), from, to)}

PRELOAD_API int dup3(int from, int to, int flags)
{
    DUPLICATE_OVER(next()->dup3(from, to, flags), from, to)
}

static int duplicated(int from, int command, int result)
{
    if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && result >= 0)
        device_duplicated(from, result);
    return result;
}

/* All arguments of fcntl() fit a pointer. */
PRELOAD_API int fcntl(int descriptor, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return duplicated(descriptor, command, next()->fcntl(descriptor, command, argument));
}

PRELOAD_API int fcntl64(int descriptor, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    return duplicated(descriptor, command, next()->fcntl64(descriptor, command, argument));
}

/* The driver maps nothing for programs. The number may be another file's by now: closed by a system
 * call of the program's own, or by fclose(). */
static bool refuses_mapping(int descriptor, int flags)
{
    struct node_record record;

    if ((flags & MAP_ANONYMOUS) || !device_at(descriptor) || !node_read(descriptor, &record))
        return false;
    errno = ENODEV;
    return true;
}

PRELOAD_API void *mmap(void *address, size_t size, int protection, int flags, int descriptor,
                       off_t offset)
{
    if (refuses_mapping(descriptor, flags))
        return MAP_FAILED;
    return next()->mmap(address, size, protection, flags, descriptor, offset);
}

PRELOAD_API void *mmap64(void *address, size_t size, int protection, int flags, int descriptor,
                         off64_t offset)
{
    if (refuses_mapping(descriptor, flags))
        return MAP_FAILED;
    return next()->mmap64(address, size, protection, flags, descriptor, offset);
}
