/* SPDX-License-Identifier: MIT */
/* What this process holds, for tests of what is left behind. They abort where /proc is not there.
 */
#ifndef TESTS_GUEST_HELD_H
#define TESTS_GUEST_HELD_H

/* Open descriptors. */
unsigned held_descriptors(void);

/* Mappings of memory files, as the IO space is one. */
unsigned held_mappings(void);

#endif
