/* SPDX-License-Identifier: MIT */
/* A library that is no plug-in, in spite of its name. */
extern int no_plugin_at_all;
int no_plugin_at_all = 1;
