/* SPDX-License-Identifier: MIT */
#include "compat/preload/next.h"

#include <dlfcn.h>

struct next_functions next_functions;
atomic_bool next_is_resolved;

/* Two threads that resolve at once store the same addresses. */
void next_resolve(void)
{
#define RESOLVE(type, name, parameters)                                                            \
    __atomic_store_n((void **)(void *)&next_functions.name, dlsym(RTLD_NEXT, #name),               \
                     __ATOMIC_RELAXED);
    NEXT_FUNCTIONS(RESOLVE)
#undef RESOLVE
    atomic_store_explicit(&next_is_resolved, true, memory_order_release);
}
