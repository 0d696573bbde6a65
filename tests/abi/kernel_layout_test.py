#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what the kernel's ioctls take with the structs of the API, which travel through them as they are.

    kernel_layout_test.py DXGKRNL_UAPI_TSV D3DKMT_LAYOUTS_TSV OPS_H

The first file says, one fact a line:

    struct  NAME SIZE ALIGNMENT REQUEST API STATUS   a struct, its ioctl word or -, the API's name; "removed" from 5.15 on
    member  PATH OFFSET SIZE                         of the last struct, in bytes
    bits    PATH OFFSET BIT WIDTH                    a bit-field of it

The facts of the second are asserted against the headers by the layout tests. The numbers in the third are those of the
op table.
"""
import pathlib
import re
import sys

# Named by the kernel alone; the API has them inside of what is reserved, or not at all.
KERNEL_ONLY = {
    "d3dkmt_createdevice.flags.gdi_device",
    "d3dkmt_querystatistics.size",  # all of it, as bytes
}
UNNAMED = re.compile(r"(^|\.)(reserved\d*|unused\d*|obsolete\w*|padding\w*)$")


def api_records(path):
    records, current, bases = {}, None, {}
    for line in path.read_text().splitlines():
        kind, *columns = line.split("\t")
        if kind == "record":
            current = records[columns[0]] = {"size": int(columns[1]), "members": set(), "nested": []}
        elif kind == "member" and current:
            offset, size = int(columns[1]), int(columns[2])
            current["members"].add((offset, size))
            current["nested"].append((offset, columns[3].rstrip(" *")))
        elif kind == "bits" and current:
            current["members"].add((int(columns[2]), int(columns[3]), int(columns[4])))
    return records


def all_members(records, name, base=0):
    """With the members of what a record consists of; bit-fields have three numbers."""
    for member in records[name]["members"]:
        yield (member[0] + base, *member[1:])
    for offset, nested in records[name]["nested"]:
        if nested in records and nested != name:
            yield from all_members(records, nested, base + offset)


def numbers(path):
    """Of the operations in the op table, by argument struct."""
    rows = re.findall(r"X\((\w+), (\w+),(?: const)? ?, 0x([0-9a-f]{2})|X\((\w+), (\w+), const,\s*\\?\s*0x([0-9a-f]{2})",
                      path.read_text())
    found = {}
    for row in rows:
        name, struct, number = [part for part in row if part]
        found.setdefault(struct, set()).add(int(number, 16))
    return found


def main(kernel, api, ops):
    records, known_numbers = api_records(api), numbers(ops)
    errors, compared, members = [], 0, set()
    name = None
    for line in kernel.read_text().splitlines():
        kind, *columns = line.split("\t")
        if kind == "struct":
            name, size, _, request, counterpart, _ = columns
            compared += 1
            if counterpart not in records:
                errors.append(f"{name}: the API has no {counterpart}")
                members = None
                continue
            members = set(all_members(records, counterpart))
            if records[counterpart]["size"] != int(size):
                errors.append(f"{name}: {size} bytes, {counterpart} has {records[counterpart]['size']}")
            if request != "-":
                word = int(request, 16)
                if word >> 16 != 0xC000 | int(size) or word >> 8 & 0xFF != 0x47:
                    errors.append(f"{name}: {request} does not say {size} bytes")
                if word & 0xFF not in known_numbers.get(counterpart, ()):
                    errors.append(f"{name}: number {word & 0xFF:#04x} is not that of {counterpart} in the op table")
        elif kind in ("member", "bits") and members is not None:
            path = f"{name}.{columns[0]}"
            place = tuple(int(column) for column in columns[1:])
            if place in members:
                if path in KERNEL_ONLY:
                    errors.append(f"{path}: the API has it after all")
            elif path not in KERNEL_ONLY and not UNNAMED.search(columns[0]):
                errors.append(f"{path}: the API has nothing at {place}")
    print("\n".join(errors) if errors else f"{compared} structs are the same on both sides")
    return 1 if errors or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
