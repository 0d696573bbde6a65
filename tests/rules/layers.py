#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may use whom: derives the dependency rule of docs/architecture.md from the #include lines."""
import pathlib
import re
import sys

# What each folder below lib/ may include of lib/, beside itself. "core" means core's own files.
MAY_USE = {
    "core/api": {"core"},
    "core": set(),
    "core/wire": set(),
    "core/guest": {"core/wire", "core"},
    "backend-dxg": {"core"},
    "backend-vmbus-uio": {"core/guest", "core/wire", "core"},
    "decorators": {"core", "core/wire"},
    "compat/dxgkrnl": {"core", "backend-loopback"},
    "compat/preload": {"compat/dxgkrnl"},
    "compat/dxcore": {"core"},
    "miniports/intel": set(),
    ".": {"backend-dxg", "backend-vmbus-uio", "decorators"},
    "backend-loopback": {"core/guest", "core", "backend-loopback/host", "backend-loopback/gpu",
                         "backend-loopback/kmd", "backend-loopback/remote",
                         "backend-loopback/profile"},
    "backend-loopback/host": {"core/wire", "backend-loopback/gpu"},
    "backend-loopback/profile": {"core", "backend-loopback/host"},
    "backend-loopback/remote": set(),
    "backend-loopback/hostd": {"core", "backend-loopback/host", "backend-loopback/remote"},
    "backend-loopback/vmbus": {"backend-loopback/host"},
    "backend-loopback/gpu": set(),
    "backend-loopback/kmd": {"backend-loopback/gpu"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def layer_of(path):
    return str(pathlib.PurePosixPath(path).parent)


def main(root):
    lib = root / "lib"
    errors = []
    edges = 0
    for source in sorted(lib.rglob("*.[ch]")):
        name = source.relative_to(lib).as_posix()
        layer = layer_of(name)
        if layer not in MAY_USE:
            errors.append(f"lib/{name}: folder {layer} has no rule; add one here and in docs/architecture.md")
            continue
        for mark, target in INCLUDE.findall(source.read_text()):
            if mark == "<" and (root / "include" / target).exists():
                continue
            if not (lib / target).exists():
                if mark == '"':
                    errors.append(f'lib/{name}: "{target}" is not named from lib/')
                continue
            edges += 1
            used = layer_of(target)
            if used != layer and used not in MAY_USE[layer]:
                errors.append(f"lib/{name}: {layer} may not use {used} ({target})")
    print("\n".join(errors) if errors else f"{edges} includes keep the dependency rule")
    return 1 if errors or edges == 0 else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
