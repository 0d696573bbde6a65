/* SPDX-License-Identifier: MIT */
/*
 * Opens the declarations of a WDDM header; end.h closes them. No include guard: each header
 * includes both once.
 *
 * WDDM's layouts are made of anonymous structs, enumerators above INT_MAX and 64-bit bit-fields,
 * which every compiler that we support accepts and -Wpedantic refuses; clients who compile with
 * -Wpedantic -Werror must not suffer for it.
 *
 * Some clients define ScanLineOrdering as a macro that rewrites the member of that name while they
 * include these headers. It would change the layout of D3DKMT_DISPLAYMODE, so it is put aside.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma push_macro("ScanLineOrdering")
#undef ScanLineOrdering

#ifdef __cplusplus
extern "C" {
#endif
