// SPDX-License-Identifier: MIT
// The same client in C++.
#include "client.c"
