/* SPDX-License-Identifier: MIT */
/*
 * How a guest in one process talks to a simulated host in another. docs/hostd.md describes it for
 * foreign guests.
 *
 * A Unix socket of type SOCK_SEQPACKET carries what is rare: the greeting, descriptors, PCI config
 * words, and the host's messages. Commands go through shared memory: an array of slots, each of
 * which holds one command on its way and its reply. A slot's number is the command's transaction;
 * slots are independent, so commands of several threads are in progress at once.
 *
 * Everything is in the byte order and alignment of the machine. Both ends copy what they read out
 * of the shared memory once and check the copy.
 */
#ifndef BACKEND_LOOPBACK_REMOTE_FRAME_H
#define BACKEND_LOOPBACK_REMOTE_FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REMOTE_MAGIC         UINT32_C(0x44334b48)
#define REMOTE_VERSION       UINT32_C(2)
#define REMOTE_SLOTS         64u
#define REMOTE_MESSAGE_LIMIT 131072u /* of a command, of a reply, of a kept record */
#define REMOTE_PACKET_LIMIT  (REMOTE_MESSAGE_LIMIT + 256u)
#define REMOTE_MAX_ADAPTERS  16u
#define REMOTE_MAX_FILES     2u /* descriptors that come with a packet */

/* ---- slots */

/* A slot's state; with REMOTE_SLOT_ASLEEP when somebody sleeps until it changes. */
enum remote_slot_state {
    REMOTE_SLOT_IDLE = 0,    /* the guest's: it writes a command, or reads the reply */
    REMOTE_SLOT_COMMAND = 1, /* the host's: it reads the command and writes the reply */
    REMOTE_SLOT_CLOSED = 2,  /* the connection is at its end */
    REMOTE_SLOT_ASLEEP = 0x100,
};

struct remote_slot {
    _Atomic uint32_t state; /* a futex, shared between processes */
    uint32_t channel;       /* 0: the global one; otherwise an adapter's index + 1 */
    uint32_t size;          /* of the command */
    uint32_t capacity;      /* for the reply; 0: none is wanted */
    uint32_t reply_size;
    uint32_t reserved[11];
    unsigned char command[REMOTE_MESSAGE_LIMIT];
    unsigned char reply[REMOTE_MESSAGE_LIMIT];
    unsigned char padding[4096 - 64]; /* whole pages */
};

/*
 * Waits while the state is that one and returns the next. Looks for spin_ns nanoseconds before it
 * sleeps. Also returns the same state when it was interrupted: call again.
 */
uint32_t remote_slot_wait(struct remote_slot *slot, uint32_t state, uint64_t spin_ns);

/* Hands the slot over and wakes who sleeps over it. */
void remote_slot_set(struct remote_slot *slot, uint32_t state);

/*
 * Closes the slot at the connection's end. Wakes all that sleep over it even if the state says that
 * nobody does: the other process may have ended after it handed the slot over, and before it woke;
 * or it may sleep there itself, to be woken in this one's place.
 */
void remote_slot_close(struct remote_slot *slot);

/* ---- packets */

enum remote_packet_type {
    /* of the guest; each has a REMOTE_ANSWER, in order */
    REMOTE_HELLO = 1,
    REMOTE_CONFIG_READ,  /* struct remote_config; the answer's value is the word */
    REMOTE_CONFIG_WRITE, /* struct remote_config */
    REMOTE_OPEN_SLOT,    /* struct remote_open_slot: from now on the host looks at it */
    REMOTE_KEEP,         /* struct remote_keep and a record; the answer has a descriptor */
    REMOTE_LOOK_UP,      /* with a descriptor; the answer has a struct remote_kept and the record */
    REMOTE_COUNT,        /* the answer has a struct remote_counts */
    REMOTE_ADD,          /* struct remote_add; the answer's value is the adapter's number */
    REMOTE_REMOVE,       /* struct remote_number: answered when it has begun */
    REMOTE_QUIET,        /* struct remote_number: nobody here waits for that adapter any more */
    REMOTE_LEFT,         /* struct remote_number: it is not known here any more */
    /* of the host */
    REMOTE_WELCOME = 64, /* the answer to the hello; descriptors: IO space, slots */
    REMOTE_ANSWER,
    REMOTE_MESSAGE, /* a message of the host on the global channel */
    REMOTE_ARRIVED, /* struct remote_arrived */
    REMOTE_LEAVING, /* struct remote_number; REMOTE_QUIET is awaited */
    REMOTE_LOST,    /* struct remote_number: its fences are all ones; REMOTE_LEFT is awaited */
    REMOTE_REMOVED, /* struct remote_number */
};

struct remote_header {
    uint32_t type;
    uint32_t reserved;
};

struct remote_hello {
    uint32_t magic, version;
};

struct remote_config {
    uint32_t adapter, offset, value;
};

struct remote_open_slot {
    uint32_t slot;
};

struct remote_adapter {
    uint8_t instance[16]; /* GUID of the vGPU channel */
    uint32_t compute_only;
    uint32_t present; /* 0: there is none of this number */
};

/* One that is to be made as the first one of the host is, but for this. */
struct remote_add {
    uint32_t luid_low;
    int32_t luid_high; /* both 0: a new one */
    uint32_t compute_only;
};

struct remote_number {
    uint32_t adapter;
};

struct remote_arrived {
    uint32_t number;
    struct remote_adapter adapter;
};

struct remote_welcome {
    uint32_t magic, version;
    uint32_t slot_count, slot_size;
    uint64_t io_space_size;
    struct remote_adapter adapters[REMOTE_MAX_ADAPTERS];
};

struct remote_answer {
    int32_t status; /* an NTSTATUS */
    uint32_t value;
};

/* What a descriptor stands for. The record is the guests' own; the host does not look into it. */
enum remote_kept_kind { REMOTE_KEPT_OBJECT = 0, REMOTE_KEPT_SYNC_FILE = 1 };

#define REMOTE_NAME_SIZE 32

struct remote_keep {
    uint32_t kind;      /* enum remote_kept_kind */
    uint32_t nt_handle; /* of CREATENTSHAREDOBJECT; the keeper's from now on. 0: none */
    uint32_t process;   /* of a sync file: whose handle the fence's is */
    uint32_t fence;
    uint64_t value;
    char name[REMOTE_NAME_SIZE]; /* of a sync file, with its terminator */
};

struct remote_kept {
    uint32_t kind;
    uint32_t nt_handle;
    uint64_t value;
};

struct remote_counts {
    uint32_t guests;  /* connections */
    uint32_t objects; /* of all processes of all guests */
    uint32_t kept;    /* what descriptors stand for */
    uint32_t reserved;
};

/* A packet taken apart. */
struct remote_packet {
    enum remote_packet_type type;
    const void *body; /* the type's struct, in the bytes given, which are aligned to 8 */
    const unsigned char *tail;
    size_t tail_size;
};

/* NULL when the packet is well-formed, with as many descriptors as it must have; else what is wrong
 * with it. from_guest: a guest's type is expected, else a host's. */
const char *remote_packet_decode(const void *bytes, size_t size, unsigned files, bool from_guest,
                                 struct remote_packet *packet);

/* ---- the socket */

/* A received packet with its descriptors, which are the receiver's. */
struct remote_received {
    size_t size;
    bool files_lost; /* it came with descriptors, but this process may open no more */
    unsigned file_count;
    int files[REMOTE_MAX_FILES];
    _Alignas(8) unsigned char bytes[REMOTE_PACKET_LIMIT];
};

enum remote_result { REMOTE_OK, REMOTE_FULL, REMOTE_GONE, REMOTE_MALFORMED };

/* Waits for a packet. REMOTE_GONE: the peer is; REMOTE_MALFORMED: too long, or too many descriptors
 * (all are closed). */
enum remote_result remote_receive(int socket, struct remote_received *received);

struct remote_outgoing {
    enum remote_packet_type type;
    const void *body;
    size_t body_size;
    const void *tail;
    size_t tail_size;
    const int *files;
    unsigned file_count;
};

/* Sends a packet. REMOTE_FULL: the peer does not read and wait is false. */
enum remote_result remote_send(int socket, const struct remote_outgoing *packet, bool wait);

/* Closes the descriptors that are left in it. */
void remote_received_drop(struct remote_received *received);

/* Takes the first descriptor out, or -1. */
int remote_received_take(struct remote_received *received);

#endif
