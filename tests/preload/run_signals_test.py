#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals to d3dkmt-run --shared, which stands between its caller and the program. Usage:
run_signals_test.py D3DKMT_RUN"""
import os
import pty
import signal
import subprocess
import sys
import tempfile

RUN = sys.argv[1]
# It ends by itself, should no signal reach it.
LOOP = "echo ready; for i in $(seq 1000); do sleep 0.02; done"


def start(script, **options):
    command = [RUN, "--shared", "--", "sh", "-c", script]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, **options)
    assert program.stdout.readline() == b"ready\n"
    return program


def end(program, expected):
    status = program.wait(timeout=60)
    assert status == expected, f"exit status {status} instead of {expected}"
    program.stdout.close()


def signals_reach_the_program():
    for name in ("INT", "QUIT", "TERM", "HUP", "USR1", "USR2"):
        program = start(f"trap 'exit 5' {name}; {LOOP}")
        program.send_signal(getattr(signal, f"SIG{name}"))
        end(program, 5)


def a_program_without_handlers_ends_by_the_signal():
    for number in (signal.SIGINT, signal.SIGUSR1):
        program = start(LOOP)
        program.send_signal(number)
        end(program, -number)


def what_is_ignored_stays_ignored():
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    program = start(f"trap 'exit 5' TERM; kill -HUP $$; {LOOP}", preexec_fn=ignore)
    program.send_signal(signal.SIGHUP)
    program.send_signal(signal.SIGTERM)
    end(program, 5)


def the_terminals_signals_end_the_program_alone():
    child, terminal = pty.fork()
    if child == 0:
        os.execv(RUN, [RUN, "--shared", "--", "sh", "-c", f"trap 'exit 6' INT; {LOOP}"])
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 100)
    os.write(terminal, b"\x03")
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 6, status
    os.close(terminal)


def folders_for_sockets():
    with tempfile.TemporaryDirectory() as folder:
        long = os.path.join(folder, "a-name-that-no-address-of-a-socket-has-room-for-any-more-" * 2)
        comma = os.path.join(folder, "a,b")
        for name in (folder, long, comma, "."):
            os.makedirs(name, exist_ok=True)
            program = start("cd /; test -c /dev/dxg && exec 3<>/dev/dxg && echo ready",
                            env=dict(os.environ, TMPDIR=name))
            end(program, 0)
        assert os.listdir(long) == os.listdir(comma) == []


if __name__ == "__main__":
    signals_reach_the_program()
    a_program_without_handlers_ends_by_the_signal()
    what_is_ignored_stays_ignored()
    the_terminals_signals_end_the_program_alone()
    folders_for_sockets()
