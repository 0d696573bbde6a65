/* SPDX-License-Identifier: MIT */
/* The values that this run has for what the recording names: handles, addresses, descriptors. */
#ifndef GOLDEN_SYMBOLS_H
#define GOLDEN_SYMBOLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYMBOL_BUCKETS = 1024 };

/* Where the IO space begins, as recorded, so that addresses outside of it stay outside. */
#define SYMBOLS_IO_START UINT64_C(0x20000000)

struct symbol;

struct symbols {
    pthread_mutex_t mutex;
    struct symbol *buckets[SYMBOL_BUCKETS];
};

void symbols_init(struct symbols *symbols);
void symbols_clear(struct symbols *symbols);

/*
 * Any thread. scope: the process whose descriptor a name beginning with "fd:" is; other names mean
 * the same in every process. Names such as io:0x3000 are addresses in the IO space, always known.
 */
bool symbols_get(struct symbols *symbols, const char *scope, const char *name, uint64_t *value);
void symbols_set(struct symbols *symbols, const char *scope, const char *name, uint64_t value);

#endif
