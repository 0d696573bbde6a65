#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""d3dkmt-info as its users see it: text, JSON, profile, and what it says when there is nothing."""
import json
import os
import subprocess
import sys

program = sys.argv[1]


def run(*arguments, backend=None):
    environment = {key: value for key, value in os.environ.items() if key != "D3DKMT_BACKEND"}
    if backend:
        environment["D3DKMT_BACKEND"] = backend
    return subprocess.run([program, *arguments], env=environment, text=True, capture_output=True)


two = run("--json", backend="loopback:adapters=2,compute-only=1,local-memory=64M")
assert two.returncode == 0, two.stderr
info = json.loads(two.stdout)
assert info["backend"]["name"] == "loopback"
assert [adapter["type"]["compute_only"] for adapter in info["adapters"]] == [False, True]
assert all(adapter["memory"]["local"]["size"] == 64 << 20 for adapter in info["adapters"])
assert len({adapter["luid"] for adapter in info["adapters"]}) == 2
assert "copy" in [node["engine"] for node in info["adapters"][0]["nodes"]]
operations = info["operations"]
assert "D3DKMTSubmitCommand" in operations["supported"]
assert "D3DKMTPinResources" in operations["not_supported"]
assert len(operations["supported"]) + len(operations["not_supported"]) == 100

profile = run("--profile", "--backend", "loopback")
assert profile.returncode == 0, profile.stderr
adapters = json.loads(profile.stdout)["adapters"]
assert len(adapters) == 1 and "usage" not in adapters[0]["memory"]["local"]

text = run(backend="loopback")
assert text.returncode == 0 and "adapter 0: Software GPU 0" in text.stdout

nothing = run()
assert nothing.returncode == 1 and nothing.stdout == ""
assert "no GPU was found" in nothing.stderr and "D3DKMT_BACKEND=loopback" in nothing.stderr

wrong = run("--backend", "loopback:adapters=99")
assert wrong.returncode == 1 and "adapters=99 is outside of 1 to 16" in wrong.stderr, wrong.stderr

assert run("--nonsense").returncode == 2
print("text, JSON, profile and failures are as they should be")
