#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/conformance.md: how many conformance tests each function has on each path.

Usage: conformance.py PROGRAM [--check]

PROGRAM is the conformance suite, which lists its tests. --check: exit 1 when the file is stale or
a function has no test on a path.
"""
import collections
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
target = root / "docs/conformance.md"
HEAD = """# Conformance

What each function must do stands as tests in [tests/conformance](../tests/conformance): one for each check, limit, output,
lifetime and blocking rule. They know the public interface alone and run on every path: a backend with its options. A cell is
the number of tests that the path runs; fewer than elsewhere means that the path lacks what the others need.

Run one path, or a part of it: `build/gcc/bin/test-conformance PATH [TEXT]`. Written by `tools/generate/conformance.py`
(target `conformance-table`).

"""


def functions():
    for line in (root / "tests/abi/d3dkmt-layouts.tsv").read_text().splitlines():
        columns = line.split("\t")
        if columns[0] == "function":
            yield columns[1]


counts, paths = collections.Counter(), []
for line in subprocess.run([sys.argv[1], "--list"], capture_output=True, text=True,
                           check=True).stdout.splitlines():
    path, function, _ = line.split("\t")
    if path not in paths:
        paths.append(path)
    counts[function, path] += 1

rows = [f"| function | {' | '.join(paths)} |", "|---" * (len(paths) + 1) + "|"]
empty = []
for function in functions():
    cells = [counts.pop((function, path), 0) for path in paths]
    empty += [f"{function} on {path}" for path, cell in zip(paths, cells) if cell == 0]
    rows.append(f"| {function} | {' | '.join(str(cell or '') for cell in cells)} |")
if counts:
    sys.exit(f"tests of functions that do not exist: {sorted({name for name, _ in counts})}")
text = HEAD + "\n".join(rows) + "\n"
if "--check" not in sys.argv:
    target.write_text(text)
elif target.read_text() != text:
    sys.exit("docs/conformance.md is stale: build the target conformance-table")
if empty:
    sys.exit("no test: " + ", ".join(empty))
