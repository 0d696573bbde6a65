/* SPDX-License-Identifier: MIT */
#include "steps.h"

#include <d3dkmt/syncfile.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

/* A call that the recording has as returned; only a replay in which the engine hangs waits so long.
 */
enum { PATIENCE_MILLISECONDS = 10000, BLOCKED_MILLISECONDS = 20 };

static struct client *client_of(struct replay *replay, const json_t *step)
{
    return clients_get(&replay->clients, member_text(step, "proc"));
}

static const char *need_text(const json_t *step, const char *key)
{
    const char *text = member_text(step, key);

    if (!text)
        report_die("a step lacks its member %s", key);
    return text;
}

/* The number behind a descriptor's name; also of descriptors that the engine made. */
static int number_of(struct replay *replay, const struct client *client, const char *name)
{
    uint64_t number;

    if (!symbols_get(&replay->symbols, client->name, name, &number))
        report_die("%s has no %s", client->name, name);
    return (int)number;
}

/* ---- calls */

static struct call **find_call(struct replay *replay, const char *thread)
{
    struct call **link = &replay->calls;

    while (*link && strcmp((*link)->thread_name, thread) != 0)
        link = &(*link)->next;
    return link;
}

static void hang(struct replay *replay, struct call *call)
{
    report_difference(replay->report, "the call does not return");
    host_drain(&replay->host);
    if (call->client->user)
        d3dkmti_guest_process_interrupt(call->client->user->process);
    if (!call_wait(call, PATIENCE_MILLISECONDS))
        report_die("the call does not return even when everything it could wait for is gone");
}

static void run_ioctl(struct replay *replay, const json_t *step)
{
    struct call *call = call_start(step, &replay->clients, &replay->memories);

    if (call->thread_name) {
        if (*find_call(replay, call->thread_name))
            report_die("thread %s is not joined yet", call->thread_name);
        call->next = replay->calls;
        replay->calls = call;
        return;
    }
    if (!call_wait(call, PATIENCE_MILLISECONDS))
        hang(replay, call);
    if (!report_has_failed(replay->report))
        call_check(call, step, &replay->memories);
    call_end(call);
}

static void run_join(struct replay *replay, const json_t *step)
{
    struct call **link = find_call(replay, need_text(step, "thread"));
    struct call *call = *link;
    const char *result = member_text(step, "ret");
    bool blocked = result && strcmp(result, "blocked") == 0;

    /* A thread that was joined before has nothing to give back: recorded as blocked, too. */
    if (!call && blocked)
        return;
    if (!call)
        report_die("a thread is joined that was not started");
    bool done = call_wait(call, blocked ? BLOCKED_MILLISECONDS : PATIENCE_MILLISECONDS);
    if (done && blocked)
        report_difference(replay->report, "the call returned, recorded as blocked");
    if (blocked)
        return;
    if (!done)
        hang(replay, call);
    *link = call->next;
    if (!report_has_failed(replay->report))
        call_check(call, step, &replay->memories);
    call_end(call);
}

void steps_end_calls(struct replay *replay, struct client *client)
{
    struct call **link = &replay->calls;

    while (*link) {
        struct call *call = *link;

        if (client && call->client != client) {
            link = &call->next;
            continue;
        }
        /* The caller's death ends what it waits for: a host's answer, or an event. */
        if (!call_wait(call, 0)) {
            struct device_file *file = client_hold_file(&replay->clients, call->client);

            if (file) {
                d3dkmti_guest_process_interrupt(file->user->process);
                file_release(&replay->clients, file);
            }
            host_abandon(&replay->host);
        }
        if (!call_wait(call, PATIENCE_MILLISECONDS))
            hang(replay, call);
        *link = call->next;
        call_end(call);
    }
}

/* ---- processes and descriptors */

static void run_open(struct replay *replay, const json_t *step)
{
    const char *recorded = member_text(step, "errno");
    const char *error =
        client_open(&replay->clients, client_of(replay, step), need_text(step, "what"));

    if ((recorded == NULL) != (error == NULL) || (error && strcmp(error, recorded) != 0))
        report_difference(replay->report, "open: recorded %s, now %s", recorded ? recorded : "0",
                          error ? error : "0");
}

static void run_close(struct replay *replay, const json_t *step)
{
    client_close(&replay->clients, client_of(replay, step), need_text(step, "what"));
}

static void run_dup(struct replay *replay, const json_t *step)
{
    struct client *client = client_of(replay, step);

    client_duplicate(&replay->clients, client, need_text(step, "what"), client,
                     need_text(step, "new"));
}

static void run_pass(struct replay *replay, const json_t *step)
{
    const char *name = need_text(step, "what");

    client_duplicate(&replay->clients, client_of(replay, step), name,
                     clients_get(&replay->clients, need_text(step, "to")), name);
}

static void run_fork(struct replay *replay, const json_t *step)
{
    client_fork(&replay->clients, client_of(replay, step),
                clients_get(&replay->clients, need_text(step, "child")));
}

static void run_exit(struct replay *replay, const json_t *step)
{
    struct client *client = client_of(replay, step);

    steps_end_calls(replay, client);
    client_end(&replay->clients, client);
}

/* One recording has an eventfd under the number 0, to see which calls can name it. */
static void use_number_zero(int number)
{
    if (dup2(number, 0) < 0)
        report_die("descriptor 0 cannot be replaced");
}

static void run_eventfd(struct replay *replay, const json_t *step)
{
    int flags = EFD_CLOEXEC | EFD_NONBLOCK;

    if (member_number(step, "semaphore", 0))
        flags |= EFD_SEMAPHORE;
    uint64_t initial = (uint64_t)member_number(step, "init", 0);
    int number = eventfd(0, flags);
    if (initial && write(number, &initial, sizeof(initial)) != sizeof(initial))
        report_die("an eventfd cannot be made");
    client_add(&replay->clients, client_of(replay, step), need_text(step, "new"), number);
    if (strncmp(replay->scenario, "limits/event-fd-0@", 18) == 0)
        use_number_zero(number);
}

static void run_pipe(struct replay *replay, const json_t *step)
{
    const json_t *names = json_object_get(step, "new");
    int numbers[2];

    if (pipe2(numbers, O_CLOEXEC) != 0)
        report_die("no pipe");
    for (size_t i = 0; i < 2; i++) {
        const char *name = json_string_value(json_array_get(names, i));

        client_add(&replay->clients, client_of(replay, step), name ? name : "pipe", numbers[i]);
    }
}

static void run_rlimit(struct replay *replay, const json_t *step)
{
    client_of(replay, step)->descriptor_limit = (long)member_number(step, "n", 0);
}

static void check_text(struct replay *replay, const json_t *step, const char *now)
{
    const char *recorded = need_text(step, "result");

    if (strcmp(recorded, now) != 0)
        report_difference(replay->report, "recorded \"%s\", now \"%s\"", recorded, now);
}

static void run_read(struct replay *replay, const json_t *step)
{
    uint64_t value = 0;
    char text[64];

    errno = 0;
    ssize_t size = read(number_of(replay, client_of(replay, step), need_text(step, "what")), &value,
                        sizeof(value));
    snprintf(text, sizeof(text), "read %zd %d %llu", size, size < 0 ? errno : 0,
             (unsigned long long)value);
    check_text(replay, step, text);
}

static void run_poll(struct replay *replay, const json_t *step)
{
    struct pollfd polled = {.fd =
                                number_of(replay, client_of(replay, step), need_text(step, "what")),
                            .events = POLLIN};
    char text[64];

    int result = poll(&polled, 1, (int)member_number(step, "ms", 0));
    snprintf(text, sizeof(text), "poll %d %d", result, result > 0 ? polled.revents : 0);
    check_text(replay, step, text);
}

/* Of a descriptor's description only what is not the kernel's own name for it. */
static void run_fdinfo(struct replay *replay, const json_t *step)
{
    const char *recorded = strstr(need_text(step, "result"), "cloexec=");
    int flags = fcntl(number_of(replay, client_of(replay, step), need_text(step, "what")), F_GETFD);
    int now = flags >= 0 && (flags & FD_CLOEXEC);

    if (recorded && atoi(recorded + 8) != now)
        report_difference(replay->report, "recorded %.9s, now cloexec=%d", recorded, now);
}

/* ---- sync files */

/* In the recording's words: 0 while pending, 1 when signalled, below 0 with an error. */
static int sync_status(NTSTATUS status)
{
    if (status == STATUS_PENDING)
        return 0;
    return NT_SUCCESS(status) ? 1 : -1;
}

/* The library calls its driver and timeline by other names, and numbers its timelines. */
static void describe_sync_file(const struct d3dkmt_sync_file_info *info, char *text, size_t size)
{
    static const char prefix[] = "libd3dkmt-fence";
    const char *name = info->name;
    bool is_own = strncmp(name, prefix, sizeof(prefix) - 1) == 0;

    if (is_own)
        name = strchr(name + sizeof(prefix) - 1, '-');
    snprintf(text, size, "syncinfo 0 0 name=%s%s status=%d n=%u",
             is_own ? "dxgkrnl-no_timeline<ctx>" : "", name ? name : "", sync_status(info->status),
             info->fence_count);
}

static void describe_fence(const struct d3dkmt_sync_fence_info *fence, char *text, size_t size)
{
    bool is_own = strcmp(fence->driver, "libd3dkmt") == 0 && strcmp(fence->timeline, "fence") == 0;

    snprintf(text, size, "fence %s %s %d %s", is_own ? "no_timeline" : fence->timeline,
             is_own ? "dxgkrnl" : fence->driver, sync_status(fence->status),
             fence->timestamp ? "stamped" : "unstamped");
}

static void compare_line(struct replay *replay, const json_t *lines, size_t index, const char *now)
{
    const char *recorded = json_string_value(json_array_get(lines, index));

    if (!recorded || strcmp(recorded, now) != 0)
        report_difference(replay->report, "recorded \"%s\", now \"%s\"",
                          recorded ? recorded : "nothing", now);
}

static void run_syncinfo(struct replay *replay, const json_t *step)
{
    const json_t *lines = json_object_get(step, "result");
    int number = number_of(replay, client_of(replay, step), need_text(step, "what"));
    struct d3dkmt_sync_file_info *info;
    char text[160];

    if (!NT_SUCCESS(d3dkmt_sync_file_info(number, &info))) {
        report_difference(replay->report, "no sync file: %s", d3dkmt_last_error());
        return;
    }
    describe_sync_file(info, text, sizeof(text));
    compare_line(replay, lines, 0, text);
    for (uint32_t i = 0; i < info->fence_count; i++) {
        describe_fence(&info->fences[i], text, sizeof(text));
        compare_line(replay, lines, i + 1, text);
    }
    if (json_array_size(lines) != info->fence_count + 1)
        report_difference(replay->report, "recorded with other fences than these %u",
                          info->fence_count);
    d3dkmt_sync_file_info_free(info);
}

/* What was merged with is not recorded: in every recording it is the second sync file. */
static void run_syncmerge(struct replay *replay, const json_t *step)
{
    struct client *client = client_of(replay, step);
    int first = number_of(replay, client, need_text(step, "what"));
    int second = number_of(replay, client, "fd:sf2"), merged;

    if (NT_SUCCESS(d3dkmt_sync_file_merge("merged", first, second, &merged)))
        client_add_shared(&replay->clients, client, need_text(step, "new"), merged);
    else
        report_difference(replay->report, "not merged: %s", d3dkmt_last_error());
}

/* ---- mappings */

/* A forked child calls the mapping that the parent got in step 4 "v4". */
static char *name_of_inherited(struct replay *replay, const char *what)
{
    long number = strtol(what + 1, NULL, 10);
    const json_t *step, *symbol;
    size_t i, k;

    json_array_foreach(replay->steps, i, step)
    {
        if (member_number(step, "step", 0) != number)
            continue;
        json_array_foreach(json_object_get(json_object_get(step, "after"), "sym"), k, symbol)
        {
            const char *name = json_string_value(json_array_get(symbol, 2));

            if (name && strncmp(name, "m:", 2) == 0)
                return must_copy(name);
        }
    }
    report_die("step %ld made no mapping", number);
}

static char *mapping_address(struct replay *replay, const json_t *step)
{
    const char *what = need_text(step, "what");
    uint64_t addend = 0, value;
    char *name = what[0] == 'v' ? name_of_inherited(replay, what) : blob_split_name(what, &addend);

    if (!symbols_get(&replay->symbols, NULL, name, &value))
        report_die("the mapping %s is not known", name);
    free(name);
    return (char *)(uintptr_t)(value + addend);
}

/* Whether bytes of this run's memory can be read, and are as recorded. */
static void check_bytes(struct replay *replay, const char *address, const char *recorded)
{
    size_t size;
    unsigned char *expected = blob_decode_hex(recorded, &size), *bytes = must_allocate(size);
    struct iovec here = {bytes, size}, there = {(void *)address, size};

    if (process_vm_readv(getpid(), &here, 1, &there, 1, 0) != (ssize_t)size)
        report_difference(replay->report, "recorded as mapped, now it is not");
    else if (memcmp(bytes, expected, size) != 0)
        report_difference(replay->report, "other contents than the recorded %.64s", recorded);
    free(bytes);
    free(expected);
}

/*
 * Bytes and, where the engine made the mapping, its length. null: it is not mapped any more. That
 * is asked of the transport, since anything else may be at the address by now.
 */
static void run_memread(struct replay *replay, const json_t *step)
{
    const char *recorded = member_text(step, "data");
    const char *mapping = mapping_address(replay, step);
    int64_t length = member_number(json_object_get(step, "map"), "bytes", 0);
    bool writable;
    size_t size;
    bool known = host_find_mapping(&replay->host, (uintptr_t)mapping, &size, &writable);

    if (recorded)
        check_bytes(replay, mapping + member_number(step, "off", 0), recorded);
    else if (known)
        report_difference(replay->report, "recorded as unmapped, now it is not");
    if (recorded && known && length && size != (size_t)length)
        report_difference(replay->report, "recorded with %d bytes mapped, now %zu", (int)length,
                          size);
}

static void run_memwrite(struct replay *replay, const json_t *step)
{
    char *address = mapping_address(replay, step) + member_number(step, "off", 0);
    size_t size;
    unsigned char *bytes = blob_decode_hex(need_text(step, "data"), &size);
    struct iovec here = {bytes, size}, there = {address, size};
    bool written = process_vm_writev(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
    bool recorded = strcmp(need_text(step, "result"), "write 0") == 0;

    if (written != recorded)
        report_difference(replay->report, "recorded as %swritable", recorded ? "" : "not ");
    free(bytes);
}

/* ---- the host */

/* What the host sends stands in the list of messages; only the bus is moved from here. */
static void run_host(struct replay *replay, const json_t *step)
{
    const char *action = need_text(step, "action");
    const char *number = strchr(action, ' ');
    unsigned adapter = number ? (unsigned)strtoul(number + 1, NULL, 0) : 0;
    bool compute_only = adapter < HOST_ADAPTERS_MAX && replay->host.compute_only[adapter];

    if (strncmp(action, "arrive", 6) == 0)
        host_arrive(&replay->host, adapter, compute_only || strstr(action, "compute") != NULL);
    else if (strncmp(action, "remove", 6) == 0)
        host_remove(&replay->host, adapter);
    else if (strncmp(action, "rescind", 7) == 0)
        host_rescind(&replay->host, adapter);
}

static void run_nothing(struct replay *replay, const json_t *step)
{
    /* Time passes. */
    (void)replay, (void)step;
}

static void ignore_signal(int number)
{
    (void)number;
}

static void run_signal(struct replay *replay, const json_t *step)
{
    struct call *call = *find_call(replay, need_text(step, "thread"));
    struct sigaction action = {.sa_handler = ignore_signal};
    int number = (int)member_number(step, "sig", SIGUSR1);

    if (member_number(step, "restart", 0))
        action.sa_flags = SA_RESTART;
    if (!call || sigaction(number, &action, NULL) != 0 || pthread_kill(call->thread, number) != 0)
        report_die("the signal cannot be sent");
}

/* ---- by kind */

static const struct {
    const char *kind;
    void (*run)(struct replay *replay, const json_t *step);
} kinds[] = {
    {"ioctl", run_ioctl},
    {"join", run_join},
    {"open", run_open},
    {"close", run_close},
    {"dup", run_dup},
    {"pass", run_pass},
    {"fork", run_fork},
    {"exit", run_exit},
    {"kill", run_exit},
    {"eventfd", run_eventfd},
    {"pipe", run_pipe},
    {"rlimit", run_rlimit},
    {"read", run_read},
    {"poll", run_poll},
    {"fdinfo", run_fdinfo},
    {"memread", run_memread},
    {"memwrite", run_memwrite},
    {"host", run_host},
    {"wait", run_nothing},
    {"signal", run_signal},
    {"adapterseq", step_adapter_sequence},
    {"syncinfo", run_syncinfo},
    {"syncmerge", run_syncmerge},
};

enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

const char *step_missing(const json_t *step)
{
    const char *kind = need_text(step, "kind");

    if (strcmp(kind, "ioctl") == 0) {
        const struct d3dkmt_op *op = call_find_op(step);

        return op && !d3dkmti_guest_supports(op) ? op->name : NULL;
    }
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].kind, kind) == 0)
            return NULL;
    }
    return kind;
}

/* Whether a value names something that is not known so far. */
static bool names_something_new(struct replay *replay, const char *scope, const json_t *value)
{
    const json_t *symbols = json_object_get(value, "sym"), *member;
    const char *key;
    size_t i;

    json_array_foreach((json_t *)symbols, i, member)
    {
        const char *text = json_string_value(json_array_get(member, 2));
        uint64_t addend, known;
        char *name = blob_split_name(text ? text : "", &addend);
        bool is_new = !symbols_get(&replay->symbols, scope, name, &known);

        /* Buffers get their address with the step itself. */
        is_new = is_new && strncmp(name, "p:", 2) != 0;
        free(name);
        if (is_new)
            return true;
    }
    if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, member)
        {
            if (names_something_new(replay, scope, member))
                return true;
        }
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, member)
        {
            if (strcmp(key, "sym") != 0 && strcmp(key, "before") != 0 &&
                names_something_new(replay, scope, member))
                return true;
        }
    }
    return false;
}

bool step_is_expendable(struct replay *replay, const json_t *step)
{
    const char *process = member_text(step, "proc");

    if (strcmp(need_text(step, "kind"), "ioctl") != 0)
        return true;
    return !member_text(step, "thread") && !names_something_new(replay, process, step);
}

void step_run(struct replay *replay, const json_t *step)
{
    const char *kind = need_text(step, "kind");
    const char *call = member_text(step, "api");
    int i = 0;

    report_step(replay->report, (long)member_number(step, "step", 0), kind, call);
    while (i < KIND_COUNT && strcmp(kinds[i].kind, kind) != 0)
        i++;
    if (i == KIND_COUNT)
        report_die("a step is of the unknown kind %s", kind);
    host_begin(&replay->host, json_object_get(step, "msgs"));
    kinds[i].run(replay, step);
    host_finish(&replay->host);
}
