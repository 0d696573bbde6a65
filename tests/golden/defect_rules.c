/* SPDX-License-Identifier: MIT */
#include "defect_rules.h"

#include "blob.h"
#include "recorded.h"

#include <d3dkmt/d3dkmthk.h>
#include <linux/ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST(number, type) _IOWR(0x47, number, type)

static bool leave_out(json_t *steps)
{
    json_array_clear(steps);
    return true;
}

/* ---- rules: calls */

static bool unknown_luid(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const uint32_t none = 0;

    (void)defects;
    if (!recorded_success(step) || json_object_get(step, "after"))
        return false;
    recorded_set_error(step, "EINVAL");
    recorded_set_after(step, offsetof(D3DKMT_OPENADAPTERFROMLUID, hAdapter), &none, sizeof(none));
    return true;
}

static bool silent_success(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    if (!recorded_success(step) || json_object_get(step, "after"))
        return false;
    recorded_set_error(step, "EINVAL");
    return true;
}

static bool no_device(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    if (!recorded_success(step) || json_object_get(step, "after"))
        return false;
    /* An answer that is missing, or the host's own failure. */
    recorded_set_error(step, "EOVERFLOW");
    return true;
}

/* The driver keeps a record of the device that the host did not make, without a handle. */
static bool no_dead_device(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0), *messages = json_object_get(step, "msgs");
    bool removed = false;

    (void)defects;
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *entry = json_array_get(messages, i);
        struct blob blob;

        if (!recorded_is_message(entry, "FLUSHDEVICE"))
            continue;
        blob_parse(&blob, entry);
        bool dead = blob.size >= 28 && memcmp(blob.bytes + 24, "\0\0\0\0", 4) == 0;
        blob_free(&blob);
        if (dead)
            json_array_remove(messages, i);
        removed |= dead;
    }
    return removed;
}

static bool bad_result_pointer(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    if (!member_number(step, "arg_readonly", 0) || member_text(step, "errno") ||
        member_number(step, "ret", 0) <= 0)
        return false;
    recorded_set_error(step, "EFAULT");
    return true;
}

static bool no_handle_zero(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const json_t *reply = json_object_get(recorded_message(step, "OPENSYNCOBJECT"), "reply");
    struct blob blob;

    (void)defects;
    if (!recorded_success(step) || !reply)
        return false;
    blob_parse(&blob, reply);
    bool zero = blob.size >= 4 && memcmp(blob.bytes, "\0\0\0\0", 4) == 0;
    blob_free(&blob);
    if (zero) {
        recorded_set_error(step, "EINVAL");
        json_object_del(step, "after");
    }
    return zero;
}

static bool keep_input(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    if (recorded_failure(step, "EFAULT") && recorded_message(step, "FLUSHHEAPTRANSITIONS")) {
        /* Nothing is written back that could fail. */
        json_object_set_new(step, "ret", json_integer(0));
        json_object_set_new(step, "errno", json_integer(0));
        return true;
    }
    return recorded_success(step) && json_object_del(step, "after") == 0;
}

static bool spare_the_input(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    return !recorded_success(step) && !recorded_message(step, "CREATESYNCOBJECT") &&
           recorded_remove_messages(step, "DESTROYSYNCOBJECT");
}

static bool lost_pending(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const json_t *reply = json_object_get(recorded_message(step, "RECLAIMALLOCATIONS"), "reply");
    enum { STATUS_AT = 8 }; /* behind the fence value */
    NTSTATUS status = 0;
    struct blob blob;

    (void)defects;
    if (!recorded_success(step) || member_number(step, "ret", 0) != 0 || !reply)
        return false;
    blob_parse(&blob, reply);
    if (blob.size >= STATUS_AT + sizeof(status))
        memcpy(&status, blob.bytes + STATUS_AT, sizeof(status));
    blob_free(&blob);
    if (status <= 0)
        return false;
    json_object_set_new(step, "ret", json_integer(status));
    return true;
}

static bool tell_what_to_trim(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const json_t *message = recorded_message(step, "MAKERESIDENT");
    const json_t *reply = json_object_get(message, "reply");
    enum { TRIM_AT = 8 };
    struct blob blob;

    (void)defects;
    if (!recorded_failure(step, "ENOMEM") || !reply)
        return false;
    blob_parse(&blob, reply);
    bool told = blob.size >= TRIM_AT + sizeof(UINT64);
    if (told)
        recorded_set_after(step, offsetof(D3DDDI_MAKERESIDENT, NumBytesToTrim),
                           blob.bytes + TRIM_AT, sizeof(UINT64));
    blob_free(&blob);
    return told;
}

static bool too_many_primaries(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    D3DKMT_SUBMITCOMMAND args;
    struct blob blob;

    (void)defects;
    blob_parse(&blob, json_object_get(step, "before"));
    bool small = blob.size < sizeof(args);
    if (!small)
        memcpy(&args, blob.bytes, sizeof(args));
    blob_free(&blob);
    if (small || !recorded_success(step) || args.NumPrimaries <= D3DDDI_MAX_WRITTEN_PRIMARIES)
        return false;
    recorded_set_error(step, "EINVAL");
    json_object_del(step, "msgs");
    return true;
}

/* ---- rules: what the host must be told */

/* Destroys on the host what the reply to another message has made; its handle comes first in it. */
static void append_destroy(json_t *step, const json_t *message, const char *command,
                           uint32_t number, const struct blob *made)
{
    const json_t *reply = json_object_get(message, "reply"), *symbol;
    json_t *symbols = recorded_symbols_before(message, 24);
    unsigned char body[8] = {0};
    size_t i;

    memcpy(body, made->bytes, 4);
    json_array_foreach(json_object_get(reply, "sym"), i, symbol)
    {
        if (json_integer_value(json_array_get(symbol, 0)) == 0)
            json_array_append_new(symbols, json_pack("[iiO]", 24, 4, json_array_get(symbol, 2)));
    }
    recorded_append_message(step, message, command, number, body, sizeof(body), symbols);
}

static bool undo_paging_queue(struct defects *defects, json_t *steps)
{
    enum { DESTROYPAGINGQUEUE = 10 };
    json_t *step = json_array_get(steps, 0);
    const json_t *message = recorded_message(step, "CREATEPAGINGQUEUE");
    const json_t *reply = json_object_get(message, "reply");
    struct blob blob;

    (void)defects;
    if (!recorded_failure(step, "ENOMEM") || !reply || recorded_message(step, "DESTROYPAGINGQUEUE"))
        return false;
    blob_parse(&blob, reply);
    bool made = blob.size >= 24;
    if (made)
        append_destroy(step, message, "DESTROYPAGINGQUEUE", DESTROYPAGINGQUEUE, &blob);
    blob_free(&blob);
    return made;
}

/* Of a fence that was opened for a sync file. */
static bool undo_open(json_t *step)
{
    enum { DESTROYSYNCOBJECT = 1003, OPENED = 24 };
    const json_t *message = recorded_message(step, "OPENSYNCOBJECT");
    const json_t *reply = json_object_get(message, "reply");
    struct blob blob;

    if (recorded_success(step) || !reply || recorded_message(step, "DESTROYSYNCOBJECT"))
        return false;
    blob_parse(&blob, reply);
    bool opened = blob.size >= OPENED && memcmp(blob.bytes + 4, "\0\0\0\0", 4) == 0;
    if (opened)
        append_destroy(step, message, "DESTROYSYNCOBJECT", DESTROYSYNCOBJECT, &blob);
    blob_free(&blob);
    return opened;
}

static bool undo_open_of_wait(struct defects *defects, json_t *steps)
{
    (void)defects;
    return undo_open(json_array_get(steps, 0));
}

static bool undo_open_of_open(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    (void)defects;
    return recorded_failure(step, "EFAULT") && undo_open(step);
}

static void append_unlock(json_t *step, const json_t *like)
{
    enum { UNLOCK2 = 24 };
    unsigned char body[16] = {0};
    struct blob blob;

    blob_parse(&blob, like);
    memcpy(body, blob.bytes + 24, 8); /* device and allocation stand at the same place */
    blob_free(&blob);
    recorded_append_message(step, like, "UNLOCK2", UNLOCK2, body, sizeof(body),
                            recorded_symbols_before(like, 32));
}

static bool undo_lock(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const json_t *message = recorded_message(step, "LOCK2");
    const char *hex = member_text(json_object_get(message, "reply"), "hex");

    (void)defects;
    if (!(recorded_failure(step, "ENOMEM") || recorded_failure(step, "EFAULT")) || !hex ||
        recorded_message(step, "UNLOCK2"))
        return false;
    struct blob reply;
    blob_parse(&reply, json_object_get(message, "reply"));
    bool locked = reply.size >= 16 && memcmp(reply.bytes, "\0\0\0\0", 4) == 0;
    blob_free(&reply);
    if (locked)
        append_unlock(step, message);
    return locked;
}

static bool no_words_for_the_dead(struct defects *defects, json_t *steps)
{
    static const char *const commands[] = {"FLUSHDEVICE", "DESTROYALLOCATION", "INVALIDATECACHE"};
    json_t *step = json_array_get(steps, 0);
    bool removed = false;

    for (size_t i = 0; defects->adapter_gone && i < sizeof(commands) / sizeof(commands[0]); i++)
        removed |= recorded_remove_messages(step, commands[i]);
    return removed;
}

/* ---- rules: threads */

static bool wake_the_waiter(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const char *result = member_text(step, "ret");

    if (defects->woken)
        return leave_out(steps);
    if (!result || strcmp(result, "blocked") != 0)
        return false;
    recorded_set_error(step, "ENODEV");
    defects->woken = true;
    return true;
}

/* The second locker waits for the first: it becomes a thread that is joined later. */
static bool lock_in_turn(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    if (strncmp(defects->scenario, "life/concurrent-lock@", 21) != 0 ||
        member_text(step, "thread") || !recorded_message(step, "LOCK2"))
        return false;
    defects->late_outcome = json_deep_copy(step);
    json_object_set_new(defects->late_outcome, "kind", json_string("join"));
    json_object_set_new(defects->late_outcome, "thread", json_string("second"));
    json_object_del(defects->late_outcome, "msgs");
    json_object_set_new(step, "thread", json_string("second"));
    json_object_set_new(step, "ret", json_string("pending"));
    json_object_del(step, "msgs");
    return true;
}

static bool join_the_second(struct defects *defects, json_t *steps)
{
    if (!defects->late_outcome)
        return false;
    json_array_append_new(steps, defects->late_outcome);
    defects->late_outcome = NULL;
    return true;
}

/* Calls with a device that does not exist change nothing; the lock is still there for step 10. */
static bool check_the_device(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    int64_t number = member_number(step, "step", 0);

    if (strncmp(defects->scenario, "limits/lock-wrong-device@", 25) != 0 ||
        (number != 7 && number != 8))
        return false;
    recorded_set_error(step, "EINVAL");
    json_object_del(step, "after");
    return true;
}

static bool unlock_at_last(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    if (strncmp(defects->scenario, "limits/lock-wrong-device@", 25) != 0 ||
        member_number(step, "step", 0) != 10 || !defects->late_outcome)
        return false;
    json_object_set_new(step, "ret", json_integer(0));
    json_object_set_new(step, "errno", json_integer(0));
    json_object_set_new(step, "msgs", json_array());
    append_unlock(step, defects->late_outcome);
    return true;
}

static bool signals_end_no_wait(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    if (!recorded_failure(step, "EINTR"))
        return false;
    json_object_set_new(step, "ret", json_string("blocked"));
    json_object_del(step, "errno");
    defects->interrupted = "";
    return true;
}

static bool events_end_waits(struct defects *defects, json_t *steps)
{
    if (!defects->interrupted || !defects->late_outcome)
        return false;
    json_array_append_new(steps, defects->late_outcome);
    defects->late_outcome = NULL;
    defects->interrupted = NULL;
    return true;
}

static bool signals_send_nothing(struct defects *defects, json_t *steps)
{
    (void)defects;
    return json_object_del(json_array_get(steps, 0), "msgs") == 0;
}

/* ---- rules: sync files */

static bool only_monitored_fences(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);

    if (strncmp(defects->scenario, "syncfile/non-monitored@", 23) != 0)
        return false;
    recorded_set_error(step, "EINVAL");
    json_object_del(step, "after");
    json_object_del(step, "msgs");
    return true;
}

static bool nothing_to_poll(struct defects *defects, json_t *steps)
{
    return strncmp(defects->scenario, "syncfile/non-monitored@", 23) == 0 && leave_out(steps);
}

/* The driver adds 1 to the value when the file is signalled. */
static bool wait_for_the_value(struct defects *defects, json_t *steps)
{
    enum { VALUE_AT = 40 };
    json_t *message = recorded_message(json_array_get(steps, 0), "WAITFORSYNCOBJECTFROMGPU");
    struct blob blob;

    if (strncmp(defects->scenario, "syncfile/fence-destroyed@", 25) != 0 || !message)
        return false;
    blob_parse(&blob, message);
    if (blob.size <= VALUE_AT)
        report_die("a wait is too short");
    blob.bytes[VALUE_AT]--;
    char *text = blob_encode_hex(blob.bytes, blob.size);
    json_object_set_new(message, "hex", json_string(text));
    free(text);
    blob_free(&blob);
    return true;
}

/* ---- rules: memory and handles */

static bool refuse_write(struct defects *defects, json_t *steps)
{
    json_t *step = json_array_get(steps, 0);
    const char *data = member_text(step, "data");

    json_object_set_new(step, "result", json_string("refused"));
    free(defects->refused_data);
    defects->refused_data = must_copy(data ? data : "");
    return true;
}

static bool read_what_was_refused(struct defects *defects, json_t *steps)
{
    const json_t *step = json_array_get(steps, 0);
    const char *data = member_text(step, "data"), *what = member_text(step, "what");

    /* One address space stands for parent and child: it has no second mapping that stays. */
    if (data && ((defects->refused_data && strcmp(data, defects->refused_data) == 0) ||
                 (defects->fence_destroyed && what && what[0] == 'v')))
        return leave_out(steps);
    return false;
}

static bool true_generations(struct defects *defects, json_t *steps)
{
    (void)defects;
    json_object_set_new(json_array_get(steps, 0), "true_generations", json_true());
    return true;
}

/* ---- the table */

const struct defect_rule defect_rules[] = {
    {"K-2", false, REQUEST(0x01, D3DKMT_OPENADAPTERFROMLUID), NULL, unknown_luid,
     "an unknown adapter is an error, and no handle comes back"},
    {"K-4", false, REQUEST(0x02, D3DKMT_CREATEDEVICE), NULL, no_device,
     "a device that the host did not make is an error"},
    {"K-4", false, 0, NULL, no_dead_device, "and leaves nothing behind"},
    {"K-6", false, REQUEST(0x43, D3DKMT_QUERYSTATISTICS), NULL, silent_success,
     "statistics of an unknown adapter are an error"},
    {"K-7", true, REQUEST(0x49, D3DKMT_ISFEATUREENABLED), NULL, bad_result_pointer,
     "memory that cannot be written is an error"},
    {"K-8", true, REQUEST(0x1f, D3DKMT_FLUSHHEAPTRANSITIONS), NULL, keep_input,
     "the caller's adapter handle stays as it is"},
    {"K-9", false, REQUEST(0x10, D3DKMT_CREATESYNCHRONIZATIONOBJECT2), NULL, spare_the_input,
     "what stood in the output field is not destroyed"},
    {"K-10", false, 0, "join", wake_the_waiter,
     "the end of device or adapter ends the wait, with STATUS_DEVICE_REMOVED"},
    {"K-14", false, 0, "memwrite", refuse_write, "fence pages are read-only"},
    {"K-14", false, 0, "memread", read_what_was_refused,
     "left out: the page was not written, or is another process's"},
    {"K-18", true, REQUEST(0x45, D3DKMT_CREATESYNCFILE), NULL, only_monitored_fences,
     "only monitored fences have values to wait for"},
    {"K-18", true, 0, "poll", nothing_to_poll, "left out: there is no sync file"},
    {"K-21", true, REQUEST(0x46, D3DKMT_WAITSYNCFILE), NULL, wait_for_the_value,
     "a signalled sync file stands for the same value"},
    {"K-23", false, REQUEST(0x47, D3DKMT_OPENSYNCOBJECTFROMSYNCFILE), NULL, undo_open_of_open,
     "an object that the caller cannot be told of is destroyed on the host"},
    {"K-28", false, REQUEST(0x25, D3DKMT_LOCK2), NULL, lock_in_turn,
     "a second locker waits for the first, and the host locks once"},
    {"K-28", false, REQUEST(0x25, D3DKMT_LOCK2), NULL, check_the_device,
     "the device is checked although the allocation is locked"},
    {"K-28", false, REQUEST(0x37, D3DKMT_UNLOCK2), NULL, check_the_device,
     "the device is checked before the lock is counted down"},
    {"K-28", false, REQUEST(0x37, D3DKMT_UNLOCK2), NULL, unlock_at_last,
     "the lock is still there, and ends"},
    {"K-28", false, 0, "join", join_the_second, "the second locker has its turn"},
    {"K-33", false, 0, "adapterseq", true_generations,
     "an entry that is reused gets another generation, and old handles are refused"},
    {"K-37", false, REQUEST(0x2c, D3DKMT_RECLAIMALLOCATIONS2), NULL, lost_pending,
     "STATUS_PENDING and its like are returned with results, too"},
    {"K-38", true, REQUEST(0x0b, D3DDDI_MAKERESIDENT), NULL, tell_what_to_trim,
     "a caller without memory learns how much to trim"},
    {"K-46", false, REQUEST(0x0f, D3DKMT_SUBMITCOMMAND), NULL, too_many_primaries,
     "the array has 16 entries"},
    {"K-51", false, 0, "join", signals_end_no_wait, "a signal does not end the wait"},
    {"K-51", false, 0, "host", events_end_waits, "the event does"},
    {"K-51", false, 0, "signal", signals_send_nothing, "and nothing is sent again"},
    {"K-58", false, 0, NULL, no_words_for_the_dead,
     "the host hears nothing about an adapter that is gone"},
    {"K-60", false, REQUEST(0x40, D3DKMT_OPENSYNCOBJECTFROMNTHANDLE2), NULL, no_handle_zero,
     "a handle of 0 is a failure"},
    {"K-61", true, REQUEST(0x07, D3DKMT_CREATEPAGINGQUEUE), NULL, undo_paging_queue,
     "a queue whose fence cannot be mapped is destroyed on the host"},
    {"K-61", true, REQUEST(0x46, D3DKMT_WAITSYNCFILE), NULL, undo_open_of_wait,
     "the object of a wait that fails is destroyed on the host"},
    {"K-61", true, REQUEST(0x25, D3DKMT_LOCK2), NULL, undo_lock,
     "a lock that cannot be mapped or told is undone on the host"},
    {0},
};

/* Keeps the outcome of a wait that a signal does not end any more, to be joined after its event. */
static json_t *outcome_after_event(const json_t *step)
{
    json_t *join = json_deep_copy(step);

    json_object_set_new(join, "ret", json_integer(0));
    json_object_set_new(join, "errno", json_integer(0));
    return join;
}

void defects_remember(struct defects *defects, const json_t *step)
{
    const char *kind = member_text(step, "kind"), *action = member_text(step, "action");

    if (action && (strncmp(action, "remove", 6) == 0 || strncmp(action, "rescind", 7) == 0))
        defects->adapter_gone = true;
    if (recorded_request(step) == REQUEST(0x1d, D3DKMT_DESTROYSYNCHRONIZATIONOBJECT))
        defects->fence_destroyed = true;
    if (kind && strcmp(kind, "join") == 0 && recorded_failure(step, "EINTR") &&
        defects->interrupted && !defects->late_outcome)
        defects->late_outcome = outcome_after_event(step);
    if (strncmp(defects->scenario, "limits/lock-wrong-device@", 25) == 0 &&
        recorded_message(step, "LOCK2")) {
        json_decref(defects->late_outcome);
        defects->late_outcome = json_deep_copy(recorded_message(step, "LOCK2"));
    }
}
