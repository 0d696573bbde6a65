/* SPDX-License-Identifier: MIT */
/* Records of shared objects, as they come from other processes: what is taken is given again. */
#include "core/guest/sharing.h"
#include "fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = fuzz_copy(data, size);
    struct guest_shared *shared = guest_record_decode(NULL, bytes, size);

    if (shared) {
        size_t again = 0;
        void *encoded = guest_record_encode(shared, &again);
        if (!encoded || again != size || memcmp(encoded, bytes, size) != 0)
            abort();
        free(encoded);
        reference_release(&shared->reference);
    }
    free(bytes);
    return 0;
}
