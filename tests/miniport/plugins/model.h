/* SPDX-License-Identifier: MIT */
/* What the miniport "model" and its test agree on. */
#ifndef TESTS_MINIPORT_PLUGINS_MODEL_H
#define TESTS_MINIPORT_PLUGINS_MODEL_H

enum { MODEL_BYTES = 20480, MODEL_DATA_BYTES = 16 };

#endif
