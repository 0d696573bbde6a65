#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""d3dkmt-bind on a folder in place of "/", where this program plays the kernel: FIFOs for the drivers' files."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

program = sys.argv[1]
GLOBAL = "11111111-2222-3333-4444-555555555555"
VGPU = "aabbccdd-1122-3344-5566-778899aabbcc"
CLASSES = {GLOBAL: "dde9cbc0-5060-4436-9448-ea1254a5d177", VGPU: "6e382d18-3336-4f4b-acc4-2b7703d4df4a"}


class Machine:
    """Devices that nobody drives, and a kernel that listens to what is written to its drivers."""

    def __init__(self, root, broken=()):
        self.root, self.broken, self.written = pathlib.Path(root), broken, []
        self.drivers = self.root / "sys/bus/vmbus/drivers"
        for number, (guid, class_guid) in enumerate(CLASSES.items()):
            device = self.device(guid)
            (device / "channels").mkdir(parents=True)
            for name, text in {"class_id": f"{{{class_guid}}}", "device_id": f"{{{guid}}}", "id": str(number + 7),
                               "state": "2", "driver_override": "(null)"}.items():
                (device / name).write_text(text + "\n")
        self.listen("uio_hv_generic", bind=self.bind, unbind=self.unbind, new_id=None, remove_id=None)
        (self.root / "sys/bus/pci/devices").mkdir(parents=True)

    def device(self, guid):
        return self.root / "sys/bus/vmbus/devices" / guid

    def listen(self, driver, **files):
        (self.drivers / driver).mkdir(parents=True)
        for name, action in files.items():
            os.mkfifo(self.drivers / driver / name)
            thread = threading.Thread(target=self.serve, args=(driver, name, action), daemon=True)
            thread.start()

    def serve(self, driver, name, action):
        fifo = self.drivers / driver / name
        while fifo.exists():
            text = fifo.read_text()  # of one writer, or of several in a row: GUIDs all of them
            for guid in (text[at:at + 36] for at in range(0, len(text), 36)):
                if action:
                    action(driver, guid)
                self.written.append((driver, name, guid))

    def bind(self, driver, guid):
        device = self.device(guid)
        assert (device / "driver_override").read_text().startswith("uio_hv_generic"), "bound without an override"
        while (device / "driver").is_symlink():  # the thread of the driver that had it is about to let go
            time.sleep(0.001)
        (device / "driver").symlink_to(f"../../drivers/{driver}")
        if guid in self.broken:
            return
        number = list(CLASSES).index(guid)
        for index, (name, size) in enumerate([("txrx_rings", 0x22000), ("int_page", 4096), ("monitor_page", 4096)]):
            folder = device / f"uio/uio{number}/maps/map{index}"
            folder.mkdir(parents=True)
            (folder / "name").write_text(name + "\n")
            (folder / "size").write_text(f"0x{size:016x}\n")
        (device / f"channels/{number + 7}").mkdir()

    def unbind(self, driver, guid):
        device = self.device(guid)
        (device / "driver").unlink()
        shutil.rmtree(device / "uio", ignore_errors=True)

    def run(self, *arguments):
        return subprocess.run([program, "--root", str(self.root), *arguments], text=True, capture_output=True,
                              timeout=60)

    def expect_written(self, name, guids):
        """The tool writes and goes; this program's threads are slower than a kernel."""
        end = time.monotonic() + 30
        while sorted(set(self.names(name))) != sorted(guids) and time.monotonic() < end:
            time.sleep(0.01)
        assert sorted(set(self.names(name))) == sorted(guids), self.written

    def names(self, name):
        return [text for _, what, text in self.written if what == name]


def expect(result, status, *parts):
    text = result.stdout + result.stderr
    assert result.returncode == status, (result.returncode, text)
    for part in parts:
        assert part in text, (part, text)


with tempfile.TemporaryDirectory() as folder:
    machine = Machine(folder)
    expect(machine.run("status"), 1, "driver none", "no driver is bound to it; as root: d3dkmt-bind bind")
    expect(machine.run("explain"), 1, "[ok] the kernel's driver uio_hv_generic", "[--] vGPU channel",
           "modprobe pci_hyperv", "write there: mmio=BASE+SIZE")
    expect(machine.run("bind"), 0, f"{GLOBAL}: bound, /dev/uio0", f"{VGPU}: bound, /dev/uio1")
    machine.expect_written("bind", CLASSES)
    assert machine.names("new_id") == []
    expect(machine.run("bind"), 0, "bound already")
    expect(machine.run("status"), 1, "rings of 64 KiB of data, signalled by a write")  # there is no PCI function
    (machine.device(VGPU) / "monitor_id").write_text("3\n")
    expect(machine.run("status"), 1, "signalled through the monitor page")
    expect(machine.run("--future", "bind"), 0)
    machine.expect_written("new_id", CLASSES.values())
    # A program has it open: unbinding would leave the channel open for ever.
    (machine.device(VGPU) / "state").write_text("3\n")
    expect(machine.run("unbind"), 1, "a program has /dev/uio1 open; end it first", f"{GLOBAL}: unbound")
    machine.expect_written("unbind", [GLOBAL])
    expect(machine.run("--force", "unbind"), 0, f"{VGPU}: unbound")
    machine.expect_written("unbind", CLASSES)
    machine.expect_written("remove_id", CLASSES.values())
    assert (machine.device(VGPU) / "driver_override").read_text().startswith("\n")

with tempfile.TemporaryDirectory() as folder:
    # Another driver lets go first; a probe that fails is told only by what is missing afterwards.
    machine = Machine(folder, broken={VGPU})
    machine.listen("dxgkrnl", unbind=machine.unbind)
    (machine.device(GLOBAL) / "driver").symlink_to("../../drivers/dxgkrnl")
    expect(machine.run("status"), 1, "the driver dxgkrnl has it")
    expect(machine.run("bind"), 1, f"{GLOBAL}: bound", f"{VGPU}: uio_hv_generic has it, but made no UIO device",
           "-524")
    assert ("dxgkrnl", "unbind", GLOBAL) in machine.written
    # As the kernel's log says no more the second time, neither must this.
    expect(machine.run("bind"), 1, f"{GLOBAL}: bound already", f"{VGPU}: uio_hv_generic has it, but made no UIO device")

with tempfile.TemporaryDirectory() as folder:
    # A kernel that refuses: all is as it was.
    machine = Machine(folder)
    machine.listen("dxgkrnl", unbind=machine.unbind, bind=None)
    (machine.device(GLOBAL) / "driver").symlink_to("../../drivers/dxgkrnl")
    (machine.drivers / "uio_hv_generic/bind").unlink()
    (machine.drivers / "uio_hv_generic/bind").mkdir()
    expect(machine.run("bind"), 1, f"{GLOBAL}: it cannot be bound", f"{VGPU}: it cannot be bound")
    machine.expect_written("bind", [GLOBAL])
    for guid in CLASSES:
        assert (machine.device(guid) / "driver_override").read_text().startswith("\n"), guid

with tempfile.TemporaryDirectory() as folder:
    machine = Machine(folder)
    shutil.rmtree(machine.drivers / "uio_hv_generic")
    expect(machine.run("bind"), 1, "load the module (modprobe uio_hv_generic)")
    for guid in CLASSES:
        shutil.rmtree(machine.device(guid))
    expect(machine.run("status"), 1, "the host offers no GPU-PV channel")
    shutil.rmtree(machine.root / "sys/bus/vmbus")
    expect(machine.run("status"), 1, "this is no guest of Hyper-V")

expect(subprocess.run([program, "--force", "bind"], text=True, capture_output=True), 2, "--force for unbind")
expect(subprocess.run([program, "--future", "unbind"], text=True, capture_output=True), 2, "--future is for bind")
expect(subprocess.run([program, "--help"], text=True, capture_output=True), 0, "usage: d3dkmt-bind")
for wrong in ([], ["nonsense"], ["bind", "status"], ["--nonsense", "bind"]):
    assert subprocess.run([program, *wrong], capture_output=True).returncode == 2, wrong
print("status, explain, bind and unbind are as they should be")
