"""Certificates made on the fly with openssl: an authority, a server on 127.0.0.1, and a client for any user.

`tests/support/control_plane.py` calls it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

DAYS = "2"
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
SERVER_NAMES = "IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, both PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; its files are in one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the authority's own certificate."""
        folder.mkdir(parents=True)
        self._folder = folder
        self.own = self._pair("authority")
        _openssl(
            "req", "-x509", "-nodes", *CURVE, "-days", DAYS, "-subj", "/CN=migaga-test-authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            "-keyout", str(self.own.key), "-out", str(self.own.certificate),
        )  # fmt: skip

    def server(self) -> Pair:
        """Make the certificate of a server on 127.0.0.1."""
        return self._sign("server", "/CN=kubernetes", f"subjectAltName={SERVER_NAMES}", "extendedKeyUsage=serverAuth")

    def client(self, user: str, groups: tuple[str, ...] = ()) -> Pair:
        """Make the certificate by which the API server knows a user and its groups."""
        subject = "".join(f"/O={group}" for group in groups) + f"/CN={user}"
        return self._sign("client-" + user.replace(":", "-"), subject, "extendedKeyUsage=clientAuth")

    def key_pair(self, name: str) -> Pair:
        """Make an RSA key and its public part, for signing tokens."""
        pair = Pair(self._folder / f"{name}.pub", self._folder / f"{name}.key")
        _openssl("genrsa", "-out", str(pair.key), "2048")
        _openssl("rsa", "-in", str(pair.key), "-pubout", "-out", str(pair.certificate))
        return pair

    def _sign(self, name: str, subject: str, *extensions: str) -> Pair:
        pair = self._pair(name)
        further = [word for extension in extensions for word in ("-addext", extension)]
        _openssl(
            "req", "-x509", "-nodes", *CURVE, "-days", DAYS, "-subj", subject, *further,
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature",
            "-CA", str(self.own.certificate), "-CAkey", str(self.own.key),
            "-keyout", str(pair.key), "-out", str(pair.certificate),
        )  # fmt: skip
        return pair

    def _pair(self, name: str) -> Pair:
        return Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}"
