#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: clinfo_test.sh RUNNER... CLINFO
# The driver's platform and the profile's device are there, with what the adapter says about itself.
set -eu
output=$("$@")
wanted() {
    printf '%s\n' "$output" | grep -Eq "$1" || {
        printf '%s\n' "$output"
        echo "clinfo does not say: $1"
        exit 1
    }
}
wanted 'Platform Name +Intel\(R\) OpenCL HD Graphics$'
wanted 'Number of devices +1$'
wanted 'Device Name +Intel\(R\) Graphics \[0x9a49\]$'
wanted 'Device Vendor ID +0x8086$'
wanted 'Max compute units +96$'
wanted 'Max clock frequency +1300MHz$'
wanted 'Coarse-grained buffer sharing +Yes$'
wanted 'Device Available +Yes$'
