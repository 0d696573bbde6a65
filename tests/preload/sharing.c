/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of shared objects in other processes. Under one host for all, they are the same
 * object there; with a host in each process, they are refused.
 */
#include "raw.h"

static const char *self = "/proc/self/exe";

static uint64_t share(const struct raw *raw, uint32_t fence)
{
    uint64_t descriptor = UINT64_MAX;
    struct raw_share_objects share_it = {
        .count = 1, .objects = (uintptr_t)&fence, .descriptor = (uintptr_t)&descriptor};

    CHECK(ioctl(raw->device_node, RAW_SHARE_OBJECTS, &share_it) == 0);
    return descriptor;
}

static int open_shared(const struct raw *raw, int descriptor, uint32_t *fence)
{
    struct raw_open_sync_object open_it = {.descriptor = (uint64_t)descriptor,
                                           .device = raw->device,
                                           .flags = RAW_SHARED | RAW_NT_SECURITY_SHARING};
    int result = ioctl(raw->device_node, RAW_OPEN_SYNC_OBJECT, &open_it);

    *fence = open_it.sync_object;
    return result;
}

/* Answers the parent's 1 with a 2. */
static int answer(int descriptor)
{
    uint32_t fence;
    struct raw raw;

    raw_begin(&raw);
    CHECK(open_shared(&raw, descriptor, &fence) == 0);
    CHECK(raw_wait(&raw, fence, 1) == 0);
    CHECK(raw_signal(&raw, fence, 2) == 0);
    return 0;
}

static int be_refused(int descriptor)
{
    uint32_t fence;
    struct raw raw;

    raw_begin(&raw);
    CHECK_ERROR(open_shared(&raw, descriptor, &fence), EINVAL);
    return 0;
}

static void talk_to_a_child(const struct raw *raw, uint32_t fence, const char *mode, int descriptor)
{
    raw_settle();
    pid_t child = fork();

    if (child == 0 && !mode)
        _exit(answer(descriptor));
    if (child == 0) {
        char number[16];

        snprintf(number, sizeof(number), "%d", descriptor);
        CHECK(fcntl(descriptor, F_SETFD, 0) == 0);
        execl(self, self, mode, number, (char *)NULL);
        _exit(9);
    }
    if (!mode || strcmp(mode, "answer") == 0) {
        CHECK(raw_signal(raw, fence, 1) == 0);
        CHECK(raw_wait(raw, fence, 2) == 0);
    }
    raw_join(child);
}

int main(int count, char **arguments)
{
    struct raw raw;

    if (count == 3 && strcmp(arguments[1], "answer") == 0)
        return answer(atoi(arguments[2]));
    if (count == 3 && strcmp(arguments[1], "be-refused") == 0)
        return be_refused(atoi(arguments[2]));
    int is_shared = count == 2 && strcmp(arguments[1], "shared") == 0;
    raw_begin(&raw);
    for (int i = 0; i < 3; i++) {
        uint32_t fence = raw_create_fence(&raw, RAW_SHARED | RAW_NT_SECURITY_SHARING, NULL);
        int descriptor = (int)share(&raw, fence);

        if (!is_shared)
            talk_to_a_child(&raw, fence, "be-refused", descriptor);
        else
            talk_to_a_child(&raw, fence, i % 2 ? "answer" : NULL, descriptor);
        close(descriptor);
    }
    return 0;
}
