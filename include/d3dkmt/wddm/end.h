/* SPDX-License-Identifier: MIT */
/* Closes what begin.h opened. No include guard, for the same reason. */
#ifdef __cplusplus
}
#endif

#pragma pop_macro("ScanLineOrdering")
#pragma GCC diagnostic pop
