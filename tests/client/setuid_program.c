/* SPDX-License-Identifier: MIT */
/* Run with another user's rights by setuid_test.sh: the environment must choose nothing. */
#include <d3dkmt/d3dkmt.h>

#include <stdio.h>
#include <sys/auxv.h>

enum { SKIPPED = 77 };

int main(void)
{
    struct d3dkmt_backend_info info;

    if (!getauxval(AT_SECURE)) {
        puts("skipped: the system starts this program without another user's rights");
        return SKIPPED;
    }
    NTSTATUS status = d3dkmt_describe_backend(&info);
    if (NT_SUCCESS(status) && info.specification[0] != '\0') {
        printf("the environment chose %s\n", info.specification);
        return 1;
    }
    /* What the program itself says counts as ever. */
    D3DKMTCloseDxCoreDevice();
    status = d3dkmt_open("loopback");
    if (!NT_SUCCESS(status)) {
        puts(d3dkmt_last_error());
        return 1;
    }
    D3DKMTCloseDxCoreDevice();
    return 0;
}
