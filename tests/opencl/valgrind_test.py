#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program under valgrind: it must end well, and nothing that is reported may be ours.

usage: valgrind_test.py BUILD_FOLDER RUNNER... VALGRIND PROGRAM [ARGUMENT...]

An error is ours if the first of its frames that is neither the C library's nor valgrind's lies in one of our libraries.
The driver, its compiler and the program have errors of their own; they are counted and left alone.
"""
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

build, *command = sys.argv[1:]
start = next(i for i, word in enumerate(command) if os.path.basename(word) == "valgrind") + 1
system = ("/lib/x86_64-linux-gnu/libc.so", "/libpthread", "/ld-linux", "/vgpreload", "/ld.so", "/libc.so")
# Stacks of threads that are alive at the end are no leak.
not_leaks = {"Leak_PossiblyLost", "Leak_StillReachable"}


def objects(error):
    for frame in error.find("stack").findall("frame"):
        path = frame.findtext("obj") or ""
        if path and not any(part in path for part in system):
            yield path


def is_ours(error):
    return next(objects(error), "").startswith(os.path.realpath(build))


def describe(error):
    lines = [error.findtext("what") or error.findtext("xwhat/text")]
    for frame in error.find("stack").findall("frame"):
        lines.append("  " + " ".join(filter(None, map(frame.findtext, ["fn", "file", "line", "obj"]))))
    return "\n".join(lines)


with tempfile.TemporaryDirectory() as folder:
    report = os.path.join(folder, "report.xml")
    result = subprocess.run([*command[:start], "--leak-check=full", "--num-callers=40", "--xml=yes",
                             f"--xml-file={report}", *command[start:]], capture_output=True, text=True)
    errors = tree.parse(report).findall("error")
ours = [error for error in errors if is_ours(error) and error.findtext("kind") not in not_leaks]
for error in ours:
    print(describe(error))
print(f"exit status {result.returncode}; {len(errors)} reports, {len(ours)} of them ours")
if result.returncode:
    print(result.stdout[-2000:], result.stderr[-2000:])
sys.exit(1 if ours or result.returncode else 0)
