/* SPDX-License-Identifier: MIT */
/* A library of the program's that is linked with libd3dkmt itself. */
#ifndef COMPAT_LINKED_DIRECTLY_H
#define COMPAT_LINKED_DIRECTLY_H

#include <d3dkmt/d3dkmt.h>

D3DKMT_API NTSTATUS linked_directly_close(D3DKMT_HANDLE adapter);

#endif
