/* SPDX-License-Identifier: MIT */
/*
 * The families of WDDM that user-mode and kernel-mode drivers share: allocations and their
 * addresses and residency, contexts and queues, synchronisation, sharing, escapes. The guards of
 * this header and of its two companions have WDDM's names, since sources test them.
 */
#ifndef _D3DUKMDT_H_
#define _D3DUKMDT_H_

#include "wddm/basetypes.h"
#include "wddm/scalars.h"
#include "wddm/status.h"
#include "wddm/version.h"

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
