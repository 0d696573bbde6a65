/* SPDX-License-Identifier: MIT */
/* Lets the library decide by a query type that nobody has set: what valgrind_test.py must find. */
#include <d3dkmt/d3dkmthk.h>

#include <stdlib.h>

int main(void)
{
    void *(*volatile allocate)(size_t) = malloc; /* behind the compiler's back, which warns */
    D3DKMT_QUERYADAPTERINFO *query = allocate(sizeof(*query));
    UINT answer = 0;

    if (!query)
        return 0;
    query->hAdapter = 0;
    query->pPrivateDriverData = &answer;
    query->PrivateDriverDataSize = sizeof(answer);
    (void)D3DKMTQueryAdapterInfo(query);
    free(query);
    return 0;
}
