/* SPDX-License-Identifier: MIT */
#include "linked_directly.h"

NTSTATUS linked_directly_close(D3DKMT_HANDLE adapter)
{
    const D3DKMT_CLOSEADAPTER close = {adapter};

    return D3DKMTCloseAdapter(&close);
}
