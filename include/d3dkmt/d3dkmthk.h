/* SPDX-License-Identifier: MIT */
/*
 * The D3DKMT functions: WDDM's graphics kernel as user-mode drivers call it. One header per family
 * of objects; include this one and take them all.
 */
#ifndef _D3DKMTHK_H_
#define _D3DKMTHK_H_

#include "d3dkmdt.h"

#include "wddm/adapter.h"
#include "wddm/keyedmutex.h"
#include "wddm/present.h"
#include "wddm/protectedsession.h"
#include "wddm/syncfile.h"
#include "wddm/trackedworkload.h"

#include "wddm/functionpointers.h"

#endif
