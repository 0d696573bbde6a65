#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: setuid_test.sh PROGRAM FOLDER. Runs a set-user-id copy of PROGRAM, made in FOLDER, with an environment
# that must be ignored. Only root can make such a copy of another user's.
set -eu
program=$1
copy=$2/setuid-copy
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
# The copy must find the library as the other user.
setpriv --reuid=nobody --clear-groups test -x "$program" ||
    { echo "skipped: other users cannot reach the build folder"; exit 77; }
log=$copy.log
rm -f "$copy" "$log"
trap 'rm -f "$copy" "$log"' EXIT
cp "$program" "$copy"
chown nobody "$copy"
chmod 4755 "$copy"
D3DKMT_BACKEND=loopback:adapters=2 D3DKMT_LOG=debug D3DKMT_FAULTS=nonsense D3DKMT_PLUGIN_PATH=/nonexistent "$copy" 2>"$log"
[ ! -s "$log" ] || { echo "D3DKMT_LOG was obeyed:"; cat "$log"; exit 1; }
