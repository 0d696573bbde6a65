/* SPDX-License-Identifier: MIT */
/*
 * A tracer as people write them: in front of the C library's open and ioctl for /dev/dxg, and in
 * front of a function of the library, which it calls.
 */
#include "interposer.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>

static struct interposer_counts counts;

struct interposer_counts interposer_counts(void)
{
    return counts;
}

static void find_next(const char *name, void *function)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    memcpy(function, &symbol, sizeof(symbol));
}

D3DKMT_API int open(const char *path, int flags, ...);
D3DKMT_API int ioctl(int descriptor, unsigned long request, ...);

int open(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...);
    va_list arguments;

    find_next("open", &next);
    va_start(arguments, flags);
    unsigned mode = va_arg(arguments, unsigned);
    va_end(arguments);
    counts.opens += strcmp(path, "/dev/dxg") == 0;
    return next(path, flags, mode);
}

int ioctl(int descriptor, unsigned long request, ...)
{
    int (*next)(int, unsigned long, ...);
    va_list arguments;

    find_next("ioctl", &next);
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    counts.ioctls += (request >> 8 & 0xff) == 'G';
    return next(descriptor, request, argument);
}

D3DKMT_API NTSTATUS APIENTRY D3DKMTCreateDevice(D3DKMT_CREATEDEVICE *args)
{
    NTSTATUS(APIENTRY * next)(D3DKMT_CREATEDEVICE *);

    find_next("D3DKMTCreateDevice", &next);
    counts.devices++;
    return next(args);
}
