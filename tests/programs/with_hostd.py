#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program against a d3dkmt-hostd of its own: with_hostd.py HOSTD OPTIONS PROGRAM [ARGUMENT...]

The program's output and exit status are the result; a host that does not start or end cleanly is a failure.
"""
import os
import signal
import subprocess
import sys
import tempfile

hostd, options, *program = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "socket")
    host = subprocess.Popen([hostd, "--options", options, path], stdout=subprocess.PIPE, text=True)
    if not host.stdout.readline().startswith("listening on"):
        sys.exit(f"d3dkmt-hostd does not start: exit status {host.wait()}")
    result = subprocess.run(program, env=dict(os.environ, D3DKMT_BACKEND=f"loopback:host={path}"))
    host.send_signal(signal.SIGTERM)
    ended = host.wait()
sys.exit(result.returncode if ended == 0 else f"d3dkmt-hostd ended with {ended}")
