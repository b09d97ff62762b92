"""A certificate is made once, kept, and made anew only where it must be."""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path

import pytest

from board_app.commands import halving
from board_app.service.halves import User
from board_app.web import certificate
from board_app.web.certificate import CertificateError

openssl = pytest.mark.skipif(
    subprocess.run(["which", "openssl"], capture_output=True, check=False).returncode != 0,
    reason="openssl is not installed",
)


def described(path: Path, what: str) -> str:
    command = ["openssl", "x509", "-in", path, "-noout", what]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@openssl
def test_made_once_and_kept(tmp_path: Path) -> None:
    where = tmp_path / "kept"
    made = certificate.find(["192.168.2.99", "board.example"], where)
    names = described(made.certificate, "-text")
    for name in ("IP Address:192.168.2.99", "IP Address:127.0.0.1", "DNS:board.example"):
        assert name in names
    assert made.key.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in where.iterdir()) == ["certificate.pem", "key.pem"]
    printed = subprocess.run(
        ["openssl", "x509", "-in", made.certificate, "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert printed.strip().endswith(made.fingerprint)
    assert isinstance(made.context(), ssl.SSLContext)
    again = certificate.find(["192.168.2.99"], where)
    assert again.fingerprint == made.fingerprint


@openssl
def test_made_anew_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate, "_DAYS", 20)
    first = certificate.find([], tmp_path).fingerprint
    monkeypatch.undo()
    second = certificate.find([], tmp_path).fingerprint
    assert second != first
    assert certificate.find([], tmp_path).fingerprint == second


@openssl
def test_a_half_written_one_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / certificate.CERTIFICATE).write_text("-----BEGIN CERTI")
    (tmp_path / certificate.KEY).write_text("")
    certificate.find([], tmp_path).context()


@openssl
def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    made = certificate.find([], tmp_path)
    made.key.write_text("no key")
    with pytest.raises(CertificateError, match="remove that folder"):
        made.context()


def test_without_openssl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CertificateError, match="not installed"):
        certificate.find([], tmp_path / "kept")


def test_nowhere_to_keep_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CertificateError, match="cannot keep a certificate"):
        certificate.find([], tmp_path / "file" / "kept")


def test_a_page_of_another_user_keeps_it_where_no_home_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "_DATA", tmp_path / "lib")
    uid = 65534 if os.geteuid() == 0 else os.getuid()
    environment = halving._data(User("page", uid, os.getgid(), ()))
    monkeypatch.setenv("XDG_DATA_HOME", environment["XDG_DATA_HOME"])
    found = certificate.folder().stat()
    assert (found.st_uid, found.st_mode & 0o777) == (uid, 0o700)
    assert certificate.folder().parent.stat().st_mode & 0o055 == 0o055
