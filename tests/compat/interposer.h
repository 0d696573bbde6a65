/* SPDX-License-Identifier: MIT */
#ifndef COMPAT_INTERPOSER_H
#define COMPAT_INTERPOSER_H

#include <d3dkmt/d3dkmt.h>

/* What it has seen. */
struct interposer_counts {
    unsigned opens, ioctls, devices;
};

D3DKMT_API struct interposer_counts interposer_counts(void);

#endif
