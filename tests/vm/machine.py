"""One virtual Raspberry Pi: its power, its network cables, its USB port, and the shell inside.

    machine = Machine(guest, disk, folder)
    machine.power_on()
    machine.sh("nodkald --version")
    machine.cut()                     # as if somebody pulled the plug

Rules of this file: software emulation, so that it runs wherever qemu does; the host's load shows in every time. Two
processors (a Pi has four), of the oldest kind for which NumPy is built: newer instructions are slow to emulate. What
the guest calls 10.0.2.2 (cable `one`) and 10.0.3.2 (cable `two`) is the host's 127.0.0.1. A cut is SIGKILL of the
emulator with the disk's cache off: what the guest had synchronised is there, and nothing else is promised.
"""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from tests.vm.channel import Channel, ChannelError, guest_agent, monitor, run_in_guest

if TYPE_CHECKING:
    from pathlib import Path

BOOT_WITHIN_S = 180.0
HOST_ADDRESSES = {"one": "10.0.2.2", "two": "10.0.3.2"}


class Machine:
    """A guest of `tests/vm/make-guest` (in `guest`) on `disk` (qcow2); sockets and logs in `folder`."""

    def __init__(self, guest: Path, disk: Path, folder: Path) -> None:
        self.folder = folder
        self.disk = disk
        self.on_at = 0.0
        self.clock_begins: str | None = None
        """What the board's clock says at the next power-on, as YYYY-MM-DDTHH:MM:SS; None for the host's time."""
        self._guest = guest
        self._process: subprocess.Popen[bytes] | None = None
        self._agent: Channel | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def hands(self) -> Path:
        """Socket of the guest's hands and eyes (`tests/vm/hands.py`)."""
        return self.folder / "hands.sock"

    @property
    def usb(self) -> Path:
        """Socket of the USB serial adapter: who connects plugs it in, who closes unplugs it."""
        return self.folder / "usb.sock"

    @property
    def running(self) -> bool:
        """Whether the power is on."""
        return self._process is not None and self._process.poll() is None

    # ------------------------------------------------------------ power

    def power_on(self, *, stick: Path | None = None) -> None:
        """Switch on, and return at once. `stick` is an image of a USB stick, mounted nowhere yet."""
        assert not self.running
        self.on_at = time.monotonic()
        with (self.folder / "qemu.log").open("ab") as log:
            self._process = subprocess.Popen(self._command(stick), stdout=log, stderr=log)

    def wait_booted(self) -> float:
        """Wait until the guest has started all that it starts; return the seconds since the power came on."""
        self.sh("systemctl is-system-running --wait")
        return time.monotonic() - self.on_at

    def cut(self) -> float:
        """Cut the power; return the moment."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        at = time.monotonic()
        self._process.wait(10)
        self._hang_up()
        return at

    def shut_down(self) -> None:
        """Switch off as a technician does, and wait for it."""
        assert self._process is not None
        self.must("systemctl poweroff --no-block")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.cut()
        self._hang_up()

    # ------------------------------------------------------------ the world around it

    def cable(self, name: str, *, plugged: bool) -> float:
        """Plug or unplug a network cable; return the moment."""
        with monitor(self.folder / "qmp.sock") as qemu:
            qemu.call("set_link", name=name, up=plugged)
            return time.monotonic()

    def sh(self, command: str, stdin: str = "", timeout_s: float = 180) -> tuple[int, str]:
        """Run a shell command as root in the guest; return exit code and what it printed."""
        if self._agent is None:
            self._agent = guest_agent(self.folder / "agent.sock", BOOT_WITHIN_S)
        try:
            return run_in_guest(self._agent, command, stdin, timeout_s)
        except ChannelError:
            self._hang_up()
            raise

    def must(self, command: str, stdin: str = "", timeout_s: float = 180) -> str:
        """Run a shell command that must succeed; return what it printed."""
        code, said = self.sh(command, stdin, timeout_s)
        assert code == 0, f"{command}: exit code {code}\n{said}"
        return said

    def _hang_up(self) -> None:
        if self._agent is not None:
            self._agent.close()
        self._agent = None

    def _command(self, stick: Path | None) -> list[str]:
        def socket_at(name: str, file: str) -> list[str]:
            return ["-chardev", f"socket,id={name},path={self.folder / file},server=on,wait=off"]

        command = [
            "qemu-system-x86_64", "-M", "q35,hpet=off", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem",
            "-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none",
            "-kernel", str(self._guest / "vmlinuz"), "-initrd", str(self._guest / "initrd.gz"),
            "-append", "console=ttyS0 rw quiet loglevel=4 mitigations=off systemd.show_status=0",
            "-device", "i6300esb", "-watchdog-action", "reset", "-device", "virtio-rng-pci",
            "-drive", f"if=none,id=card,file={self.disk},format=qcow2,cache=none",
            "-device", "virtio-blk-pci,drive=card",
            "-chardev", f"file,id=console,path={self.folder / 'console.log'},append=on", "-serial", "chardev:console",
            "-device", "virtio-serial-pci",
            *socket_at("agent", "agent.sock"),
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            *socket_at("hands", "hands.sock"), "-device", "virtserialport,chardev=hands,name=nodkald.bench",
            "-device", "qemu-xhci", *socket_at("usb", "usb.sock"), "-device", "usb-serial,chardev=usb",
            "-netdev", "user,id=net1,net=10.0.2.0/24", "-device", "virtio-net-pci,netdev=net1,id=one",
            "-netdev", "user,id=net2,net=10.0.3.0/24", "-device", "virtio-net-pci,netdev=net2,id=two",
            "-qmp", f"unix:{self.folder / 'qmp.sock'},server=on,wait=off",
        ]  # fmt: skip
        if self.clock_begins is not None:
            command += ["-rtc", f"base={self.clock_begins}"]
        if stick is not None:
            command += ["-drive", f"if=virtio,file={stick},format=raw,readonly=on"]
        return command
