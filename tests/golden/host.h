/* SPDX-License-Identifier: MIT */
/*
 * The recorded host: a transport for the guest engine that compares each message with the
 * recording and answers as the host did then.
 *
 * Its thread plays the list of one step at a time: it takes the engine's messages in the recorded
 * order, gives the recorded answers, and does in between what the host did by itself.
 */
#ifndef GOLDEN_HOST_H
#define GOLDEN_HOST_H

#include "blob.h"

#include "core/guest/guest.h"

struct host_message;
struct host_mapping;

enum { HOST_ADAPTERS_MAX = 16, HOST_NOTES_MAX = 256, HOST_NOTE_SIZE = 48 };

/* What crossed beside the messages during a step; its order is not compared. */
struct host_notes {
    unsigned count;
    char text[HOST_NOTES_MAX][HOST_NOTE_SIZE];
};

struct host {
    struct report *report;
    struct symbols *symbols;
    struct guest_vm *vm;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool quitting;
    bool drained; /* nothing is compared any more, everything is refused */
    bool playing; /* the thread is doing something without the mutex */

    /* The step's list. */
    const json_t *script;
    size_t position;
    struct host_notes notes;

    struct host_message *arrived, **arrived_end; /* sent by the engine, not looked at yet */
    struct host_message *held;                   /* not answered yet */

    /* The machine. */
    uint32_t version_register, host_caps;
    bool compute_only[HOST_ADAPTERS_MAX];
    bool rescinded[HOST_ADAPTERS_MAX];
    int io_memory; /* a memory file behind the IO space */
    struct host_mapping *mappings;
    uint32_t last_gpadl;
};

/* configuration: a line of boot.jsonl. Starts the thread; host_connect names the engine. */
void host_start(struct host *host, const json_t *configuration, struct report *report,
                struct symbols *symbols);
void host_connect(struct host *host, struct guest_vm *vm);
void host_stop(struct host *host);

extern const struct transport_ops host_transport;

/* Begins a step with its list of messages (NULL: none). */
void host_begin(struct host *host, const json_t *messages);

/* Waits until the list is played; a message that the engine does not send is a difference. */
void host_finish(struct host *host);

/*
 * Waits while the next message of the list is this one: what the engine sends in a thread of its
 * own comes before what the caller does next.
 */
void host_await(struct host *host, const char *command);

/* From now on nothing is compared: messages are refused, and waiting exchanges fail. */
void host_drain(struct host *host);

/* The caller died: exchanges that wait for an answer fail. */
void host_abandon(struct host *host);

/* Adapter number n comes, goes, or loses its channel. */
void host_arrive(struct host *host, unsigned number, bool compute_only);
void host_remove(struct host *host, unsigned number);
void host_rescind(struct host *host, unsigned number);

/* The mapping that begins at this address; false if the engine made none or ended it. */
bool host_find_mapping(struct host *host, uint64_t address, size_t *size, bool *writable);

/* ---- between the files of the host */

#define HOST_IO_START SYMBOLS_IO_START
#define HOST_IO_SIZE  UINT64_C(0x4000000)

/* A message of the engine; of an exchange it lives on the caller's stack. */
struct host_message {
    struct host_message *next;
    guest_channel channel;
    const unsigned char *bytes;
    size_t size;
    bool posted; /* no reply; the message is freed after it was looked at */
    char *id;    /* as the recording calls it */
    unsigned char *reply;
    size_t capacity, reply_size;
    NTSTATUS status;
    bool done;
};

/* Under the mutex: notes what the engine did, or what it should do. */
void host_note(struct host_notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void *host_play(void *host);

#endif
