/* SPDX-License-Identifier: MIT */
/* What a recorded step says, and how a rule of defects.h changes it. */
#ifndef GOLDEN_RECORDED_H
#define GOLDEN_RECORDED_H

#include "report.h"

/* The ioctl word of a step, or 0. */
uint32_t recorded_request(const json_t *step);

bool recorded_success(const json_t *step);

/* Whether it failed with this errno, as a name. */
bool recorded_failure(const json_t *step, const char *error);

void recorded_set_error(json_t *step, const char *error);

/* Whether an entry of a step's messages is of this command. */
bool recorded_is_message(const json_t *entry, const char *command);

/* The first message of this command that it sent, or NULL. */
json_t *recorded_message(const json_t *step, const char *command);

/* False: there were none. */
bool recorded_remove_messages(json_t *step, const char *command);

/* Sets "after" to "before" with other bytes at one place, which then has no symbol. */
void recorded_set_after(json_t *step, size_t offset, const void *bytes, size_t size);

/* Adds a message after another one of the step: header and size bytes behind it. Takes symbols. */
void recorded_append_message(json_t *step, const json_t *like, const char *command, uint32_t number,
                             const unsigned char *body, size_t size, json_t *symbols);

/* The symbols of a message's first bytes, the process in the header among them. A new array. */
json_t *recorded_symbols_before(const json_t *message, size_t end);

#endif
