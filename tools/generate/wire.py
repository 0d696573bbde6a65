#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generates the GPU-PV layouts, descriptors and layout tests from lib/core/wire/messages.txt.

wire.py          rewrites the generated files
wire.py --check  exits with 1 if a generated file is not what messages.txt says
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE = ROOT / "lib/core/wire/messages.txt"
PRIMITIVES = {  # name: (C type, size)
    "u8": ("uint8_t", 1), "bool8": ("uint8_t", 1), "u16": ("uint16_t", 2), "u32": ("uint32_t", 4),
    "u64": ("uint64_t", 8), "i32": ("int32_t", 4), "status": ("int32_t", 4), "handle": ("uint32_t", 4),
    "guest_pointer": ("uint64_t", 8),
}
HEADER_SIZE = 24
NO_STATUS = "WIRE_NO_STATUS"


class Type:
    def __init__(self, name, size, union=False, header=False):
        self.name, self.size, self.union, self.header = name, size, union, header
        self.members = []  # (offset, type, name)


class Message:
    def __init__(self, channel, number, name, delivery):
        self.channel, self.number, self.name, self.delivery = channel, number, name, delivery
        self.request, self.tails, self.replies, self.examples = None, [], [], []
        self.extra, self.minimum, self.with_reply = 0, 0, False


class Reply:
    def __init__(self, when, kind, layout, size, status):
        self.when, self.kind, self.layout, self.size, self.status = when, kind, layout, size, status
        self.tails = []


class Model:
    """The parsed facts."""

    def __init__(self, text):
        self.bits, self.types, self.messages = {}, {}, []
        self.group = self.members = self.tails = self.message = None
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#")[0].rstrip()
            if line:
                try:
                    self.line(len(line) - len(line.lstrip()), line.split())
                except (KeyError, ValueError, IndexError, AttributeError) as error:
                    sys.exit(f"{SOURCE}:{number}: {error!r}")

    def line(self, indent, words):
        if indent == 0:
            self.top(words)
        elif words[0] == "tail":
            self.tails.append(words[1:])
        elif words[0] in ("sent", "example"):
            self.sent(words)
        elif words[0] in ("request", "message"):
            self.message.request = self.new_type(words[1], int(words[2]), header=True)
            self.tails = self.message.tails
        elif words[0] == "reply":
            self.reply(words[1:])
        elif ":" in words[0]:
            first, width = map(int, words[0].split(":"))
            self.group[1].append((first, width, words[1]))
        else:
            self.members.append((int(words[0]), words[1], words[2]))

    def top(self, words):
        if words[0] == "bits":
            self.group = self.bits[words[1]] = (int(words[2]), [])
        elif words[0] in ("struct", "union"):
            self.new_type(words[1], int(words[2]), words[0] == "union")
        else:
            self.message = Message(words[0], int(words[1]), words[2], (words + [""])[3])
            self.messages.append(self.message)

    def new_type(self, name, size, union=False, header=False):
        kind = Type(name, size, union, header)
        self.members = kind.members
        return self.types.setdefault(name, kind)

    def sent(self, words):
        if words[0] == "example":
            counts, sizes = " ".join(words[1:]).split("=")
            self.message.examples.append((list(map(int, counts.split())), list(map(int, sizes.split()))))
        elif words[1] == "with_reply":
            self.message.with_reply = True
        else:
            setattr(self.message, words[1], int(words[2]))

    def reply(self, words):
        if words[0] in ("ntstatus", "completion"):
            size, status = (4, 0) if words[0] == "ntstatus" else (0, None)
            reply = Reply("always", words[0], None, size, status)
        elif words[0] == "echo":
            status = None if words[2] == "-" else int(words[2])
            reply = Reply("always", "echo", self.message.request, self.message.request.size, status)
        else:
            when, kind, name, size, _, status = words
            layout = None if name == "-" else self.new_type(name, int(size))
            reply = Reply(when, kind, layout, int(size), None if status == "-" else int(status))
        self.message.replies.append(reply)
        self.tails = reply.tails

    # ---- layout

    def size_align(self, spelling):
        base, count = split_array(spelling)
        if base in PRIMITIVES:
            size = align = PRIMITIVES[base][1]
        elif base.startswith("bits"):
            size = align = int(base[4:base.index(":")]) // 8
        else:
            size, align = self.types[base].size, self.alignment(self.types[base])
        return size * (count or 1), align

    def alignment(self, kind):
        """Alignment that the C structure gets: natural, unless its size forces packing."""
        natural = max([8 if kind.header else 1] + [self.size_align(t)[1] for _, t, _ in kind.members])
        if not self.natural(kind, natural):
            return packed_alignment(kind.size)
        return natural

    def natural(self, kind, align=None):
        if align is None:
            align = max([8 if kind.header else 1] + [self.size_align(t)[1] for _, t, _ in kind.members])
        end = HEADER_SIZE if kind.header else 0
        for offset, spelling, _ in kind.members:
            size, member_align = self.size_align(spelling)
            here = 0 if kind.union else -(-end // member_align) * member_align
            if here != offset:
                return False
            end = max(end, offset + size) if kind.union else offset + size
        return -(-end // align) * align == kind.size


def packed_alignment(size):
    return next(align for align in (8, 4, 2, 1) if size % align == 0)


def split_array(spelling):
    match = re.fullmatch(r"([^\[]+)(?:\[(\d+)\])?", spelling)
    return match.group(1), int(match.group(2)) if match.group(2) else None


def c_declaration(model, spelling, name):
    base, count = split_array(spelling)
    if base in PRIMITIVES:
        text = PRIMITIVES[base][0]
    elif base.startswith("bits"):
        text = f"uint{base[4:base.index(':')]}_t"
    else:
        text = ("union" if model.types[base].union else "struct") + f" wire_{base}"
    return f"{text} {name}" + (f"[{count}]" if count else "")


def bits_comment(spelling):
    return f" /* WIRE_{spelling.split(':')[1].upper()}_* */" if spelling.startswith("bits") else ""


def member_lines(model, kind, indent):
    """Members in order; a packed structure gets its gaps spelled out."""
    packed, end, pads = not model.natural(kind), HEADER_SIZE if kind.header else 0, 0
    for offset, spelling, name in kind.members:
        if packed and offset > end:
            yield f"{indent}uint8_t padding{pads}[{offset - end}];"
            pads += 1
        if name == "-":
            yield f"{indent}union {{"
            yield from member_lines(model, model.types[spelling], indent + "    ")
            yield f"{indent}}};"
        else:
            yield f"{indent}{c_declaration(model, spelling, name)};{bits_comment(spelling)}"
        end = offset + model.size_align(spelling)[0]
    if packed and kind.size > end:
        yield f"{indent}uint8_t padding{pads}[{kind.size - end}];"


def struct_lines(model, kind):
    yield f"{'union' if kind.union else 'struct'} wire_{kind.name} {{"
    if kind.header:
        yield "    struct wire_header header;"
    yield from member_lines(model, kind, "    ")
    if model.natural(kind):
        yield "};"
    else:
        yield f"}} __attribute__((packed, aligned({packed_alignment(kind.size)})));"
    yield ""


def bit_lines(name, size, fields):
    suffix = "ull" if size == 8 else "u"
    for first, width, field in fields:
        if field.startswith("reserved"):
            continue
        label = f"WIRE_{name}_{field}".upper()
        yield f"#define {label} 0x{((1 << width) - 1) << first:x}{suffix}"
        if width > 1:
            yield f"#define {label}_SHIFT {first}"


NOTICE = "/* SPDX-License-Identifier: MIT */\n/* {} Generated by tools/generate/wire.py from messages.txt: do not edit. */"


def numbers_file(model):
    out = [NOTICE.format("Bit-fields, numbers and tail indices of the GPU-PV messages."),
           "#ifndef D3DKMT_CORE_WIRE_NUMBERS_GENERATED_H", "#define D3DKMT_CORE_WIRE_NUMBERS_GENERATED_H", "",
           "/* Bit-fields: masks in place, and the shift of those wider than a bit. */"]
    for name, (size, fields) in model.bits.items():
        out += list(bit_lines(name, size, fields)) + [""]
    for channel in ("vgpu", "global", "host"):
        out.append(f"enum wire_{channel}_number {{")
        out += [f"    WIRE_{channel.upper()}_{m.name} = {m.number},"
                for m in model.messages if m.channel == channel]
        out += ["};", ""]
    out.append("/* Indices of the tails of requests and replies. */")
    for m in model.messages:
        out += tail_enum("WIRE_TAIL", m, m.tails)
        if m.replies and m.replies[0].kind != "echo":
            out += tail_enum("WIRE_REPLY_TAIL", m, m.replies[0].tails)
    return "\n".join(out + ["", "#endif"]) + "\n"


def layouts_file(model, guard, what, include, kinds):
    out = [NOTICE.format(what), f"#ifndef {guard}", f"#define {guard}", "", f"#include {include}", ""]
    for kind in kinds:
        out += struct_lines(model, kind)
    out.append("#endif")
    return "\n".join(out) + "\n"


def is_message(kind):
    return kind.header or kind.name.endswith(("_reply", "_before_40"))


def types_file(model):
    return layouts_file(model, "D3DKMT_CORE_WIRE_TYPES_GENERATED_H", "Types inside of the GPU-PV messages.",
                        "<stdint.h>", [k for k in model.types.values() if not is_message(k)])


def messages_file(model):
    return layouts_file(model, "D3DKMT_CORE_WIRE_MESSAGES_GENERATED_H", "Layouts of the GPU-PV messages.",
                        '"core/wire/types_generated.h"', [k for k in model.types.values() if is_message(k)])


def tail_enum(prefix, message, tails):
    if not tails:
        return []
    names = [f"    {prefix}_{message.name}_{tail[1].upper()} = {i}," for i, tail in enumerate(tails)]
    return ["enum {"] + names + ["};"]


# ---- descriptors

SOURCES = {"one_if": "ONE_IF", "one_unless": "ONE_UNLESS", "at_least_one": "AT_LEAST_ONE",
           "if_present": "IF_PRESENT", "sum": "SUM", "request": "REQUEST_TAIL"}


def tail_initialiser(model, message, tail):
    spelling, name, count = tail
    size = model.size_align(spelling)[0]
    struct = f"struct wire_{message.request.name}"
    words = count.split(":")
    if len(words) == 1:
        source, offset, condition = "FIELD", f"offsetof({struct}, {count})", "0"
    else:
        source, condition = SOURCES[words[0]], "0"
        if source == "SUM":
            other, member = words[1].split(".")
            index = [t[1] for t in message.tails].index(other)
            element = message.tails[index][0]
            offset, condition = str(index), f"offsetof(struct wire_{element}, {member})"
        elif source == "REQUEST_TAIL":
            offset = str([t[1] for t in message.tails].index(words[1]))
        else:
            offset = f"offsetof({struct}, {words[1]})"
            if len(words) > 2:
                condition = f"offsetof({struct}, {words[2]})"
    return f'{{"{name}", {size}, {offset}, {condition}, WIRE_COUNT_{source}}}'


def reply_initialiser(model, message, since_40):
    wanted = ("always", "since_40" if since_40 else "before_40")
    reply = next(r for r in message.replies if r.when in wanted)
    status = NO_STATUS if reply.status is None else reply.status
    text = f"{{WIRE_REPLY_{reply.kind.upper()}, {len(reply.tails)}, {reply.size}, {status}, {{"
    tails = [tail_initialiser(model, message, t) for t in reply.tails]
    return text + (", ".join(tails) if tails else "{0}") + "}}"


def command_lines(model, m):
    index = m.number - (1000 if m.channel == "global" else 0)
    yield f"    [{index}] = {{"
    yield f'        .name = "{m.name}",'
    yield f"        .number = WIRE_{m.channel.upper()}_{m.name},"
    yield f"        .channel = WIRE_{m.channel.upper()},"
    if m.request:
        yield "        .layout_known = true,"
        if m.delivery == "async":
            yield "        .async_capable = true,"
        if m.with_reply:
            yield "        .sent_with_reply = true,"
        if m.extra:
            yield f"        .sent_extra = {m.extra},"
        if m.minimum:
            yield f"        .sent_minimum = {m.minimum},"
        yield f"        .fixed_size = sizeof(struct wire_{m.request.name}),"
        if m.tails:
            yield f"        .tail_count = {len(m.tails)},"
            yield "        .tails = {" + ",\n                  ".join(
                tail_initialiser(model, m, t) for t in m.tails) + "},"
        yield f"        .reply = {{{reply_initialiser(model, m, False)},"
        yield f"                  {reply_initialiser(model, m, True)}}},"
    yield "    },"


def table_file(model):
    out = [NOTICE.format("Descriptors of the GPU-PV commands."), '#include "core/wire/wire.h"', ""]
    for channel, size in (("vgpu", "WIRE_VGPU_COMMAND_LIMIT"),
                          ("global", "WIRE_GLOBAL_COMMAND_LIMIT - WIRE_GLOBAL_COMMAND_FIRST")):
        out.append(f"const struct wire_command wire_{channel}_commands[{size}] = {{")
        for m in model.messages:
            if m.channel == channel:
                out += command_lines(model, m)
        out += ["};", ""]
    out.append("const char *const wire_host_message_names[WIRE_HOST_MESSAGE_LIMIT] = {")
    out += [f'    [{m.number}] = "{m.name}",' for m in model.messages if m.channel == "host"]
    out.append("};")
    return "\n".join(out) + "\n"


# ---- tests

def layout_checks(model):
    for kind in model.types.values():
        c_name = ("union" if kind.union else "struct") + f" wire_{kind.name}"
        yield f'    SIZE({c_name}, {kind.size});'
        if kind.header:
            yield f'    MEMBER({c_name}, header, 0, {HEADER_SIZE});'
        yield from member_checks(model, kind, c_name, 0)


def member_checks(model, kind, c_name, base):
    for offset, spelling, name in kind.members:
        if name == "-":
            yield from member_checks(model, model.types[spelling], c_name, base + offset)
        else:
            yield f'    MEMBER({c_name}, {name}, {base + offset}, {model.size_align(spelling)[0]});'


def bit_checks(model):
    for name, (size, fields) in model.bits.items():
        for first, width, field in fields:
            if not field.startswith("reserved"):
                yield f"    BITS(WIRE_{name.upper()}_{field.upper()}, {first}, {width});"


def test_file(model):
    out = [NOTICE.format("Layout facts of messages.txt for layout_test.c."),
           '#include "wire/layout_facts.h"', "",
           "#define SIZE(type, expected) wire_fact(#type, sizeof(type), expected)",
           "#define MEMBER(type, member, offset, size)                            \\",
           "    wire_fact(#type \".\" #member, offsetof(type, member), offset);     \\",
           "    wire_fact(#type \".\" #member \" size\", sizeof(((type *)0)->member), size)",
           "#define BITS(mask, first, width) wire_fact_bits(#mask, mask, first, width)", "",
           "void wire_check_layouts(void)", "{", *layout_checks(model), "}", "",
           "void wire_check_bits(void)", "{", *bit_checks(model), "}"]
    return "\n".join(out) + "\n"


def tail_counts(message, counts):
    """An example has one number per distinct count; tails with the same count share it."""
    spellings = list(dict.fromkeys(tail[2] for tail in message.tails))
    return [counts[spellings.index(tail[2])] for tail in message.tails]


def vector_file(model):
    out = [NOTICE.format("Numbers and sizes of messages.txt as tables for layout_test.c."),
           '#include "wire/layout_facts.h"', "",
           "const struct wire_number_fact wire_number_facts[] = {"]
    for m in model.messages:
        size = m.request.size if m.request else 0
        out.append(f'    {{"{m.name}", WIRE_{m.channel.upper()}, {m.number}, WIRE_{m.channel.upper()}_{m.name}, {size}}},')
    out += ["};", f"const unsigned wire_number_fact_count = {len(model.messages)};", "",
            "const struct wire_size_fact wire_size_facts[] = {"]
    examples = [(m, c, s) for m in model.messages for c, s in m.examples]
    for m, counts, sizes in examples:
        numbers = ", ".join(map(str, tail_counts(m, counts) or [0]))
        out.append(f"    {{WIRE_{m.channel.upper()}, {m.number}, {{{numbers}}}, {sizes[0]}, {sizes[1]}}},")
    out += ["};", f"const unsigned wire_size_fact_count = {len(examples)};", "",
            "const struct wire_reply_fact wire_reply_facts[] = {"]
    replies = [(m, r, v) for m in model.messages for r in m.replies for v in (27, 40)
               if r.when == "always" or (r.when == "since_40") == (v == 40)]
    for m, r, v in replies:
        status = NO_STATUS if r.status is None else r.status
        out.append(f"    {{WIRE_{m.channel.upper()}, {m.number}, {v}, WIRE_REPLY_{r.kind.upper()}, {r.size}, {status}}},")
    out += ["};", f"const unsigned wire_reply_fact_count = {len(replies)};"]
    return "\n".join(out) + "\n"


def main():
    model = Model(SOURCE.read_text())
    files = {"lib/core/wire/numbers_generated.h": numbers_file(model),
             "lib/core/wire/types_generated.h": types_file(model),
             "lib/core/wire/messages_generated.h": messages_file(model),
             "lib/core/wire/commands_generated.c": table_file(model),
             "tests/wire/layout_generated.c": test_file(model),
             "tests/wire/vectors_generated.c": vector_file(model)}
    stale = [p for p, text in files.items() if not (ROOT / p).exists() or (ROOT / p).read_text() != text]
    if "--check" in sys.argv[1:]:
        print(f"{len(model.messages)} commands and messages, {len(model.types)} types, "
              f"{len(model.bits)} bit-field words, {len(files)} generated files, {len(stale)} stale")
        for path in stale:
            print(f"stale: {path} (run tools/generate/wire.py)")
        sys.exit(1 if stale else 0)
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(files[path])


if __name__ == "__main__":
    main()
