/* SPDX-License-Identifier: MIT */
#include "compat/preload/next.h"

#include <dlfcn.h>

struct next_functions next_functions;
atomic_bool next_is_resolved;

/* Of two threads that resolve at once each function is written by one; the other sees it. */
static void set(void **function, void *found)
{
    void *unknown = NULL;

    __atomic_compare_exchange_n(function, &unknown, found, false, __ATOMIC_ACQ_REL,
                                __ATOMIC_ACQUIRE);
}

void next_resolve(void)
{
#define RESOLVE(type, name, parameters)                                                            \
    set((void **)(void *)&next_functions.name, dlsym(RTLD_NEXT, #name));
    NEXT_FUNCTIONS(RESOLVE)
#undef RESOLVE
    atomic_store_explicit(&next_is_resolved, true, memory_order_release);
}

/* So that no signal handler comes to be the first caller: dlsym() is not for them. */
__attribute__((constructor)) static void resolve_early(void)
{
    (void)next();
}
