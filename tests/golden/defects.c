/* SPDX-License-Identifier: MIT */
#include "defects.h"

#include <stdio.h>
#include <string.h>

void defects_begin(struct defects *defects, const char *scenario, const char *mark)
{
    *defects = (struct defects){.scenario = scenario, .mark = mark};
}
bool defects_rewrite(const struct defects *defects, json_t *step)
{
    (void)defects, (void)step;
    return true;
}
