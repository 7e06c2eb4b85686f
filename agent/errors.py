"""The errors of nodkald-agent, one small tree. Each message says what, where and what to do.

NodkaldError
├── ConfigError        a unit file or firmware profile can't be used: exit code 2, one line a fault
├── SensorError        a driver can't open or read its device; the driver reports it and tries again
├── ModelError         the model can't be loaded or asked; the call goes out as `unverified`
├── StorageError       the outbox can't be opened, read or written
│   ├── StorageFull    … because the disk or the outbox's size limit is full
│   ├── StorageDamaged  … because its file is damaged: what can be read of it is rescued
│   └── StorageForeign  … because a newer nodkald or another user owns its file: it stays as it is
├── UplinkError        a broker path can't be built (bad certificate, unknown protocol)
├── ProvisionError     a unit can't be provisioned, or the office's request can't be carried out
├── CredentialError    a secret can't be encrypted for this machine, or not be read on it
├── OpensslError       the command `openssl` says no, or does not end
│   └── OpensslMissing  … because there is no such command
├── RecordingError     a motion recording or a kept window can't be read, written or used: names file and line
└── SimulatorError     a request to the simulated home that it can't carry out
"""

from __future__ import annotations


class NodkaldError(Exception):
    """Root of everything that this project raises on purpose."""


class ConfigError(NodkaldError):
    """A file that configures the unit is wrong. `faults` has one readable line for each fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class SensorError(NodkaldError):
    """A sensor's device can't be opened or read."""


class ModelError(NodkaldError):
    """A model file is missing, damaged, of the wrong shape, or failed while it was asked."""


class StorageError(NodkaldError):
    """The outbox could not be opened, read or written."""


class StorageFull(StorageError):  # noqa: N818 - the state of a disk, named as the fault code `storage.full` is
    """The outbox could not be written because its disk is full."""


class StorageDamaged(StorageError):  # noqa: N818 - the state of a file
    """The outbox's file is not what this program wrote into it."""


class StorageForeign(StorageError):  # noqa: N818 - the state of a file
    """The outbox's file belongs to a newer nodkald or to another user: it is left as it is."""


class UplinkError(NodkaldError):
    """A broker path can't be set up from its configuration."""


class ProvisionError(NodkaldError):
    """A unit can't be provisioned, or a claim or certificate can't be made."""


class CredentialError(NodkaldError):
    """A secret can't be encrypted by systemd for this machine, or what was encrypted can't be read here."""


class OpensslError(NodkaldError):
    """The command `openssl` said no (the text is its own), or did not end in time."""


class OpensslMissing(OpensslError):  # noqa: N818 - the state of a machine
    """There is no command `openssl` on this machine."""


class RecordingError(NodkaldError):
    """A motion recording (CSV) can't be read, written or used."""


class SimulatorError(NodkaldError):
    """The simulated home can't do what was asked of it."""
