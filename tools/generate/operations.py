#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/operations.md from the op table and the guest engine's list of handlers.

Usage: operations.py [--check]   (--check: exit 1 when the file is stale)
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parents[2]
target = root / "docs/operations.md"

# What the simulated host does behind an operation of the guest engine, where it is not all of it.
LIMITS = {
    "CreateSynchronizationObject2": "functional; periodic fences follow one display, target 0, "
                                    "that blanks 60 times a second",
    "SignalSynchronizationObject2": "functional; a queued signal for which a semaphore has no room "
                                    "loses the device",
    "OpenSynchronizationObject": "functional for shared objects of the calling process",
    "GetSharedResourceAdapterLuid": "functional by descriptor; resources have no global handles",
    "Escape": "functional: the miniport's private escapes; of the known ones those that translate handles; in a secure VM no others",
    "QueryAdapterInfo": "functional: the types that clients ask, and those of an adapter profile; others are refused",
    "IsFeatureEnabled": "functional: hardware scheduling, or the features of an adapter profile",
    "MakeResident": "functional: budgets and page tables; storage itself does not move",
    "QueryStatistics": "functional: adapter, segments, nodes and processes; display and sensors are "
                       "refused",
    "UpdateAllocationProperty": "functional: supported and preferred segments; others are refused",
    "OfferAllocations": "functional: without shared resources",
    "Evict": "functional: budgets and page tables; storage itself does not move",
}
HEAD = """# Operations

Every row of the op table ([ops.h](../include/d3dkmt/ops.h)). *Guest engine*: dxgkrnl's behaviour in user space, for backends
that speak GPU-PV. *Simulation*: how far the simulated host goes: **functional** means that what the call says has
happened, in memory, in order. Nothing simulates timing. An operation without an entry answers STATUS_NOT_SUPPORTED; where
kernels dropped it, the sentence with the failure says what took its place. On the backend `dxg` a dropped operation is
answered as the kernel does, which does not know it.

Written by `tools/generate/operations.py`.

| function | ioctl | guest engine | simulation |
|---|---|---|---|
"""


def macro_rows(path, name):
    text = (root / path).read_text()
    body = re.search(r"#define " + name + r"\(X\)(.*?)\n\n", text, re.S).group(1)
    return re.findall(r"X\(([^)]*)\)", re.sub(r"\\\n\s*", " ", body))


handled = {row.split(",")[0].strip() for row in macro_rows("lib/core/guest/call.h", "GUEST_HANDLERS")}
lines = []
for row in macro_rows("include/d3dkmt/ops.h", "D3DKMT_OPS"):
    name, _, _, number, _, _, flags = [part.strip() for part in row.split(",")]
    ioctl = "" if int(number, 16) == 0 else number
    if "REMOVED" in flags:
        ioctl += " (kernels before 5.15)"
    engine = "yes" if name in handled else ""
    simulation = LIMITS.get(name, "functional") if engine else ""
    lines.append(f"| D3DKMT{name} | {ioctl} | {engine} | {simulation} |")
text = HEAD + "\n".join(lines) + "\n"
if "--check" in sys.argv:
    if target.read_text() != text:
        sys.exit("docs/operations.md is stale: run tools/generate/operations.py")
    print(f"{len(lines)} operations, {len(handled)} of them in the guest engine")
else:
    target.write_text(text)
