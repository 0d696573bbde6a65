/* SPDX-License-Identifier: MIT */
#include "client/failing_resources.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

static _Thread_local unsigned countdown;
static _Thread_local bool watched, has_failed;
static _Thread_local const char *failure;
static atomic_long blocks;

static bool fails(const char *what)
{
    if (!watched || has_failed || countdown-- != 0)
        return false;
    failure = what;
    has_failed = true;
    return true;
}

void resources_fail_at(unsigned number)
{
    has_failed = false;
    countdown = number;
}

void resources_watch(bool on)
{
    watched = on;
}

bool resources_have_failed(void)
{
    return has_failed;
}

const char *resources_failure(void)
{
    return failure;
}

long resources_blocks(void)
{
    return atomic_load(&blocks);
}

/* ---- memory */

static void *count(void *memory)
{
    atomic_fetch_add(&blocks, memory != NULL);
    return memory;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t number, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    return fails("malloc") ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails("calloc") ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    if (fails("realloc"))
        return NULL;
    void *moved = __real_realloc(memory, size);
    atomic_fetch_add(&blocks, !memory && moved);
    return moved;
}

void *__wrap_reallocarray(void *memory, size_t number, size_t size)
{
    if (fails("reallocarray"))
        return NULL;
    void *moved = __real_reallocarray(memory, number, size);
    atomic_fetch_add(&blocks, !memory && moved);
    return moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails("aligned_alloc") ? NULL : count(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size)
{
    if (fails("posix_memalign"))
        return ENOMEM;
    int error = __real_posix_memalign(memory, alignment, size);
    atomic_fetch_add(&blocks, error == 0);
    return error;
}

char *__wrap_strdup(const char *text)
{
    return fails("strdup") ? NULL : count(__real_strdup(text));
}

void __wrap_free(void *memory)
{
    atomic_fetch_sub(&blocks, memory != NULL);
    __real_free(memory);
}

/* ---- what else the system gives */

void *__real_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __real_memfd_create(const char *name, unsigned flags);
int __real_eventfd(unsigned value, int flags);
int __real_epoll_create1(int flags);
int __real_socketpair(int domain, int type, int protocol, int ends[2]);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_eventfd(unsigned value, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);

static int refuse(int error)
{
    errno = error;
    return -1;
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
    if (!fails("mmap"))
        return __real_mmap(address, size, protection, flags, file, offset);
    errno = ENOMEM;
    return (void *)-1;
}

int __wrap_memfd_create(const char *name, unsigned flags)
{
    return fails("memfd_create") ? refuse(EMFILE) : __real_memfd_create(name, flags);
}

int __wrap_eventfd(unsigned value, int flags)
{
    return fails("eventfd") ? refuse(EMFILE) : __real_eventfd(value, flags);
}

int __wrap_epoll_create1(int flags)
{
    return fails("epoll_create1") ? refuse(EMFILE) : __real_epoll_create1(flags);
}

int __wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
    return fails("socketpair") ? refuse(EMFILE) : __real_socketpair(domain, type, protocol, ends);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument)
{
    return fails("pthread_create") ? EAGAIN
                                   : __real_pthread_create(thread, attributes, run, argument);
}
