/* SPDX-License-Identifier: MIT */
/*
 * The library's own sync files: pairs of sockets.
 *
 * The program has one end, bound to an address that tells every process what it is. Whoever made
 * it keeps the other: there its last close shows as a hang-up, and from there it is signalled by a
 * packet that stays in the queue. The sending direction is shut down behind the packet, so that the
 * end stays readable even if somebody reads the packet.
 */
#ifndef CORE_SYNC_PAIR_H
#define CORE_SYNC_PAIR_H

#include <d3dkmt/syncfile.h>

#define SYNC_DRIVER          "libd3dkmt"
#define SYNC_TIMELINE_FENCE  "fence"
#define SYNC_TIMELINE_MERGED "merged"

/* What an end tells about itself, in any process. */
struct sync_pair_state {
    uint64_t id; /* random; the same for all duplicates */
    char name[D3DKMT_SYNC_FILE_NAME_SIZE];
    struct d3dkmt_sync_fence_info fence; /* as which it looks where nothing else is known */
};

/*
 * Makes a pair, both close-on-exec: ends[0] for the program, ends[1] for the maker. timeline: one
 * of SYNC_TIMELINE_*. *id, if wanted: as in the state. STATUS_UNSUCCESSFUL, explained, when there
 * is none to be had.
 */
NTSTATUS sync_pair_create(const char *timeline, const char *name, int ends[2], uint64_t *id);

/*
 * Signals through the maker's end, once; never blocks. status: STATUS_SUCCESS or an error;
 * timestamp: of now_ns (core/clock.h).
 */
void sync_pair_signal(int own_end, NTSTATUS status, uint64_t timestamp);

/* Whether a descriptor is the program's end of a pair, and if so, its state. Takes nothing away. */
bool sync_pair_look(int descriptor, struct sync_pair_state *state);

#endif
