#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the shared library exports: all functions of the WDDM headers, ours, and nothing else."""
import pathlib
import re
import subprocess
import sys

DXCORE = {"DXCoreCreateAdapterFactory"}
library, root = sys.argv[1], pathlib.Path(sys.argv[2])
declared = set()
for header in (root / "include/d3dkmt").rglob("*.h"):
    text = header.read_text()
    declared |= set(re.findall(r"\b(?:NTSTATUS|VOID) APIENTRY\s+(D3DKMT\w+)\(", text))
listing = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True,
                         capture_output=True).stdout
exported = {line.split()[2] for line in listing.splitlines() if line.split()[1] != "A"}
names = {name.split("@")[0] for name in exported}
wddm = {name for name in names if name.startswith("D3DKMT")}
errors = [f"declared but not exported: {name}" for name in sorted(declared - wddm)]
errors += [f"exported but not declared: {name}" for name in sorted(wddm - declared)]
errors += [f"must not be exported: {name}" for name in sorted(names - wddm)
           if not re.match(r"d3dkmti?_", name) and name not in DXCORE]
errors += [f"not exported: {name}" for name in sorted(DXCORE - names)]
errors += [f"has no version: {name}" for name in sorted(exported) if "@@" not in name]
errors += [f"is in the wrong version node: {name}" for name in sorted(exported)
           if name.startswith("d3dkmti_") != ("PRIVATE" in name)]
# No C++ runtime, no library that a client might have another version of.
needed = re.findall(r"\(NEEDED\).*\[(.*)\]", subprocess.run(["readelf", "-d", library], check=True, text=True,
                                                              capture_output=True).stdout)
errors += [f"needs {name}" for name in needed if not re.match(r"libc\.so|libuuid\.so|ld-linux", name)]
print("\n".join(errors) if errors else f"{len(wddm)} WDDM functions, {len(names)} symbols in all")
sys.exit(1 if errors or len(wddm) < 107 else 0)
