#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Over the kernel's own uio_hv_generic, in a VM whose kernel sees a VMBus: run.sh BUILD_FOLDER short|whole
#
# The VM is a rig of its own: a folder with a program `run`, kernels in `boot` (channels are signalled through the
# monitor page) and `boot-6.12` (by a write), and a library for hosts in `host`. VMRIG names it; without one, or
# without QEMU, this is skipped: exit status 77.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd) form=$2
rig=${VMRIG:-$root/../shared/vmrig}

skip() { echo "skipped: $*"; exit 77; }
[ -x "$rig/run" ] || skip "there is no VM rig at $rig (VMRIG names one)"
for program in qemu-system-x86_64 cpio busybox cc; do
    command -v $program >/dev/null || skip "$program is not installed"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -std=gnu11 -O2 -g -Wall -Wextra -D_GNU_SOURCE -o "$work/host" -I"$root/include" -I"$root/lib" -I"$rig/host" \
    "$root/tests/vm/host.c" "$rig/host/hvsim-host.c" \
    "$build/lib/backend-loopback/libd3dkmt-loopback.a" "$build/lib/libd3dkmt.a" -ljansson -luuid -lpthread -ldl

# What Linux 6.1 says of itself when a device of a class that was learnt is offered: it adds a file too early.
known='WARNING: .*fs/sysfs/file.c'

# in_vm SECONDS OPTIONS COMMAND...: on both kernels, where a warning of the kernel's is a failure
in_vm() {
    local seconds=$1 options=$2 kernel signals
    shift 2
    for kernel in boot boot-6.12; do
        signals=$([ "$kernel" = boot ] && echo monitor || echo write)
        echo "== $kernel, host options \"$options\": $*"
        "$rig/run" --boot "$rig/$kernel" --strict --allow "$known" --timeout "$seconds" \
            --bin "$work/host:/bin/host" --bin "$build/bin/d3dkmt-bind" --bin "$build/bin/test-conformance" \
            --bin "$build/bin/test-vmbus_uio-loss" --bin "$build/bin/gpu-copy" --bin "$build/bin/hello-adapter" \
            --add "$root/tests/vm/guest.sh:/bin/guest.sh" \
            -- sh /bin/guest.sh "$signals" "$options" "$@" >"$work/log" 2>&1 || {
            grep -v -E '^\[ +(OK|RUN)' "$work/log" >&2 || true
            echo "FAILED on $kernel" >&2
            exit 1
        }
        grep -E 'PASSED|came back|video memory may be used' "$work/log"
    done
}

case $form in
short)
    in_vm 200 page-lists test-vmbus_uio-loss /tmp/vm
    in_vm 200 page-lists sh -c 'env -u D3DKMT_BACKEND hello-adapter && gpu-copy /bin/busybox && test-conformance vm SynchronizationObjectFromCpu'
    ;;
whole)
    in_vm 200 page-lists test-vmbus_uio-loss /tmp/vm
    memory=local-memory=128M,non-local-memory=96M
    in_vm 900 "page-lists,$memory" test-conformance vm
    in_vm 900 "page-lists,async,$memory" test-conformance vm-async
    in_vm 900 "version=39,$memory" test-conformance vm-version-39
    ;;
*)
    echo "usage: run.sh BUILD_FOLDER short|whole" >&2
    exit 2
    ;;
esac
