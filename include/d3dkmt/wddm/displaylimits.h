/* SPDX-License-Identifier: MIT */
/*
 * Limits and marks of the display interface. Paravirtual adapters drive no display; the names are
 * here for sources that mention them.
 */
#ifndef D3DKMT_WDDM_DISPLAYLIMITS_H
#define D3DKMT_WDDM_DISPLAYLIMITS_H

#include "scalars.h"

#include "begin.h"

#define D3DKMDT_MAX_VIDPN_SOURCES_BITCOUNT      4
#define D3DKMDT_MAX_VIDPN_SOURCES               16
#define D3DKMDT_MAX_OVERLAYS_BITCOUNT           2
#define D3DKMDT_MAX_OVERLAYS                    4
#define D3DKMDT_DIMENSION_UNINITIALIZED         ((UINT)0xFFFFFFFF)
#define D3DKMDT_FREQUENCY_UNINITIALIZED         ((UINT)0xFFFFFFFF)
#define D3DKMDT_DIMENSION_NOTSPECIFIED          ((UINT)0xFFFFFFFE)
#define D3DKMDT_FREQUENCY_NOTSPECIFIED          ((UINT)0xFFFFFFFE)
#define D3DKMDT_BITS_PER_COMPONENT_06           1
#define D3DKMDT_BITS_PER_COMPONENT_08           2
#define D3DKMDT_BITS_PER_COMPONENT_10           4
#define D3DKMDT_BITS_PER_COMPONENT_12           8
#define D3DKMDT_BITS_PER_COMPONENT_14           16
#define D3DKMDT_BITS_PER_COMPONENT_16           32
#define DXGK_BRIGHTNESS_MAXIMUM_NIT_RANGE_COUNT 16

#include "end.h"

#endif
