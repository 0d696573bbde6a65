/* SPDX-License-Identifier: MIT */
/* A library that is no miniport. */
extern int no_miniport_at_all;
int no_miniport_at_all = 1;
