#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No source file has more than 1000 lines; generated ones are exempt."""
import pathlib
import sys

LIMIT = 1000
root = pathlib.Path(sys.argv[1])
folders = ["include", "lib", "tests", "tools", "examples", "bench", "fuzz", "cmake"]
files = [path for folder in folders for path in (root / folder).rglob("*")
         if path.suffix in {".c", ".h", ".cpp", ".py", ".sh", ".cmake"} and "generated" not in path.name]
long = [(path, count) for path in files
        if (count := path.read_bytes().count(b"\n")) > LIMIT]
for path, count in long:
    print(f"{path.relative_to(root)}: {count} lines, {LIMIT} at most")
print(f"{len(files)} files looked at")
sys.exit(1 if long or not files else 0)
