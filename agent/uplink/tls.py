"""The TLS context of a broker path, from the files that the unit file names.

Rules of this file: TLS 1.2 at least, the broker's certificate and host name are always checked. Only the time is left
out, on request, because a Pi without a battery clock would otherwise refuse every broker until it has one. Every
fault of a file is an `UplinkError` that names the file and what to do.
"""

from __future__ import annotations

import ssl
import stat
from typing import TYPE_CHECKING, Any

import structlog

from agent.errors import UplinkError
from agent.uplink.tuning import tune

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config import Tls

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h; Python's ssl has no name for it."""


class _Socket(ssl.SSLSocket):
    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in the base class
        if isinstance(self.context, ClientContext) and self.context.handshake_s is not None:
            self.settimeout(self.context.handshake_s)
        super().do_handshake(block)


class ClientContext(ssl.SSLContext):
    """A context that remembers the socket it wrapped last.

    paho makes the socket and does the handshake inside one call. Only with this can a handshake that hangs be cut
    short from outside, and the socket of one that failed be closed.
    """

    wrapped: ssl.SSLSocket | None = None
    handshake_s: float | None = None
    """Bound of the handshake in seconds; None leaves paho's, which is the one of TCP."""

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Wrap as the base class does, and remember; tuned before its handshake, which is lost as easily as a call."""
        self.wrapped = super().wrap_socket(*args, **kwargs)
        tune(self.wrapped)
        return self.wrapped


def client_context(tls: Tls, *, check_time: bool, handshake_s: float | None = None) -> ClientContext:
    """Build the context; `check_time` False accepts expired and not yet valid certificates. Raises `UplinkError`."""
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = _Socket
    context.handshake_s = handshake_s
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not check_time:
        context.verify_flags |= _NO_CHECK_TIME
    _must_be_readable(tls.ca, "tls.ca")
    try:
        context.load_verify_locations(cafile=tls.ca)
    except (ssl.SSLError, OSError) as error:
        raise UplinkError(
            f"tls.ca {tls.ca} holds no certificate in PEM form ({error}); copy the broker's CA again"
        ) from error
    if tls.certificate is not None and tls.key is not None:
        _load_identity(context, tls.certificate, tls.key)
    return context


def _load_identity(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    _must_be_readable(certificate, "tls.certificate")
    _must_be_readable(key, "tls.key")
    if stat.S_IMODE(key.stat().st_mode) & 0o007:
        # No reason to keep a call in the house, but a technician should see it.
        structlog.get_logger().warning("private_key_open_to_others", key=str(key), should_be="0600")
    try:
        context.load_cert_chain(certificate, key, password=lambda: _no_passphrase(key))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise UplinkError(
                f"tls.key {key} does not belong to tls.certificate {certificate}; provision the unit again"
            ) from error
        raise UplinkError(
            f"tls.certificate {certificate} or tls.key {key} is not in PEM form ({error}); provision the unit again"
        ) from error


def _no_passphrase(key: Path) -> str:
    # Without this OpenSSL would ask for it on the terminal, and wait.
    raise UplinkError(f"tls.key {key} is locked with a passphrase; store it without one, readable for nodkald only")


def _must_be_readable(path: Path, name: str) -> None:
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise UplinkError(f"{name} {path} does not exist; provision the unit, or correct the path") from error
    except PermissionError as error:
        raise UplinkError(
            f"{name} {path} can't be read by this user; give it to the user that runs nodkald, mode 0600"
        ) from error
    except OSError as error:
        raise UplinkError(f"{name} {path} can't be read ({error.strerror}); provision the unit again") from error
