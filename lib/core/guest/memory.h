/* SPDX-License-Identifier: MIT */
/* Pages of this process, for transports. */
#ifndef CORE_GUEST_MEMORY_H
#define CORE_GUEST_MEMORY_H

#include <d3dkmt/d3dkmt.h>

#include <stdbool.h>
#include <stddef.h>

/* Makes the pages present. False unless the whole range is mapped and may be used as wanted. */
D3DKMT_API bool d3dkmti_guest_populate(const void *address, size_t size, bool writable);

/*
 * For transport_ops' detach_io: puts a copy in the place of a mapping, at no moment without memory;
 * a word in the log when there is no memory for it. The transport is not looked at.
 */
D3DKMT_API void d3dkmti_guest_detach_io(void *transport, void *mapping, size_t size, bool writable);

#endif
