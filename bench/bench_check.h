/* SPDX-License-Identifier: MIT */
/* For benchmarks of D3DKMT calls: a failure ends the program in the library's words. */
#ifndef BENCH_BENCH_CHECK_H
#define BENCH_BENCH_CHECK_H

#include "bench.h"

#include <d3dkmt/d3dkmt.h>

static inline void bench_check(NTSTATUS status)
{
    if (!NT_SUCCESS(status))
        bench_fail("%s", d3dkmt_last_error());
}

#endif
