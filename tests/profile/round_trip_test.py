#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Profiles from d3dkmt-info to the simulated host and back, against the published schema.

usage: round_trip_test.py D3DKMT_INFO SCHEMA PROFILE...
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

program, schema_path, *profiles = sys.argv[1:]
schema = json.load(open(schema_path))

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
KNOWN = {"$schema", "$defs", "title", "description", "type", "required", "additionalProperties", "properties", "items",
         "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum", "pattern", "const", "enum", "$ref"}


def problems(value, rule, path="$"):
    """What of the schema language the schema uses; anything else in it is an error of the schema."""
    assert set(rule) <= KNOWN, f"the schema uses {set(rule) - KNOWN}"
    if "$ref" in rule:
        yield from problems(value, schema["$defs"][rule["$ref"].rsplit("/", 1)[1]], path)
    if "const" in rule and (value != rule["const"] or type(value) is not type(rule["const"])):
        yield f"{path} is not {rule['const']}"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{path} is none of {rule['enum']}"
    if "type" in rule:
        kind = TYPES[rule["type"]]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            yield f"{path} is no {rule['type']}"
            return
    if isinstance(value, str):
        if not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value)):
            yield f"{path} has {len(value)} characters"
        if "pattern" in rule and not re.search(rule["pattern"], value):
            yield f"{path} does not match"
    if isinstance(value, int) and not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        yield f"{path} is out of range"
    if isinstance(value, list):
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            yield f"{path} has {len(value)} elements"
        for index, element in enumerate(value):
            yield from problems(element, rule.get("items", {}), f"{path}[{index}]")
    if isinstance(value, dict):
        for name in rule.get("required", []):
            if name not in value:
                yield f"{path} lacks {name}"
        for name, member in value.items():
            if name in rule.get("properties", {}):
                yield from problems(member, rule["properties"][name], f"{path}.{name}")
            elif rule.get("additionalProperties") is False:
                yield f"{path} has {name}"


def info(*arguments):
    environment = {key: value for key, value in os.environ.items() if key != "D3DKMT_BACKEND"}
    return subprocess.run([program, *arguments], env=environment, text=True, capture_output=True)


def write_profile(backend):
    result = info("--profile", "--backend", backend)
    assert result.returncode == 0, result.stderr
    return result.stdout


folder = tempfile.TemporaryDirectory()


def keep(text):
    path = os.path.join(folder.name, "profile.json")
    with open(path, "w") as file:
        file.write(text)
    return path


# From every kind of simulated adapter, and back: the same bytes.
for backend in ["loopback", "loopback:adapters=16,compute-only=7", "loopback:hw-scheduling",
                "loopback:local-memory=64M,non-local-memory=3G,local-budget=32M"]:
    first = write_profile(backend)
    found = list(problems(json.loads(first), schema))
    assert not found, (backend, found)
    again = write_profile(f"loopback:profile={keep(first)}")
    assert again == first, (backend, again)

# From a file with everything in it.
for path in profiles:
    given = json.load(open(path))
    found = list(problems(given, schema))
    assert not found, (path, found)
    again = write_profile(f"loopback:profile={path}")
    assert json.loads(again) == given, again
    assert write_profile(f"loopback:async,pending,profile={keep(again)}") == again

# Those that are shipped: their miniports are there, and a miniport that is given as an option comes first.
shipped = sorted(pathlib.Path(schema_path).parent.glob("profiles/*.json"))
assert shipped
for path in shipped:
    given = json.load(open(path))
    found = list(problems(given, schema))
    assert not found, (path, found)
    played = json.loads(write_profile(f"loopback:profile={path}"))
    for wanted, adapter in zip(given["adapters"], played["adapters"], strict=True):
        for member in wanted.keys() - {"miniport"}:
            for name, value in dict(wanted[member]).items() if isinstance(wanted[member], dict) else []:
                assert adapter[member][name] == value, (path, member, name)
        assert "store" in adapter["driver"] and "UMDRIVERPRIVATE" in adapter["queries"], path
    plain = json.loads(write_profile(f"loopback:profile={path},miniport=softgpu"))
    assert all("store" not in adapter["driver"] for adapter in plain["adapters"]), path

# The schema is no decoration: it refuses what the host refuses.
good = json.load(open(profiles[0]))


def with_change(change):
    copy = json.loads(json.dumps(good))
    change(copy["adapters"][0])
    return copy


for change in [
        lambda adapter: adapter.update(luid="1"),
        lambda adapter: adapter.update(unknown=1),
        lambda adapter: adapter["type"].update(paravirtualized=False),
        lambda adapter: adapter["driver"].update(wddm="3"),
        lambda adapter: adapter["pci"].update(vendor="8086"),
        lambda adapter: adapter["pci"].pop("device"),
        lambda adapter: adapter["capabilities"].update(hw_scheduling_support_state=4),
        lambda adapter: adapter.update(nodes=[]),
        lambda adapter: adapter["nodes"][0].pop("name"),
        lambda adapter: adapter["nodes"][0].update(engine_type=9),
        lambda adapter: adapter["memory"]["local"].update(size=-1),
        lambda adapter: adapter["queries"].update(WDDM_2_0_CAPS="00"),
        lambda adapter: adapter["queries"].update(UMDRIVERPRIVATE="0"),
        lambda adapter: adapter["registry"][0].update(type="REG_NONE"),
        lambda adapter: adapter["features"][0].update(version=65536),
]:
    wrong = with_change(change)
    assert list(problems(wrong, schema)), wrong
    path = keep(json.dumps(wrong, indent=1))
    result = info("--profile", "--backend", f"loopback:profile={path}")
    assert result.returncode == 1 and re.search(re.escape(path) + r":\d+:\d+: adapters\[0\]", result.stderr), result.stderr

# Options beside a profile.
path = profiles[0]
nobodys = os.path.join(folder.name, "nobodys.json")
with open(nobodys, "w") as file:
    json.dump({"d3dkmt_adapter_profile": 1, "adapters": [{}, {"miniport": "nobodys:x"}]}, file)
for options, reason in [(f"profile={path},adapters=2", '"adapters" is told by the profile'),
                        (f"compute-only=1,profile={path}", '"compute-only" is told by the profile'),
                        (f"profile={path},hw-scheduling", '"hw-scheduling" is told by the profile'),
                        (f"profile={path},profile={path}", "one file is needed"),
                        ("profile=", "one file is needed"),
                        ("profile=/nowhere", "No such file"),
                        (f"profile={nobodys}", 'there is no miniport "nobodys"'),
                        (f"host=/nowhere,profile={path}", "is an option of the host")]:
    result = info("--backend", f"loopback:{options}")
    assert result.returncode == 1 and reason in result.stderr, (options, result.stderr)
smaller = json.loads(write_profile(f"loopback:profile={path},local-memory=64M,local-budget=32M"))
assert smaller["adapters"][0]["memory"]["local"] == {"size": 64 << 20, "budget": 32 << 20}
print("profiles come back as they went")
