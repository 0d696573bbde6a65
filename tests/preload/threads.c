/* SPDX-License-Identifier: MIT */
/* Threads without any lock around the device: opening, closing, duplicating, waiting, all at once.
 */
#include "raw.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { THREADS = 8, ROUNDS = 150 };

/* Opens of its own: handles are shared, so each thread uses what it made. */
static void *live(void *context)
{
    unsigned seed = (unsigned)(uintptr_t)context;

    for (int i = 0; i < ROUNDS; i++) {
        struct raw raw;

        raw_begin(&raw);
        uint32_t fence = raw_create_fence(&raw, 0, NULL);
        int other = dup(raw.device_node);
        CHECK(raw_signal(&raw, fence, 1) == 0);
        if (rand_r(&seed) % 2)
            close(raw.device_node), raw.device_node = other;
        else
            close(other);
        CHECK(raw_wait(&raw, fence, 1) == 0);
        CHECK(ioctl(raw.device_node, RAW_DESTROY_DEVICE, &raw.device) == 0);
        CHECK(ioctl(raw.device_node, RAW_CLOSE_ADAPTER, &raw.adapter) == 0);
        close(raw.device_node);
    }
    return NULL;
}

/* Files that have nothing to do with it. */
static void *use_others(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS * 10; i++) {
        int file = open("/dev/null", O_RDWR | O_CLOEXEC), copy = dup(file);

        CHECK(file >= 0 && copy >= 0);
        CHECK_ERROR(ioctl(copy, RAW_CLOSE_ADAPTER, &file), ENOTTY);
        CHECK(close(file) == 0 && close(copy) == 0);
    }
    return NULL;
}

static void *fork_children(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS / 10; i++) {
        pid_t child = fork();

        if (child == 0) {
            int node = open("/dev/dxg", O_RDWR);

            _exit(node >= 0 && raw_open_adapter(node, NULL) != 0 ? 0 : 1);
        }
        raw_join(child);
    }
    return NULL;
}

/* ---- memory that goes during a request */

static atomic_int done;

static void *hide_and_show(void *page)
{
    while (!atomic_load(&done)) {
        mprotect(page, 4096, PROT_NONE);
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
    }
    return NULL;
}

/* Of each of the arrays and structs in turn: an error, if need be, and no fault. */
static void memory_may_go(void)
{
    enum { STANDARD = 1 << 16, PLACES = 3 };
    struct raw_standard_allocation standard = {.type = 3, .size = 4096};
    struct raw_allocation_info info = {0};
    struct raw raw;

    raw_begin(&raw);
    for (int place = 0; place < PLACES; place++) {
        struct raw_create_allocation create = {.device = raw.device,
                                               .standard_or_private = (uintptr_t)&standard,
                                               .count = 1,
                                               .infos = (uintptr_t)&info,
                                               .flags = STANDARD};
        void *argument = &create;
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        pthread_t thread;

        CHECK(page != MAP_FAILED);
        if (place == 0)
            create.infos = (uintptr_t)memcpy(page, &info, sizeof(info));
        else if (place == 1)
            create.standard_or_private = (uintptr_t)memcpy(page, &standard, sizeof(standard));
        else
            argument = memcpy(page, &create, sizeof(create));
        atomic_store(&done, 0);
        CHECK(pthread_create(&thread, NULL, hide_and_show, page) == 0);
        for (int i = 0; i < 4000; i++) {
            int result = ioctl(raw.device_node, RAW_CREATE_ALLOCATION, argument);

            CHECK(result == RAW_INVALID_PARAMETER ||
                  (result == -1 && (errno == EFAULT || errno == EINVAL)));
        }
        atomic_store(&done, 1);
        CHECK(pthread_join(thread, NULL) == 0);
        munmap(page, 4096);
    }
    close(raw.device_node);
}

int main(int count, char **arguments)
{
    pthread_t threads[THREADS + 3];
    /* Sanitizers do not support children of several threads that go on to allocate and make
     * threads. */
    int may_fork = count < 2 || strcmp(arguments[1], "no-fork") != 0;
    int used = 0;

    for (uintptr_t i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[used++], NULL, live, (void *)i) == 0);
    CHECK(pthread_create(&threads[used++], NULL, use_others, NULL) == 0);
    CHECK(pthread_create(&threads[used++], NULL, use_others, NULL) == 0);
    if (may_fork)
        CHECK(pthread_create(&threads[used++], NULL, fork_children, NULL) == 0);
    for (int i = 0; i < used; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    memory_may_go();
    return 0;
}
