#!/bin/sh
# SPDX-License-Identifier: MIT
# generated_test.sh GENERATOR DIRECTORY
#
# The generated layout tests in DIRECTORY are what the generator makes of the facts there, and
# the check itself notices a difference. Exit status 77 without Python 3.
set -eu

generator=$1
directory=$2

command -v python3 >/dev/null || exit 77

python3 "$generator" --check "$directory"

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$directory"/d3dkmt-layouts.tsv "$directory"/layout_generated_* "$copy"
first=$(find "$copy" -name 'layout_generated_*_1.c' | sort | head -n 1)
echo '/* changed by hand */' >>"$first"
if python3 "$generator" --check "$copy" >/dev/null; then
    echo 'a generated file changed by hand was not noticed'
    exit 1
fi
