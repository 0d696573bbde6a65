#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns tests/abi/d3dkmt-layouts.tsv into the generated layout tests beside it.

    layout_test.py DIRECTORY           write the generated files
    layout_test.py --check DIRECTORY   write nothing; exit 1 if a file is not what it should be

The facts are one a line, columns separated by tabs; a line's first column says what it is:

    header    FILE                        the records that follow are declared in FILE
    scalar    NAME TYPE                   NAME is the C type TYPE
    record    NAME SIZE ALIGNMENT         a struct or union
    tag       KIND TAG                    the last record is also called "KIND TAG"
    member    PATH OFFSET SIZE            a member of the last record, bytes
    bits      PATH TYPE OFFSET BIT WIDTH  a bit-field of the last record: BIT counts from the least
                                          significant bit of the unit of TYPE at OFFSET
    enum      NAME TYPE                   an enumeration with the underlying type TYPE
    value     NAME NUMBER                 an enumerator of the last enumeration
    constant  NAME NUMBER                 a macro with an integer value
    status    NAME NUMBER                 a status macro, in the form that the WDK gives it
    function  NAME RESULT ARGUMENTS       a function with C linkage
"""

import pathlib
import sys

COLUMNS = {"header": 1, "scalar": 2, "record": 3, "tag": 2, "member": 3, "bits": 5, "enum": 2,
           "value": 2, "constant": 2, "status": 2, "function": 3}
# A file stays below the 1000 lines that the project allows itself.
LINES_PER_FILE = 900
WIDTH = 100


class Record:
    def __init__(self, header, name, size, alignment):
        self.header, self.name, self.size, self.alignment = header, name, size, alignment
        self.checks = []


class Facts:
    def __init__(self):
        self.header = None
        self.scalars, self.records, self.enums = [], [], []
        self.constants, self.statuses, self.functions = [], [], []

    def add(self, kind, columns):
        if kind == "header":
            self.header = columns[0]
        elif kind == "record":
            self.records.append(Record(self.header, *columns))
        elif kind in ("tag", "member", "bits"):
            self.records[-1].checks.append((kind, columns))
        elif kind == "enum":
            self.enums.append((columns[0], columns[1], []))
        elif kind == "value":
            self.enums[-1][2].append(columns)
        else:
            {"scalar": self.scalars, "constant": self.constants, "status": self.statuses,
             "function": self.functions}[kind].append(columns)


def read(path):
    facts = Facts()
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        kind, *columns = line.split("\t")
        if len(columns) != COLUMNS.get(kind):
            sys.exit(f"{path}:{number}: not a fact: {line}")
        facts.add(kind, columns)
    return facts


def call(macro, *arguments):
    """One line of a test function, broken where it would become too wide."""
    line = f"    {macro}("
    lines = []
    for index, argument in enumerate(arguments):
        text = argument + (", " if index + 1 < len(arguments) else ");")
        if len(line) + len(text.rstrip()) > WIDTH:
            lines.append(line.rstrip())
            line = " " * (len(macro) + 5)
        line += text
    return lines + [line]


def test(name, body):
    return [f"static void test_{name}(void **state)", "{", "    (void)state;", *body,
            "    layout_finish();", "}", ""]


def record_test(record):
    body = call("CHECK_RECORD", record.name, record.size, record.alignment)
    for kind, columns in record.checks:
        if kind == "tag":
            body += call("CHECK_TAG", " ".join(columns), record.name)
        elif kind == "member":
            body += call("CHECK_MEMBER", record.name, *columns)
        else:
            path, type_name, offset, bit, width = columns
            body += call("CHECK_BITS", record.name, type_name, path, offset, bit, width)
    return test(record.name, body)


def enum_test(name, underlying, values):
    body = call("CHECK_ENUM", name, underlying)
    for value in values:
        body += call("CHECK_VALUE", *value)
    return test(name, body)


def constant(name, number):
    return name, number + ("u" if int(number) < 2**32 else "ull")


class Writer:
    """Collects tests for one header and spreads them over numbered files."""

    def __init__(self, stem, header):
        self.stem, self.header, self.files = stem, header, []
        self.lines, self.names = [], []

    def add(self, name, lines):
        if len(self.lines) + len(lines) + 2 * len(self.names) > LINES_PER_FILE:
            self.flush()
        self.lines += lines
        self.names.append(name)

    def flush(self):
        if not self.names:
            return
        number = len(self.files) + 1
        text = ["/* SPDX-License-Identifier: MIT */",
                "/* Generated by tools/generate/layout_test.py from d3dkmt-layouts.tsv: do not edit. */",
                '#include "layout_check.h"', "", f"#include <{self.header}>", "", *self.lines,
                f"int {self.stem}_{number}(void)", "{", "    const struct CMUnitTest tests[] = {",
                *(f"        cmocka_unit_test(test_{name})," for name in self.names), "    };", "",
                f'    return cmocka_run_group_tests_name("{self.stem}_{number}", tests, NULL, NULL);',
                "}"]
        self.files.append((f"{self.stem}_{number}", "\n".join(text) + "\n"))
        self.lines, self.names = [], []


def function_file(facts):
    lines = ["/* SPDX-License-Identifier: MIT */",
             "/* Generated by tools/generate/layout_test.py from d3dkmt-layouts.tsv: do not edit. */",
             '#include "layout_check.h"', "", "#include <d3dkmt/d3dkmthk.h>", "",
             "/* A second declaration: a compiler refuses it if the first one has another linkage. */",
             "LAYOUT_BEGIN_C", ""]
    for name, result, arguments in facts.functions:
        lines += [f"{result} {name}({arguments});" if len(f"{result} {name}({arguments});") <= WIDTH
                  else f"{result}\n{name}({arguments});"]
    lines += ["", "LAYOUT_END_C", ""]
    body = []
    for name, result, arguments in facts.functions:
        body += call("CHECK_FUNCTION", name, result, f"({arguments})")
    for name, result, arguments in facts.functions:
        if name != "D3DKMTCloseDxCoreDevice":
            body += call("CHECK_POINTER", "PFND3DKMT_" + name[len("D3DKMT"):].upper(), result,
                         f"({arguments})")
    lines += test("functions", body)
    lines += ["int layout_generated_functions(void)", "{",
              "    const struct CMUnitTest tests[] = {cmocka_unit_test(test_functions)};", "",
              '    return cmocka_run_group_tests_name("layout_generated_functions", tests, NULL, NULL);',
              "}"]
    return "layout_generated_functions", "\n".join(lines) + "\n"


def list_file(names):
    lines = ["/* SPDX-License-Identifier: MIT */",
             "/* Generated by tools/generate/layout_test.py from d3dkmt-layouts.tsv: do not edit. */"]
    lines += [f"LAYOUT_GROUP({name})" for name in names]
    return "layout_generated_groups.h", "\n".join(lines) + "\n"


def generate(facts):
    """The generated files: name and content of each."""
    public = Writer("layout_generated_public", "d3dkmt/d3dkmthk.h")
    internal = Writer("layout_generated_utf16", "core/utf16_layouts.h")
    public.add("scalars", test("scalars", sum((call("CHECK_SCALAR", *s) for s in facts.scalars), [])))
    public.add("constants", test("constants", sum((call("CHECK_CONSTANT", *constant(*c))
                                                   for c in facts.constants), [])))
    public.add("statuses", test("statuses", sum((call("CHECK_STATUS", name, number)
                                                 for name, number in facts.statuses), [])))
    for record in facts.records:
        writer = public if record.header.startswith("d3dkmt/") else internal
        writer.add(record.name, record_test(record))
    for enum in facts.enums:
        public.add(enum[0], enum_test(*enum))
    public.flush()
    internal.flush()
    groups = public.files + internal.files + [function_file(facts)]
    files = {name + ".c": text for name, text in groups}
    name, text = list_file([name for name, _ in groups])
    files[name] = text
    return files


def main(arguments):
    check = arguments[:1] == ["--check"]
    if len(arguments) != (2 if check else 1):
        sys.exit(__doc__)
    directory = pathlib.Path(arguments[-1])
    files = generate(read(directory / "d3dkmt-layouts.tsv"))
    stale = [path for path in directory.glob("layout_generated_*") if path.name not in files]
    if not check:
        for path in stale:
            path.unlink()
        for name, text in files.items():
            (directory / name).write_text(text)
        return 0
    for name, text in files.items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            stale.append(path)
    for path in stale:
        print(f"{path} is out of date: run tools/generate/layout_test.py {directory}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
