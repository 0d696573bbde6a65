/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "core/last_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { PAGE = 4096 };

/* ---- memory of callers */

struct memory {
    struct memory *next;
    char *name;
    void *address;
    size_t mapped; /* without the page behind */
};

static size_t round_up(size_t size)
{
    return size == 0 ? PAGE : (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static struct memory *find_memory(struct memories *memories, const char *name, size_t size)
{
    struct memory *memory = memories->first;

    while (memory && (strcmp(memory->name, name) != 0 || memory->mapped < size))
        memory = memory->next;
    return memory;
}

void *memories_get(struct memories *memories, const char *name, size_t size)
{
    struct memory *memory = find_memory(memories, name, size);

    if (memory) {
        mprotect(memory->address, memory->mapped, PROT_READ | PROT_WRITE);
        return memory->address;
    }
    memory = must_allocate(sizeof(*memory));
    memory->name = must_copy(name);
    memory->mapped = round_up(size);
    memory->address = mmap(NULL, memory->mapped + PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory->address == MAP_FAILED ||
        mprotect((char *)memory->address + memory->mapped, PAGE, PROT_NONE) != 0)
        report_die("no memory for a buffer of %zu bytes", size);
    memory->next = memories->first;
    memories->first = memory;
    return memory->address;
}

void memories_set_readonly(struct memories *memories, const char *name)
{
    struct memory *memory = find_memory(memories, name, 0);

    mprotect(memory->address, memory->mapped, PROT_READ);
}

bool memories_hold(const struct memories *memories, const void *address, size_t size)
{
    for (const struct memory *memory = memories->first; memory; memory = memory->next) {
        uintptr_t offset = (uintptr_t)address - (uintptr_t)memory->address;

        if ((uintptr_t)address >= (uintptr_t)memory->address && offset <= memory->mapped &&
            size <= memory->mapped - offset)
            return true;
    }
    return false;
}

void memories_free(struct memories *memories)
{
    while (memories->first) {
        struct memory *memory = memories->first;

        memories->first = memory->next;
        munmap(memory->address, memory->mapped + PAGE);
        free(memory->name);
        free(memory);
    }
}

/* ---- from a step to memory */

const struct d3dkmt_op *call_find_op(const json_t *step)
{
    const char *request = member_text(step, "request");
    uint32_t word = request ? (uint32_t)strtoul(request, NULL, 0) : 0;

    for (int id = 0; id < D3DKMT_OP_COUNT; id++) {
        const struct d3dkmt_op *op = d3dkmt_find_op((enum d3dkmt_op_id)id);

        if (op->ioctl_number && op->ioctl_request == word && !(op->flags & D3DKMT_OP_REMOVED))
            return op;
    }
    return NULL;
}

static void name_buffer(const json_t *buffer, char symbol[64])
{
    const char *name = member_text(buffer, "name");

    if (!name || strlen(name) > 60)
        report_die("a buffer has no name, or a long one");
    snprintf(symbol, 64, "p:%s", name);
}

/* All addresses first: buffers point to each other. */
static void place_buffers(const json_t *buffers, struct call *call, struct memories *memories)
{
    const json_t *buffer;
    char symbol[64];
    size_t i;

    json_array_foreach((json_t *)buffers, i, buffer)
    {
        name_buffer(buffer, symbol);
        void *address = memories_get(memories, symbol, (size_t)member_number(buffer, "size", 0));

        symbols_set(call->clients->host->symbols, NULL, symbol, (uintptr_t)address);
    }
}

static void fill_memory(const json_t *before, struct call *call, void *address, size_t size)
{
    struct blob blob;

    blob_parse(&blob, before);
    if (blob.size > size)
        report_die("a buffer's contents are longer than the buffer");
    blob_fill(&blob, call->clients->host->symbols, call->client->name, address);
    blob_free(&blob);
}

static void fill_buffers(const json_t *buffers, struct call *call, struct memories *memories)
{
    const json_t *buffer;
    char symbol[64];
    size_t i;

    json_array_foreach((json_t *)buffers, i, buffer)
    {
        const json_t *before = json_object_get(buffer, "before");
        size_t size = (size_t)member_number(buffer, "size", 0);

        name_buffer(buffer, symbol);
        if (json_object_get(before, "hex"))
            fill_memory(before, call, memories_get(memories, symbol, size), size);
        if (member_number(buffer, "readonly", 0))
            memories_set_readonly(memories, symbol);
    }
}

static void fill_arguments(struct call *call, struct memories *memories)
{
    const json_t *argument = json_object_get(call->step, "arg");
    const json_t *before = json_object_get(call->step, "before");
    const char *text = json_string_value(argument);

    if (json_is_integer(argument)) {
        call->arguments = (void *)(uintptr_t)json_integer_value(argument);
    } else if (text && strcmp(text, "struct") == 0 && before) {
        struct blob blob;

        blob_parse(&blob, before);
        size_t size = blob.size;
        blob_free(&blob);
        call->arguments = memories_get(memories, call->arguments_name, size);
        fill_memory(before, call, call->arguments, size);
        if (member_number(call->step, "arg_readonly", 0))
            memories_set_readonly(memories, call->arguments_name);
    } else if (text && strstr(text, "zero bytes")) {
        size_t size = strtoul(text, NULL, 0);

        call->arguments = memories_get(memories, call->arguments_name, size);
        memset(call->arguments, 0, size);
    } else if (text) {
        call->arguments = (void *)(uintptr_t)strtoull(text, NULL, 0);
    }
}

/* ---- running */

/* The number of descriptors that the client may have, for as long as the call takes. */
static void limit_descriptors(long limit, struct rlimit *before)
{
    getrlimit(RLIMIT_NOFILE, before);
    if (limit && limit < (long)before->rlim_cur) {
        struct rlimit lower = {(rlim_t)limit, before->rlim_max};

        setrlimit(RLIMIT_NOFILE, &lower);
    }
}

static void *run(void *opaque)
{
    struct call *call = opaque;
    struct rlimit limit;

    limit_descriptors(call->client->descriptor_limit, &limit);
    NTSTATUS status = d3dkmti_guest_call(call->file->user->process, call->op, call->arguments);
    if (!NT_SUCCESS(status)) {
        last_error_report(call->op->name, "replay", status);
        snprintf(call->explanation, sizeof(call->explanation), "%s", d3dkmt_last_error());
    }
    if (call->client->descriptor_limit)
        setrlimit(RLIMIT_NOFILE, &limit);
    /* The file lives until its calls are over; this may be its end. */
    file_release(call->clients, call->file);
    pthread_mutex_lock(&call->mutex);
    call->status = status;
    call->done = true;
    pthread_cond_signal(&call->ended);
    pthread_mutex_unlock(&call->mutex);
    return NULL;
}

/* What the device file answers before the engine is asked. */
static const char *ask_file(struct call *call)
{
    const char *error = member_text(call->step, "errno");

    if (!call->op)
        return "ENOTTY";
    call->file = client_hold_file(call->clients, call->client);
    if (!call->file)
        return call->client->descriptors ? "ENOTTY" : "EBADF";
    /* Which descriptor a call went to is not recorded: these are calls on another one. */
    if (error && (strcmp(error, "ENOTTY") == 0 || strcmp(error, "EBADF") == 0) &&
        json_array_size(json_object_get(call->step, "msgs")) == 0)
        return error;
    return NULL;
}

struct call *call_start(const json_t *step, struct clients *clients, struct memories *memories)
{
    struct call *call = must_allocate(sizeof(*call));

    call->step = step;
    call->clients = clients;
    call->client = clients_get(clients, member_text(step, "proc"));
    call->thread_name = member_text(step, "thread");
    /* A call in a thread may last: later ones do not share its arguments. */
    snprintf(call->arguments_name, sizeof(call->arguments_name), "arguments %.16s",
             call->thread_name ? call->thread_name : "");
    pthread_mutex_init(&call->mutex, NULL);
    pthread_cond_init(&call->ended, NULL);
    const json_t *buffers = json_object_get(step, "bufs");
    place_buffers(buffers, call, memories);
    undeclared_supply(step, clients->host->symbols, memories);
    fill_buffers(buffers, call, memories);
    fill_arguments(call, memories);
    call->op = call_find_op(step);
    if (call->op && call->op->id == D3DKMT_OP_CreateAllocation2 &&
        memories_hold(memories, call->arguments, sizeof(D3DKMT_CREATEALLOCATION)))
        undeclared_fill(step, clients->host->symbols, memories, call->arguments);
    call->file_error = ask_file(call);
    if (call->file_error) {
        if (call->file)
            file_release(clients, call->file);
        call->done = true;
    } else if (pthread_create(&call->thread, NULL, run, call) != 0) {
        report_die("no thread for a call");
    }
    return call;
}

bool call_wait(struct call *call, long milliseconds)
{
    struct timespec end;
    int result = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&call->mutex);
    while (!call->done && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&call->ended, &call->mutex, &end);
    bool done = call->done;
    pthread_mutex_unlock(&call->mutex);
    return done;
}

void call_end(struct call *call)
{
    if (!call->file_error)
        pthread_join(call->thread, NULL);
    pthread_cond_destroy(&call->ended);
    pthread_mutex_destroy(&call->mutex);
    free(call);
}
