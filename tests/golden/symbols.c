/* SPDX-License-Identifier: MIT */
#include "symbols.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 96 };

struct symbol {
    struct symbol *next;
    uint64_t value;
    char key[KEY_MAX];
};

void symbols_init(struct symbols *symbols)
{
    memset(symbols, 0, sizeof(*symbols));
    pthread_mutex_init(&symbols->mutex, NULL);
}

void symbols_clear(struct symbols *symbols)
{
    for (int i = 0; i < SYMBOL_BUCKETS; i++) {
        while (symbols->buckets[i]) {
            struct symbol *next = symbols->buckets[i]->next;

            free(symbols->buckets[i]);
            symbols->buckets[i] = next;
        }
    }
    pthread_mutex_destroy(&symbols->mutex);
}

static void make_key(char key[KEY_MAX], const char *scope, const char *name)
{
    bool scoped = scope && strncmp(name, "fd:", 3) == 0;
    int length = snprintf(key, KEY_MAX, "%s%s%s", scoped ? scope : "", scoped ? "/" : "", name);

    if (length >= KEY_MAX)
        report_die("the name %s is too long", name);
}

static struct symbol **find(struct symbols *symbols, const char *key)
{
    uint32_t hash = 2166136261u;

    for (const char *c = key; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    struct symbol **link = &symbols->buckets[hash % SYMBOL_BUCKETS];
    while (*link && strcmp((*link)->key, key) != 0)
        link = &(*link)->next;
    return link;
}

bool symbols_get(struct symbols *symbols, const char *scope, const char *name, uint64_t *value)
{
    char key[KEY_MAX];

    if (strncmp(name, "io:", 3) == 0) {
        *value = SYMBOLS_IO_START + strtoull(name + 3, NULL, 0);
        return true;
    }
    make_key(key, scope, name);
    pthread_mutex_lock(&symbols->mutex);
    const struct symbol *symbol = *find(symbols, key);
    if (symbol)
        *value = symbol->value;
    pthread_mutex_unlock(&symbols->mutex);
    return symbol != NULL;
}

void symbols_set(struct symbols *symbols, const char *scope, const char *name, uint64_t value)
{
    char key[KEY_MAX];

    make_key(key, scope, name);
    pthread_mutex_lock(&symbols->mutex);
    struct symbol **link = find(symbols, key);
    if (!*link) {
        *link = must_allocate(sizeof(**link));
        memcpy((*link)->key, key, KEY_MAX);
    }
    (*link)->value = value;
    pthread_mutex_unlock(&symbols->mutex);
}
