/* SPDX-License-Identifier: MIT */
/* Descriptors of the device, and its paths: opened, duplicated, closed in every way there is. */
#include "raw.h"

#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

/* Of struct stat, by the kernel's count on this machine. */
#ifdef __x86_64__
enum { STAT_VERSION = 1 };
#else
enum { STAT_VERSION = 0 };
#endif

static void check_device(const struct stat *seen)
{
    CHECK(S_ISCHR(seen->st_mode) && (seen->st_mode & 0777) == 0666);
    CHECK(major(seen->st_rdev) == 10);
}

static void the_node_is_a_character_device(void)
{
    struct stat seen;
    struct statx extended;
    int node = raw_open(), dev = open("/dev", O_RDONLY | O_DIRECTORY);

    CHECK(stat("/dev/dxg", &seen) == 0);
    check_device(&seen);
    CHECK(lstat("/dev/../dev//dxg", &seen) == 0);
    check_device(&seen);
    CHECK(fstatat(dev, "dxg", &seen, 0) == 0);
    check_device(&seen);
    CHECK(fstat(node, &seen) == 0);
    check_device(&seen);
    CHECK(fstatat(node, "", &seen, AT_EMPTY_PATH) == 0);
    check_device(&seen);
    CHECK(statx(AT_FDCWD, "/dev/dxg", 0, STATX_BASIC_STATS, &extended) == 0);
    CHECK(S_ISCHR(extended.stx_mode) && extended.stx_rdev_major == 10);
    CHECK(access("/dev/dxg", R_OK | W_OK) == 0 && faccessat(dev, "dxg", F_OK, 0) == 0);
    CHECK_ERROR(access("/dev/dxg", X_OK), EACCES);
    CHECK_ERROR(access("/tmp/dxg", F_OK), ENOENT);
    CHECK_ERROR(stat("/dev/dxg2", &seen), ENOENT);
    close(dev);
    close(node);
}

static void it_opens_by_any_path(void)
{
    int dev = open("/dev", O_RDONLY | O_DIRECTORY), node;
    char before[PATH_MAX];

    node = openat(dev, "dxg", O_RDWR);
    CHECK(node >= 0 && fcntl(node, F_GETFD) == 0);
    close(node);
    CHECK(getcwd(before, sizeof(before)) && chdir("/dev") == 0);
    node = open("dxg", O_RDONLY | O_CLOEXEC);
    CHECK(node >= 0 && fcntl(node, F_GETFD) == FD_CLOEXEC);
    close(node);
    node = open("./../dev/./dxg", O_WRONLY);
    CHECK(node >= 0);
    close(node);
    CHECK(chdir(before) == 0);
    node = creat("/dev/dxg", 0600);
    CHECK(node >= 0);
    close(node);
    CHECK_ERROR(open("/dev/dxg", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
    CHECK_ERROR(open("/dev/dxg", O_RDONLY | O_DIRECTORY), ENOTDIR);
    close(dev);
}

static void it_can_be_polled_and_nothing_else(void)
{
    int node = raw_open(), queue = epoll_create1(0);
    struct pollfd polled = {.fd = node, .events = POLLIN | POLLOUT};
    struct epoll_event event = {.events = EPOLLIN};

    CHECK(poll(&polled, 1, 0) == 1 && polled.revents == (POLLIN | POLLOUT));
    CHECK_ERROR(epoll_ctl(queue, EPOLL_CTL_ADD, node, &event), EPERM);
    errno = 0;
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, node, 0) == MAP_FAILED && errno == ENODEV);
    char byte;
    CHECK(read(node, &byte, 1) == 0); /* where the driver says EINVAL */
    CHECK_ERROR(write(node, "x", 1), EPERM);
    close(queue);
    close(node);
}

/* All descriptors of a process have the same handles. */
static void descriptors_share_handles(void)
{
    struct raw raw;

    raw_begin(&raw);
    int other = raw_open();
    uint32_t adapter = raw_open_adapter(other, NULL);
    CHECK(ioctl(raw.device_node, RAW_CLOSE_ADAPTER, &adapter) == 0);
    close(raw.device_node);
    CHECK(ioctl(other, RAW_DESTROY_DEVICE, &raw.device) == 0);
    close(other);
}

static void the_last_close_destroys_all(void)
{
    struct raw raw;

    raw_begin(&raw);
    close(raw.device_node);
    CHECK_ERROR(ioctl(raw.device_node, RAW_DESTROY_DEVICE, &raw.device), EBADF);
    int node = raw_open();
    CHECK_ERROR(ioctl(node, RAW_DESTROY_DEVICE, &raw.device), EINVAL);
    close(node);
}

/* Each is the only descriptor once the others are closed. */
static void duplicates_are_the_device(void)
{
    struct raw raw;
    int duplicates[6];

    raw_begin(&raw);
    duplicates[0] = dup(raw.device_node);
    duplicates[1] = dup2(raw.device_node, 200);
    duplicates[2] = dup3(raw.device_node, 201, O_CLOEXEC);
    duplicates[3] = fcntl(raw.device_node, F_DUPFD, 300);
    duplicates[4] = fcntl(raw.device_node, F_DUPFD_CLOEXEC, 300);
    duplicates[5] = (int)syscall(SYS_dup, raw.device_node); /* that the shim does not see */
    for (int i = 0; i < 6; i++)
        CHECK(duplicates[i] >= 0);
    uint32_t fence = raw_create_fence(&raw, 0, NULL);
    CHECK(close(raw.device_node) == 0);
    for (int i = 5; i >= 0; i--) {
        raw.device_node = duplicates[i];
        CHECK(raw_signal(&raw, fence, (uint64_t)(i + 1)) == 0);
    }
    CHECK(dup2(200, 200) == 200);
    for (int i = 0; i < 6; i++)
        CHECK(close(duplicates[i]) == 0);
}

/* A number that is something else by now is nothing of the device. */
static void numbers_are_given_to_others(void)
{
    struct raw raw;
    struct stat seen;

    raw_begin(&raw);
    int other = open("/dev/null", O_RDWR);
    CHECK(dup2(other, raw.device_node) == raw.device_node);
    CHECK_ERROR(ioctl(raw.device_node, RAW_DESTROY_DEVICE, &raw.device), ENOTTY);
    CHECK(fstat(raw.device_node, &seen) == 0 && major(seen.st_rdev) == 1);
    close(raw.device_node);
    close(other);

    int node = raw_open(), keeper = raw_open();
    CHECK_ERROR(dup2(999, node), EBADF); /* which leaves the target as it was */
    CHECK(raw_open_adapter(node, NULL) != 0);
    CHECK(close_range((unsigned)node, (unsigned)node, 0) == 0);
    CHECK_ERROR(ioctl(node, RAW_CLOSE_ADAPTER, &raw.adapter), EBADF);
    CHECK(raw_open_adapter(keeper, NULL) != 0);
    CHECK(close_range((unsigned)keeper, (unsigned)keeper, 4 /* CLOSE_RANGE_CLOEXEC */) == 0);
    CHECK(raw_open_adapter(keeper, NULL) != 0);
    CHECK_ERROR(close_range((unsigned)keeper, (unsigned)keeper, 1 << 20), EINVAL);
    CHECK(raw_open_adapter(keeper, NULL) != 0);
    closefrom(keeper);
    CHECK_ERROR(fcntl(keeper, F_GETFD), EBADF);
    CHECK(raw_open_adapter(raw_open(), NULL) != 0);
}

/* What the C library closes itself, or the program without it, is not seen; the number's next file
 * is a file. */
static void numbers_go_unseen(void)
{
    for (int way = 0; way < 2; way++) {
        int node = raw_open();

        CHECK(way == 0 ? syscall(SYS_close, node) == 0 : fclose(fdopen(node, "r+")) == 0);
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        CHECK(file == node);
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
        CHECK(page != MAP_FAILED && memcmp(page, "\177ELF", 4) == 0);
        munmap(page, 4096);
        close(file);
    }
}

/* As programs call them that were linked with a C library before 2.33, which headers of today do
 * not declare. */
static void older_calls_see_the_node(void)
{
    static const char *const names[] = {"__xstat", "__xstat64", "__lxstat", "__lxstat64"};
    struct stat seen;
    int node = raw_open();

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        int (*by_path)(int, const char *, struct stat *);

        *(void **)&by_path = dlsym(RTLD_DEFAULT, names[i]);
        CHECK(by_path(STAT_VERSION, "/dev/dxg", &seen) == 0);
        check_device(&seen);
        CHECK(by_path(STAT_VERSION, "/", &seen) == 0 && S_ISDIR(seen.st_mode));
    }
    int (*by_descriptor)(int, int, struct stat *);
    int (*at_folder)(int, int, const char *, struct stat *, int);
    *(void **)&by_descriptor = dlsym(RTLD_DEFAULT, "__fxstat");
    *(void **)&at_folder = dlsym(RTLD_DEFAULT, "__fxstatat");
    CHECK(by_descriptor(STAT_VERSION, node, &seen) == 0);
    check_device(&seen);
    CHECK(at_folder(STAT_VERSION, node, "", &seen, AT_EMPTY_PATH) == 0);
    check_device(&seen);
    close(node);
}

static void many_come_and_go(void)
{
    int before = raw_open();

    close(before);
    for (int i = 0; i < 200; i++) {
        int node = raw_open();

        CHECK(node == before);
        CHECK(raw_open_adapter(node, NULL) != 0);
        close(node);
    }
}

int main(void)
{
    the_node_is_a_character_device();
    it_opens_by_any_path();
    it_can_be_polled_and_nothing_else();
    descriptors_share_handles();
    the_last_close_destroys_all();
    duplicates_are_the_device();
    older_calls_see_the_node();
    many_come_and_go();
    numbers_go_unseen();
    numbers_are_given_to_others();
    return 0;
}
