"""The certificate that the demo shows over HTTPS: made at the first start, and kept.

It is signed by itself, so browsers warn of it once; whoever compares its fingerprint with the one
that the board tells knows that nobody is in between.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import socket
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence

FOLDER = "resnet8-demo"
CERTIFICATE, KEY = "certificate.pem", "key.pem"
_DAYS = 825  # browsers take no longer ones
_LEFT = 30 * 86400  # seconds; with less it is made anew
_SECONDS = 60  # for openssl, on a slow processor


class CertificateError(OSError):
    """There is no certificate for HTTPS; the message says why and what to do."""


@dataclass(frozen=True)
class Certificate:
    """The certificate's and its key's files, PEM."""

    certificate: Path
    key: Path

    @property
    def fingerprint(self) -> str:
        """Its SHA-256 as browsers show it: AB:CD:..."""
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        digest = hashlib.sha256(der).hexdigest().upper()
        return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))

    def context(self) -> ssl.SSLContext:
        """What a server needs to show it; CertificateError where the files are damaged."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(
                f"the certificate in {self.certificate.parent} cannot be used ({error}): remove "
                "that folder, and the next start makes another"
            ) from error
        return context


def folder() -> Path:
    """Where it is kept."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / FOLDER


def find(addresses: Sequence[str], where: Path) -> Certificate:
    """The certificate in the folder `where`; made, for these addresses, where none is or it ends.

    Raises CertificateError where openssl is missing or fails.
    """
    found = Certificate(where / CERTIFICATE, where / KEY)
    if not (found.key.is_file() and found.certificate.is_file() and _lasts(found.certificate)):
        _make(found, addresses)
    return found


def _lasts(certificate: Path) -> bool:
    return _openssl("x509", "-in", str(certificate), "-noout", "-checkend", str(_LEFT)) == 0


def _make(made: Certificate, addresses: Sequence[str]) -> None:
    try:
        made.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=made.key.parent) as scratch:
            certificate, key = Path(scratch) / CERTIFICATE, Path(scratch) / KEY
            status = _openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", str(_DAYS), "-subj", f"/CN={socket.gethostname()[:64]}",
                "-addext", f"subjectAltName={','.join(_names(addresses))}",
                "-keyout", str(key), "-out", str(certificate),
            )  # fmt: skip
            if status != 0:
                raise CertificateError(f"openssl made no certificate (exit status {status})")
            key.chmod(0o600)
            # The key first: a certificate without its key would count as whole.
            key.replace(made.key)
            certificate.replace(made.certificate)
    except CertificateError:
        raise
    except OSError as error:
        raise CertificateError(f"cannot keep a certificate: {error}") from error


def _names(addresses: Sequence[str]) -> List[str]:
    host = socket.gethostname()
    names = [f"DNS:{name}" for name in ("localhost", host, f"{host}.local")]
    for address in dict.fromkeys(["127.0.0.1", *addresses]):
        try:
            names.append(f"IP:{ipaddress.ip_address(address)}")
        except ValueError:
            names.append(f"DNS:{address}")
    return names


def _openssl(*arguments: str) -> int:
    try:
        return subprocess.run(
            ["openssl", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False,
        ).returncode  # fmt: skip
    except FileNotFoundError:
        raise CertificateError(
            "HTTPS needs the program openssl, which makes the certificate: it is not installed"
        ) from None
    except subprocess.TimeoutExpired:
        raise CertificateError("openssl takes too long to make a certificate") from None
