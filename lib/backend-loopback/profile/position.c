/* SPDX-License-Identifier: MIT */
/*
 * jansson tells lines for errors of syntax alone, so the way to a value is walked again in the
 * text. Only well-formed texts come here; the walk stays inside of any text all the same.
 */
#include "backend-loopback/profile/position.h"

#include <string.h>

struct walk {
    const char *at, *end;
};

static char now(const struct walk *walk)
{
    return walk->at < walk->end ? *walk->at : '\0';
}

static void skip_space(struct walk *walk)
{
    while (walk->at < walk->end && strchr(" \t\r\n", *walk->at) && *walk->at)
        walk->at++;
}

/* Stands on the character behind the closing quote. */
static void skip_string(struct walk *walk)
{
    for (walk->at++; walk->at < walk->end && *walk->at != '"'; walk->at++) {
        if (*walk->at == '\\' && walk->at + 1 < walk->end)
            walk->at++;
    }
    if (walk->at < walk->end)
        walk->at++;
}

/* Without recursion: texts nest as deep as their writers like. */
static void skip_value(struct walk *walk)
{
    size_t depth = 0;

    do {
        skip_space(walk);
        char c = now(walk);
        if (c == '"') {
            skip_string(walk);
        } else if (c == '{' || c == '[') {
            depth++;
            walk->at++;
        } else if (c == '}' || c == ']') {
            depth -= depth > 0;
            walk->at++;
        } else if (c == ',' || c == ':') {
            walk->at++;
        } else {
            size_t left = (size_t)(walk->end - walk->at), length = 0;

            while (length < left && !strchr(" \t\r\n,:]}", walk->at[length]))
                length++;
            walk->at += length ? length : left > 0;
        }
    } while (depth > 0 && walk->at < walk->end);
}

static bool key_is(const char *from, const char *to, const char *name)
{
    json_t *key = json_loadb(from, (size_t)(to - from), JSON_DECODE_ANY, NULL);
    bool same = json_is_string(key) && strcmp(json_string_value(key), name) == 0;

    json_decref(key);
    return same;
}

/* From an object's brace to the value of its member; stays on the brace when there is none. */
static void enter_member(struct walk *walk, const char *name)
{
    const char *start = walk->at;

    walk->at++;
    for (skip_space(walk); now(walk) == '"'; skip_space(walk)) {
        const char *key = walk->at;

        skip_string(walk);
        bool found = key_is(key, walk->at, name);
        skip_space(walk);
        walk->at += now(walk) == ':';
        skip_space(walk);
        if (found)
            return;
        skip_value(walk);
        skip_space(walk);
        walk->at += now(walk) == ',';
    }
    walk->at = start;
}

static void enter_element(struct walk *walk, size_t index)
{
    walk->at += now(walk) == '[';
    for (; index > 0 && walk->at < walk->end; index--) {
        skip_value(walk);
        skip_space(walk);
        walk->at += now(walk) == ',';
    }
    skip_space(walk);
}

static void walk_to(struct walk *walk, const struct place *place)
{
    if (!place->outer) {
        skip_space(walk);
        return;
    }
    walk_to(walk, place->outer);
    if (place->member)
        enter_member(walk, place->member);
    else
        enter_element(walk, place->index);
}

struct position profile_position(const char *text, size_t size, const struct place *place)
{
    struct walk walk = {text, text + size};
    struct position position = {1, 1};

    walk_to(&walk, place);
    for (const char *at = text; at < walk.at; at++) {
        position.column = *at == '\n' ? 1 : position.column + 1;
        position.line += *at == '\n';
    }
    return position;
}
