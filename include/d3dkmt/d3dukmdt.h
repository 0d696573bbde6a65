/* SPDX-License-Identifier: MIT */
/* Types that WDDM's user mode and kernel mode share: handles, allocations, GPU addresses, sync objects. */
#ifndef _D3DUKMDT_H_
#define _D3DUKMDT_H_

#include "wddm/basetypes.h"
#include "wddm/status.h"

#include "wddm/version.h"

#include "wddm/scalars.h"

#include "wddm/allocation.h"
#include "wddm/context.h"
#include "wddm/escape.h"
#include "wddm/format.h"
#include "wddm/gpuva.h"
#include "wddm/hwqueue.h"
#include "wddm/residency.h"
#include "wddm/sharing.h"
#include "wddm/sync.h"

#endif
