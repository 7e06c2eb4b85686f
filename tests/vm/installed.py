"""A virtual Pi on which the package was installed and provisioned, as the office and a technician do it.

    office      a CA, the broker's certificate, a claim for the unit
    technician  plugs in a stick with package, claim and answers: `apt install`, `nodkald provision` twice, a restart
    workshop    signs the request that the first `provision` wrote

Rules of this file: `install` leaves the unit running, for the test of just that. For the trials the result (disk, CA,
ports of the brokers) is kept in the cache under the hash of the package, the guest and this file, and every user works
on a layer over that disk. Nothing of it is a secret of anybody.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.broker.mosquitto import OPERATIONS, Mosquitto, free_port, shipped_lines, tls_lines
from tests.broker.pki import Ca, Identity
from tests.home import REPOSITORY
from tests.vm.machine import HOST_ADDRESSES, Machine
from tests.vm.wearable import UsbWearable

UNIT_ID = "u-test0001"
PROFILE = "pi4-cords-wt901"

_ANSWERS = """
schema = 1
language = "da"
csr = "/root/{unit_id}.csr"
certificate = "/root/{unit_id}.pem"

[ports]
wearable = "auto"
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A provisioned unit: `folder` holds its disk and the office's `desk`; `ports` are those of its two brokers."""

    guest: Path
    folder: Path
    ports: tuple[int, int]

    @property
    def disk(self) -> Path:
        """The disk of the provisioned unit; never written to, only layered over."""
        return self.folder / "disk.qcow2"

    @property
    def ca(self) -> Ca:
        """The authority that signed for broker, centre and unit."""
        return Ca(self.folder / "desk" / "broker", "ca")

    @property
    def centre(self) -> Identity:
        """The centre's certificate."""
        return self._identity("centre")

    def machine(self, folder: Path) -> Machine:
        """Return the unit on a layer of its own, switched off."""
        folder.mkdir(parents=True, exist_ok=True)
        layer = folder / "disk.qcow2"
        _quietly("qemu-img", "create", "-f", "qcow2", "-b", self.disk, "-F", "qcow2", layer)
        return Machine(self.guest, layer, folder)

    def broker(self, folder: Path, *, second: bool = False) -> Mosquitto:
        """Return the shipped listener with the shipped rights on the port that the unit knows; not started."""
        folder.mkdir(parents=True, exist_ok=True)
        port = self.ports[second]
        acl = folder / "acl"
        acl.write_text((OPERATIONS / "acl").read_text())
        acl.chmod(0o600)
        return Mosquitto(
            folder, f"listener {port} 127.0.0.1", *tls_lines(self.ca, self._identity("server")), f"acl_file {acl}",
            f"persistence_location {folder}/", *shipped_lines(), port=port,
        )  # fmt: skip

    def _identity(self, name: str) -> Identity:
        desk = self.folder / "desk" / "broker"
        return Identity(desk / f"{name}.crt", desk / f"{name}.key")


def installed(guest: Path, deb: Path, cache: Path) -> Installed:
    """Return the provisioned unit for this package, switched off: from the cache, or made now."""
    key = hashlib.sha256(guest.name.encode() + deb.read_bytes())
    for source in ("installed.py", "machine.py", "wearable.py"):
        key.update((Path(__file__).parent / source).read_bytes())
    folder = cache / f"installed-{key.hexdigest()[:12]}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ports.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            unit, machine = install(guest, deb, folder)
            machine.shut_down()
            (folder / "ports.json").write_text(json.dumps(unit.ports))
    one, two = json.loads((folder / "ports.json").read_text())
    return Installed(guest, folder, (one, two))


def install(guest: Path, deb: Path, folder: Path) -> tuple[Installed, Machine]:
    """Do office's and technician's work on a new disk in `folder`; return the unit, and its machine, which runs."""
    ports = (free_port(), free_port())
    stick = _office(deb, folder, ports)
    _quietly("qemu-img", "create", "-f", "qcow2", "-b", guest / "disk.img", "-F", "raw", folder / "disk.qcow2")
    machine = Machine(guest, folder / "disk.qcow2", folder)
    machine.power_on(stick=stick)
    try:
        machine.wait_booted()
        _say(machine, "booted")
        with UsbWearable(machine.usb):
            machine.must("mkdir -p /mnt && mount -o ro /dev/vdb /mnt")
            machine.must("DEBIAN_FRONTEND=noninteractive apt-get -q -y install /mnt/nodkald-agent.deb", timeout_s=400)
            _say(machine, "the package is installed")
            provision = f"nodkald provision --answers /mnt/answers.toml --claim /mnt/{UNIT_ID}.claim.toml"
            code, said = machine.sh(provision, timeout_s=120)
            assert code == 3, f"the first run waits for the certificate:\n{said}"
            desk = folder / "desk"
            (desk / "signed").mkdir()
            (desk / f"{UNIT_ID}.csr").write_text(machine.must(f"cat /root/{UNIT_ID}.csr"))
            _nodkald("office", "sign", "--ca", desk / "ca", "--csr", desk / f"{UNIT_ID}.csr", "--out", desk / "signed")
            certificate = (desk / "signed" / f"{UNIT_ID}.pem").read_text()
            machine.must(f"cat > /root/{UNIT_ID}.pem", stdin=certificate)
            print(machine.must(provision, timeout_s=120))
            machine.must("umount /mnt; systemctl restart nodkald-agent && systemctl is-active nodkald-agent")
            _say(machine, "provisioned and running")
    except BaseException:
        machine.cut()
        raise
    return Installed(guest, folder, ports), machine


def _say(machine: Machine, what: str) -> None:
    print(f"install: {what}, {time.monotonic() - machine.on_at:.0f} s after the power came on", flush=True)


def _office(deb: Path, folder: Path, ports: tuple[int, int]) -> Path:
    """Make a CA, the broker's certificates, a claim, and the stick for the technician."""
    desk, stick = folder / "desk", folder / "stick"
    stick.mkdir(parents=True)
    _nodkald("office", "ca", "init", "--ca", desk / "ca")
    hosts = list(HOST_ADDRESSES.values())
    _nodkald("office", "broker", "--ca", desk / "ca", "--host", *hosts, "127.0.0.1", "--out", desk / "broker")
    primary, secondary = (f"{host}:{port}" for host, port in zip(hosts, ports, strict=True))
    (desk / "units.csv").write_text(
        "tenant;unit_id;profile;primary;secondary;room.bathroom-cord;room.living-room-cord\n"
        f"aabenraa;{UNIT_ID};{PROFILE};{primary};{secondary};bathroom;living_room\n"
    )
    _nodkald("office", "claims", "--ca", desk / "ca", "--csv", desk / "units.csv", "--out", stick)
    (stick / "answers.toml").write_text(_ANSWERS)
    shutil.copy(deb, stick / "nodkald-agent.deb")
    image = folder / "stick.img"
    _quietly("mke2fs", "-q", "-t", "ext4", "-d", stick, image, "120M")
    shutil.rmtree(stick)
    return image


def _nodkald(*arguments: str | Path) -> None:
    _quietly(sys.executable, "-m", "agent", *arguments)


def _quietly(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
