/* SPDX-License-Identifier: MIT */
#include "core/decorator.h"

_Atomic(const struct decorator *) decorator_in_use;
