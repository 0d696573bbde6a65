#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every test that docs/clients.md names exists: as a test's name, a test function, or a conformance test."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
rows = [line.split("|")[1:-1] for line in (root / "docs/clients.md").read_text().splitlines() if line.startswith("| ")]
rows = [row for row in rows if row[0].strip() not in {"need"}]
known = set()
for path in (root / "tests").rglob("*"):
    if path.suffix in {".c", ".cpp"}:
        text = path.read_text()
        known |= set(re.findall(r"^(?:static )?void (\w+)\(void \*\*", text, re.M))
        known |= {".".join(found) for found in re.findall(r"^CONFORMANCE\w*\((\w+), (\w+)\)", text, re.M)}
    if path.name == "CMakeLists.txt":
        known |= set(re.findall(r"(?:d3dkmt_add_test\(|NAME )([\w-]+)", path.read_text()))
        known |= {"conformance-" + name
                  for name in re.findall(r'^    \{"([a-z0-9-]+)", "', (root / "tests/conformance/fixture.c").read_text(), re.M)}
errors = [f"without a test: {row[0].strip()}" for row in rows if "`" not in row[2]]
for row in rows:
    errors += [f"there is no test {name}" for name in re.findall(r"`([\w.-]+)`", row[2]) if name not in known]
print("\n".join(errors) if errors else f"{len(rows)} needs, each with a test")
sys.exit(1 if errors or len(rows) < 30 else 0)
