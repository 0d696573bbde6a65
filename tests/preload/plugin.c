/* SPDX-License-Identifier: MIT */
/* A library that only its user's search path leads to. */
int plugin_answer(void);

int plugin_answer(void)
{
    return 42;
}
