#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/recordings/*.jsonl from full recordings of dxgkrnl.

    recordings.py FROM-FOLDER TO-FOLDER

Full recordings carry much that only people read: decoded fields, notes, what the host was told to
do. What the replayer needs stays, in the same format, one scenario after the other.
"""
import json
import pathlib
import sys

# Of the C structs: the request word tells the operation, and the bytes are in hex.
NOT_NEEDED = {
    "about", "area", "fields", "host_rules", "note", "nr", "op", "struct",
}


def strip(value, parent=None):
    """The value without members that the replayer does not look at."""
    if isinstance(value, list):
        return [strip(item, parent) for item in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        if key in NOT_NEEDED or is_decoration(key, item, value, parent):
            continue
        result[key] = strip(item, key)
    return result


def is_decoration(key, item, owner, parent):
    if key == "values":  # decoded array elements; a series on adapter handles keeps its own
        return "hex" in owner
    if key == "type":
        return parent == "bufs"
    if key in ("perm", "name"):
        return parent == "map"
    if key == "sym":
        return not item
    return False


def convert(source, target):
    with source.open() as lines, target.open("w") as out:
        for line in lines:
            json.dump(strip(json.loads(line)), out, separators=(",", ":"))
            out.write("\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for source in sorted(pathlib.Path(sys.argv[1]).glob("*.jsonl")):
        convert(source, target / source.name)


if __name__ == "__main__":
    main()
