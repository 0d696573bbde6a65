#!/bin/sh
# SPDX-License-Identifier: MIT
# Inside the VM: guest.sh SIGNALS OPTIONS COMMAND...
# Starts the simulated host with OPTIONS behind the VM's VMBus, gives its devices to user space, runs COMMAND, and has
# the devices given back. SIGNALS: monitor, or write.
signals=$1 options=$2
shift 2

mkdir -p /tmp/vm
host "$options" /tmp/vm/control "$signals" >/tmp/host.log 2>&1 &
host=$!

# until FILE-TEST...: true as soon as the test is, false after some seconds
until_true() {
    for _ in $(seq 200); do
        "$@" && return 0
        sleep 0.05
    done
    echo "waited in vain for: $*" >&2
    return 1
}
offered() { [ "$(ls /sys/bus/vmbus/devices | wc -l)" -ge 2 ]; }

until_true grep -q ready /tmp/host.log && until_true offered || { cat /tmp/host.log; exit 1; }
mkdir -p /etc/d3dkmt
sed -n 's/^ready //p' /tmp/host.log >/etc/d3dkmt/vmbus-uio.conf
d3dkmt-bind --future bind || exit 1
d3dkmt-bind explain || exit 1

D3DKMT_BACKEND=vmbus-uio "$@"
status=$?
d3dkmt-bind unbind || status=1
if ! kill -0 $host; then
    echo "the host has ended" >&2
    status=1
fi
grep -v ready /tmp/host.log
exit $status
