/* SPDX-License-Identifier: MIT */
/*
 * What the dxg backend adds to an ioctl of a driver that does nothing. The driver is this program's
 * ioctl, which the library finds before the C library's: it enters the kernel for the shortest of
 * system calls and comes back, so that the backend's own path is not lost in a driver's work.
 */
#include "bench.h"
#include "bench_check.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODE "/dev/zero" /* any file that opens */

static bool enters_kernel;
static int node = -1; /* the backend's descriptor, as its first ioctl tells */

__attribute__((visibility("default"))) int ioctl(int descriptor, unsigned long request, ...)
{
    (void)request;
    node = descriptor;
    if (enters_kernel)
        bench_use((uintptr_t)syscall(SYS_getppid));
    return 0;
}

static void call(void *unused, uint64_t count)
{
    D3DKMT_GETDEVICESTATE state;

    (void)unused;
    memset(&state, 0, sizeof(state));
    for (uint64_t i = 0; i < count; i++)
        bench_check(D3DKMTGetDeviceState(&state));
}

static void call_bare(void *unused, uint64_t count)
{
    /* By way of a pointer, so that the compiler does not see what it does. */
    int (*volatile const bare)(int, unsigned long, ...) = ioctl;
    const unsigned request = d3dkmt_find_op(D3DKMT_OP_GetDeviceState)->ioctl_request;
    D3DKMT_GETDEVICESTATE state;

    (void)unused;
    memset(&state, 0, sizeof(state));
    for (uint64_t i = 0; i < count; i++)
        if (bare(node, request, &state) != 0)
            bench_fail("the driver that does nothing failed");
}

int main(int argc, char **argv)
{
    static const struct bench_row rows[] = {
        {{"GetDeviceState", call, NULL, 0},
         {"its ioctl", call_bare, NULL, 0},
         BENCH_AT_MOST_MORE,
         20,
         0},
        {{"GetDeviceState", call, NULL, 0},
         {"its ioctl", call_bare, NULL, 0},
         BENCH_RATIO_AT_MOST,
         1.10,
         0},
    };
    static const struct bench_row no_kernel = {
        {"GetDeviceState, the kernel not entered", call, NULL, 0},
        {"its ioctl", call_bare, NULL, 0},
        BENCH_AT_MOST_MORE,
        20,
        0,
    };

    bench_begin(argc, argv, "the dxg backend on an idle driver");
    bench_place(BENCH_ONE_PROCESSOR);
    bench_check(d3dkmt_open("dxg:device=" NODE));
    call(NULL, 1);
    if (node < 0)
        bench_fail("the library did not find the driver");
    enters_kernel = true;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_measure(&rows[i]);
    enters_kernel = false;
    bench_measure(&no_kernel);
    D3DKMTCloseDxCoreDevice();
    return bench_end();
}
