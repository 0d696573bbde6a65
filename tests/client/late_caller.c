/* SPDX-License-Identifier: MIT */
/* Linked with -z initfirst: initialised before all others, and so the last to be finalised. */
#include "late_caller.h"

static void (*late_call)(void);

void late_caller_set(void (*call)(void))
{
    late_call = call;
}

__attribute__((destructor)) static void end(void)
{
    if (late_call)
        late_call();
}
