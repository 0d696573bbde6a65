/* SPDX-License-Identifier: MIT */
/* Option texts: "name,name=value,...", as they stand behind a backend's name. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <d3dkmt/d3dkmt.h>

#include <stdint.h>

/* Longest option text that is accepted, its terminator included. */
enum { OPTIONS_TEXT_MAX = 1024 };

struct option {
    const char *name;
    const char *value; /* "" when there is no '=' */
};

/*
 * Calls visit for each option of text in order; visit returns a failure (which it has explained)
 * to stop. Returns that failure, STATUS_INVALID_PARAMETER for an empty name or a text that is too
 * long, or STATUS_SUCCESS.
 */
D3DKMT_API NTSTATUS d3dkmti_options_visit(
    const char *text, NTSTATUS (*visit)(void *context, const struct option *option), void *context);

/*
 * Reads a number: decimal or 0x, with an optional K, M or G for powers of 1024, from minimum to
 * maximum. STATUS_INVALID_PARAMETER, explained with the option's name and the limits, otherwise.
 */
D3DKMT_API NTSTATUS d3dkmti_option_number(const struct option *option, uint64_t minimum,
                                          uint64_t maximum, uint64_t *number);

/* Reads "", "on", "yes", "1" as true and "off", "no", "0" as false; explains anything else. */
D3DKMT_API NTSTATUS d3dkmti_option_switch(const struct option *option, bool *on);

#endif
