#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/conformance.md: how many conformance tests each function has on each path; and
docs/dxg-differences.md: the tests that hold otherwise on the kernel's interface, and why.

Usage: conformance.py PROGRAM [--check]

PROGRAM is the conformance suite, which lists its tests. --check: exit 1 when a file is stale or
a function has no test on a path.
"""
import collections
import pathlib
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
TABLE, DIFFERENCES = root / "docs/conformance.md", root / "docs/dxg-differences.md"
HEAD = """# Conformance

What each function must do stands as tests in [tests/conformance](../tests/conformance): one for each check, limit, output,
lifetime and blocking rule. They know the public interface alone and run on every path: a backend with its options. A cell is
the number of tests that the path runs; fewer than elsewhere means that the path lacks what the others need.

Run one path, or a part of it: `build/gcc/bin/test-conformance PATH [TEXT]`. Written by `tools/generate/conformance.py`
(target `conformance-table`).

"""

DIFFERENCES_HEAD = """# What is different on /dev/dxg

The [conformance suite](conformance.md) runs unchanged on the backend `dxg`. Where dxgkrnl's ioctls cannot carry what the guest
engine knows, a test of the suite has another in its place there, which is as strict. Written by
`tools/generate/conformance.py` from [differences.c](../tests/conformance/differences.c) (target `conformance-table`).

| test | on dxg | reason |
|---|---|---|
"""
LOSSES = """
## What an errno loses

The kernel answers with an errno, and the backend makes a status of it. Statuses without an errno of their own arrive as
STATUS_INVALID_PARAMETER, STATUS_NOT_IMPLEMENTED as STATUS_NOT_SUPPORTED, STATUS_OBJECT_NAME_NOT_FOUND as
STATUS_OBJECT_NAME_INVALID. Two are told better than libdxg tells them: a full channel (EAGAIN) is
STATUS_INSUFFICIENT_RESOURCES and no success, and an operation that the kernel lacks (ENOTTY) is STATUS_NOT_SUPPORTED.
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

output = subprocess.run([sys.argv[1], "--differences"], capture_output=True, text=True, check=True).stdout
*differences, arguments = output.splitlines()
rest = (f"| {arguments} tests of wrong arguments, of every function | the sentence tells what the errno may mean, not which "
        "argument it is about | the kernel gives an errno alone; `dxg:validate` names handles |")
lines = ["| {}.{} | {} | {} |".format(*line.split("\t")) for line in differences] + [rest]

stale = []
for target, text in ((TABLE, HEAD + "\n".join(rows) + "\n"),
                     (DIFFERENCES, DIFFERENCES_HEAD + "\n".join(lines) + "\n" + LOSSES)):
    if "--check" not in sys.argv:
        target.write_text(text)
    elif not target.exists() or target.read_text() != text:
        stale.append(str(target.relative_to(root)))
if stale:
    sys.exit(f"{' and '.join(stale)} stale: build the target conformance-table")
if empty:
    sys.exit("no test: " + ", ".join(empty))
