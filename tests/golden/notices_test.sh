#!/bin/sh
# SPDX-License-Identifier: MIT
# Falsifies recordings, one thing at a time: the replay must notice each.
#
#   notices_test.sh REPLAY-GOLDEN RECORDINGS
set -u
replay=$1
recordings=$2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cp "$recordings/boot.jsonl" "$folder/"
failures=0

# scenario NAME FILE: the lines of one scenario
scenario()
{
    awk -v name="\"$1\"" '/^{"scenario":/ { on = index($0, name) > 0 } on' "$recordings/$2" \
        >"$folder/original.jsonl"
    if ! [ -s "$folder/original.jsonl" ] || ! "$replay" "$folder/original.jsonl" >"$folder/log"; then
        cat "$folder/log"
        echo "$1 is not green to begin with"
        failures=$((failures + 1))
    fi
}

# falsify WHAT EDIT EXPECTED: the edit must change something, and be reported as expected
falsify()
{
    sed -e "$2" "$folder/original.jsonl" >"$folder/false.jsonl"
    if cmp -s "$folder/original.jsonl" "$folder/false.jsonl"; then
        echo "$1: nothing was changed"
    elif "$replay" "$folder/false.jsonl" >"$folder/log"; then
        echo "$1: not noticed"
    elif ! grep -q "$3" "$folder/log"; then
        cat "$folder/log"
        echo "$1: not reported as \"$3\""
    else
        return
    fi
    failures=$((failures + 1))
}

scenario call/createpagingqueue@v40-sync success.jsonl
falsify "byte of a message" 's/\("cmd":"CREATEPAGINGQUEUE".*"hex":"[0-9a-f]\{32\}\)09/\10a/' \
    "message CREATEPAGINGQUEUE"
falsify "channel of a message" 's/"chan":"vgpu0","cmd":"CREATEPAGINGQUEUE"/"chan":"global","cmd":"CREATEPAGINGQUEUE"/' \
    "recorded on global"
falsify "length of a message" 's/\("cmd":"CREATEPAGINGQUEUE".*"len":\)[0-9]*\(,"hex\)/\11000\2/' \
    "recorded with 1000 bytes"
falsify "extended header" 's/\("cmd":"CREATEPAGINGQUEUE".*"ext":"10\)00/\101/' "extended header"
falsify "result" 's/\("kind":"ioctl".*CreatePagingQueue.*"ret":\)0,"errno":0/\1-1,"errno":"EINVAL"/' \
    "result: recorded EINVAL"
falsify "handle in the output" 's/\("after":[^}]*\)"h:pagingqueue1"/\1"h:device1"/' "argument struct"
falsify "missing message" 's/{"t":"msg"[^}]*"cmd":"FLUSHDEVICE".*\({"t":"msg"[^}]*"cmd":"DESTROYDEVICE"\)/\1/' \
    "message DESTROYDEVICE"
falsify "one message more" 's/\(.*\)\({"t":"msg"[^{]*"cmd":"DESTROYPROCESS".*}\)\]}/\1\2,\2]}/' \
    "did not happen now"

scenario success/cpu-wait-async@v40-async success.jsonl
falsify "count of an eventfd" 's/"read 8 0 1"/"read 8 0 2"/' "now .read 8 0 1"

scenario reply/out-of-order@v40-sync host-failures.jsonl
falsify "a call that blocks" 's/\("step":7.*\)"ret":0,"errno":0/\1"ret":"blocked"/' "returned, recorded"

scenario handles/open-only@v40-sync handles.jsonl
falsify "a handle of a series" 's/\["0x40000000",64,5000\]/["0x40000000",64,4999],["0x80000000",64,1]/' \
    "open 4999"

exit $((failures > 0))
