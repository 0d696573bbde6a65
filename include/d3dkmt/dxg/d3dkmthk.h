/* SPDX-License-Identifier: MIT */
/* <dxg/d3dkmthk.h>, as programs for Microsoft's libdxg include it. */
#include "../d3dkmthk.h"
