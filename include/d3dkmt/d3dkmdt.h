/* SPDX-License-Identifier: MIT */
/* Types of WDDM's display side and of what a kernel-mode driver reports about its adapter. */
#ifndef _D3DKMDT_H
#define _D3DKMDT_H

#include "d3dukmdt.h"

#include "wddm/adapterinfo.h"
#include "wddm/capabilities.h"
#include "wddm/device.h"
#include "wddm/displaylimits.h"
#include "wddm/outputprotection.h"
#include "wddm/statistics.h"

#endif
