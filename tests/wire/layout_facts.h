/* SPDX-License-Identifier: MIT */
/* What layout_test.c is given by the generated tables. */
#ifndef D3DKMT_TESTS_WIRE_LAYOUT_FACTS_H
#define D3DKMT_TESTS_WIRE_LAYOUT_FACTS_H

#include "core/wire/wire.h"

struct wire_number_fact {
    const char *name;
    enum wire_channel channel;
    uint32_t number;
    uint32_t value; /* of the enumerator */
    uint32_t fixed_size;
};

struct wire_size_fact {
    enum wire_channel channel;
    uint32_t number;
    uint32_t counts[WIRE_MAX_TAILS];
    size_t sent_size;
    size_t with_ext_header;
};

struct wire_reply_fact {
    enum wire_channel channel;
    uint32_t number;
    uint32_t version;
    enum wire_reply_kind kind;
    uint32_t fixed_size;
    uint32_t status_offset;
};

extern const struct wire_number_fact wire_number_facts[];
extern const unsigned wire_number_fact_count;
extern const struct wire_size_fact wire_size_facts[];
extern const unsigned wire_size_fact_count;
extern const struct wire_reply_fact wire_reply_facts[];
extern const unsigned wire_reply_fact_count;

/* Generated: call wire_fact and wire_fact_bits for every fact. */
void wire_check_layouts(void);
void wire_check_bits(void);

/* In layout_test.c. */
void wire_fact(const char *what, size_t actual, size_t expected);
void wire_fact_bits(const char *what, uint64_t mask, unsigned first, unsigned width);

#endif
