/* SPDX-License-Identifier: MIT */
/* <dxg/d3dukmdt.h>, as programs for Microsoft's libdxg include it. */
#include "../d3dukmdt.h"
