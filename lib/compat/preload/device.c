/* SPDX-License-Identifier: MIT */
/*
 * Descriptors are counted, and so are requests in progress. Memory of a process object is kept for
 * ever, for whoever lost a race against the last close still looks at its count.
 *
 * A child that shares the parent's memory (vfork, and what is made of it) must not change anything
 * here: its descriptors are others. A page that the kernel clears in children with memory of their
 * own tells the two apart, also where no fork handler runs.
 */
#include "compat/preload/device.h"

#include "compat/dxgkrnl/dxgkrnl.h"
#include "compat/preload/next.h"
#include "compat/preload/node.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct device {
    atomic_uint users; /* descriptors and requests in progress; 0: unused */
    void *process;
    struct device *next; /* of all that there ever were */
};

_Atomic(_Atomic(struct device *) *) device_table;

static atomic_int highest; /* descriptor that was ever in the table */
static atomic_int owner;   /* the process that all of this belongs to */
static const char *alive;  /* a page with 1 in it, 0 in a forked child */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the rest */
static const struct dxgkrnl *dxgkrnl;
static struct device *devices, *current;
static sigset_t mask_at_fork; /* of the thread that forks */

/* Signal handlers may close descriptors: none runs in a thread that has the mutex. */
static void lock(sigset_t *mask)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&mutex);
    *mask = before;
}

static void unlock(const sigset_t *mask)
{
    const sigset_t before = *mask;

    pthread_mutex_unlock(&mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the engine */

/*
 * Within it a thread is not cancelled, for it has locks there, and ioctl() is no cancellation
 * point. errno stays what it was unless the call fails, as with the kernel.
 */
struct visit {
    int cancel_state, error;
};

static struct visit begin_visit(void)
{
    struct visit visit = {.error = errno};

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &visit.cancel_state);
    return visit;
}

static void end_visit(struct visit visit)
{
    pthread_setcancelstate(visit.cancel_state, NULL);
    errno = visit.error;
}

/* Beside the shim's own file. */
static const struct dxgkrnl *load_engine(void)
{
    char path[PATH_MAX];
    Dl_info own;
    const char *slash;

    if (!dladdr(&device_table, &own) || !(slash = strrchr(own.dli_fname, '/')) ||
        (size_t)snprintf(path, sizeof(path), "%.*s/" DXGKRNL_FILE, (int)(slash - own.dli_fname),
                         own.dli_fname) >= sizeof(path))
        return NULL;
    void *library = next()->dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const struct dxgkrnl *found = library ? dlsym(library, DXGKRNL_SYMBOL) : NULL;
    if (!found)
        fprintf(stderr, "d3dkmt-preload: %s\n", dlerror());
    return found;
}

/* ---- fork */

static void mark_alive(void)
{
    char *page = (char *)(uintptr_t)alive;

    if (!page) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return;
        madvise(page, 4096, MADV_WIPEONFORK);
    }
    __atomic_store_n(page, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&alive, page, __ATOMIC_RELEASE);
    atomic_store(&owner, (int)getpid());
}

/* In a child with memory of its own: what the parent had open is not this process's. */
static void forget_parent(void)
{
    struct device *inherited = current;
    void *table = atomic_exchange(&device_table, NULL);

    pthread_mutex_init(&mutex, NULL);
    if (table)
        munmap(table, DEVICE_DESCRIPTORS_MAX * sizeof(struct device *));
    current = NULL;
    atomic_store(&highest, 0);
    mark_alive();
    if (inherited)
        dxgkrnl->after_fork(inherited->process);
}

static void notice_fork(void)
{
    const char *page = __atomic_load_n(&alive, __ATOMIC_ACQUIRE);

    if (page && __atomic_load_n(page, __ATOMIC_RELAXED) == 0)
        forget_parent();
}

/* Whether the caller is a vfork child, or another that runs in its parent's memory. */
static bool is_guest(void)
{
    int process = atomic_load_explicit(&owner, memory_order_relaxed);

    return process != 0 && process != (int)getpid();
}

static void lock_before_fork(void)
{
    lock(&mask_at_fork);
}

static void unlock_after_fork(void)
{
    unlock(&mask_at_fork);
}

static void begin_as_child(void)
{
    forget_parent();
    pthread_sigmask(SIG_SETMASK, &mask_at_fork, NULL);
}

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* Before anybody holds the mutex: a child of that moment would inherit it locked. */
static void prepare_for_fork(void)
{
    mark_alive();
    pthread_atfork(lock_before_fork, unlock_after_fork, begin_as_child);
}

/* ---- process objects; all under the mutex */

static bool prepare_table(void)
{
    if (atomic_load(&device_table))
        return true;
    void *table = mmap(NULL, DEVICE_DESCRIPTORS_MAX * sizeof(struct device *),
                       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (table == MAP_FAILED)
        return false;
    atomic_store(&device_table, table);
    return true;
}

static struct device *get_unused(void)
{
    struct device *device = devices;

    while (device && atomic_load(&device->users) != 0)
        device = device->next;
    if (!device) {
        device = calloc(1, sizeof(*device));
        if (device) {
            device->next = devices;
            devices = device;
        }
    }
    return device;
}

/* Counts one more user; false when the last one has gone. Also without the mutex. */
static bool acquire(struct device *device)
{
    unsigned users = atomic_load(&device->users);

    while (users != 0) {
        if (atomic_compare_exchange_weak(&device->users, &users, users + 1))
            return true;
    }
    return false;
}

/* The process object with one more user; NULL when it cannot be made. */
static struct device *join(void)
{
    const char *options = secure_getenv("D3DKMT_RUN_OPTIONS");
    void *process;

    if (current && acquire(current))
        return current;
    if (!dxgkrnl)
        dxgkrnl = load_engine();
    if (!dxgkrnl || !prepare_table())
        return NULL;
    struct device *device = get_unused();
    if (!device || dxgkrnl->open(options ? options : "", &process) != 0)
        return NULL;
    device->process = process;
    atomic_store(&device->users, 1);
    current = device;
    return device;
}

static void release(struct device *device)
{
    unsigned users = atomic_load(&device->users);

    while (users > 1) {
        if (atomic_compare_exchange_weak(&device->users, &users, users - 1))
            return;
    }
    struct visit visit = begin_visit();
    sigset_t mask;

    lock(&mask);
    void *process = device->process;
    bool last = atomic_fetch_sub(&device->users, 1) == 1;
    if (last && current == device)
        current = NULL;
    unlock(&mask);
    if (last)
        dxgkrnl->close(process);
    end_visit(visit);
}

/* ---- descriptors */

static void enter(int descriptor, struct device *device)
{
    _Atomic(struct device *) *table = atomic_load(&device_table);
    int seen = atomic_load(&highest);

    while (seen < descriptor && !atomic_compare_exchange_weak(&highest, &seen, descriptor))
        continue;
    struct device *before = atomic_exchange(&table[descriptor], device);
    if (before)
        release(before); /* closed by a way that the shim did not see */
}

/* Makes the descriptor one of the calling process's device. */
static struct device *attach(int descriptor)
{
    sigset_t mask;

    pthread_once(&fork_once, prepare_for_fork);
    lock(&mask);
    struct device *device = join();
    unlock(&mask);
    if (device)
        enter(descriptor, device);
    return device;
}

/* A descriptor, or a negative errno. */
static int open_device(int flags)
{
    int descriptor;

    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    notice_fork();
    descriptor = node_open(flags);
    if (descriptor < 0)
        return -errno;
    /* A guest's is for the program that it will execute, which finds out. */
    if (is_guest())
        return descriptor;
    /* The kernel answers any failure with EBADF. */
    if (descriptor >= DEVICE_DESCRIPTORS_MAX || !attach(descriptor)) {
        next()->close(descriptor);
        return -EBADF;
    }
    return descriptor;
}

int device_open(int flags)
{
    struct visit visit = begin_visit();
    int descriptor = open_device(flags);

    end_visit(visit);
    if (descriptor >= 0)
        return descriptor;
    errno = -descriptor;
    return -1;
}

/*
 * A descriptor that came by a way that the shim did not see: received, or kept over an exec. The
 * device is the caller's if this process opened it; it has no handles any more after an exec.
 */
static struct device *find_out(int descriptor, bool *is_device)
{
    struct node_record record;

    *is_device = node_read(descriptor, &record);
    if (!*is_device || is_guest() || !node_is_own(&record) || descriptor >= DEVICE_DESCRIPTORS_MAX)
        return NULL;
    return attach(descriptor);
}

static bool answer(int descriptor, uint32_t request, void *argument, int *result)
{
    bool is_device = true;

    notice_fork();
    struct device *device = device_at(descriptor);
    if (!device)
        device = find_out(descriptor, &is_device);
    if (!is_device)
        return false;
    if (!device || is_guest() || !acquire(device)) {
        *result = -ENOTTY;
        return true;
    }
    *result = dxgkrnl->ioctl(device->process, request, argument);
    release(device);
    return true;
}

bool device_ioctl(int descriptor, uint32_t request, void *argument, int *result)
{
    struct visit visit = begin_visit();
    bool is_device = answer(descriptor, request, argument, result);

    end_visit(visit);
    return is_device;
}

void device_duplicated(int from, int to)
{
    struct device *device = device_at(from);

    if (device && !is_guest() && to < DEVICE_DESCRIPTORS_MAX && acquire(device))
        enter(to, device);
}

struct device *device_take(int descriptor)
{
    if (!device_at(descriptor))
        return NULL;
    notice_fork();
    if (!device_at(descriptor) || is_guest())
        return NULL;
    _Atomic(struct device *) *table = atomic_load(&device_table);
    return atomic_exchange(&table[descriptor], NULL);
}

void device_closed(struct device *device)
{
    if (device)
        release(device);
}

void device_put_back(struct device *device, int descriptor)
{
    if (device)
        enter(descriptor, device);
}

int device_next(unsigned first, unsigned last)
{
    int end = atomic_load(&highest);

    notice_fork();
    if (!atomic_load(&device_table) || is_guest())
        return -1;
    for (unsigned i = first; i <= last && i <= (unsigned)end; i++) {
        if (device_at((int)i))
            return (int)i;
    }
    return -1;
}
