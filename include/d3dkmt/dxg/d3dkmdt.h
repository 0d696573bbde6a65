/* SPDX-License-Identifier: MIT */
/* <dxg/d3dkmdt.h>, as programs for Microsoft's libdxg include it. */
#include "../d3dkmdt.h"
