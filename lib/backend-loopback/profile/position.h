/* SPDX-License-Identifier: MIT */
/* Where a value stands in a JSON text that is known to be well-formed. Inside of the folder. */
#ifndef BACKEND_LOOPBACK_PROFILE_POSITION_H
#define BACKEND_LOOPBACK_PROFILE_POSITION_H

#include "backend-loopback/profile/reader.h"

struct position {
    unsigned line, column; /* from 1; columns count bytes */
};

struct position profile_position(const char *text, size_t size, const struct place *place);

#endif
