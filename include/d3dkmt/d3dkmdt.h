/* SPDX-License-Identifier: MIT */
/* The families of WDDM by which a kernel-mode driver describes its adapter, devices and outputs. */
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
