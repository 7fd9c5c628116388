"""Certificates made by openssl: an authority as today's tools make it, one of the old kind, one that is a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.pki import Certificate, new_key, openssl

if TYPE_CHECKING:
    from pathlib import Path

TODAY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
# As kubeadm and many hand-made authorities were for years: Go accepts it, Python 3.13 by itself does not.
OLD = "basicConstraints=CA:TRUE\n"
ISSUED = "keyUsage=digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"


class Authority:
    """A certificate authority with its files in a folder of its own."""

    def __init__(self, folder: Path, extensions: str = TODAY) -> None:
        self._folder = folder
        folder.mkdir()
        self.own = self._signed(folder.name, extensions, by=None, days=30)

    def issue(self, name: str, *, addresses: str = "", days: int = 30) -> Certificate:
        """A certificate for a user, or for a server with these `addresses`."""
        extensions = ISSUED + (f"subjectAltName={addresses}\n" if addresses else "")
        return self._signed(name, extensions, by=self.own, days=days)

    def _signed(self, name: str, extensions: str, *, by: Certificate | None, days: int) -> Certificate:
        made = Certificate(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        request, written = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        written.write_text(extensions)
        new_key(made.key)
        openssl("req", "-new", "-key", made.key, "-subj", f"/CN={name}", "-out", request)
        signer = ["-signkey", made.key] if by is None else ["-CA", by.cert, "-CAkey", by.key, "-CAcreateserial"]
        openssl("x509", "-req", "-in", request, *signer, "-days", days, "-extfile", written, "-out", made.cert)
        return made


class Pki:
    """What the tests of this folder show and trust."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder / "authority")
        old = Authority(folder / "old", OLD)
        addresses = "IP:127.0.0.1,DNS:api.test"
        self.ca, self.old_ca = self.authority.own.cert, old.own.cert
        self.other_ca = Authority(folder / "other").own.cert
        self.server = self.authority.issue("server", addresses=addresses)
        self.old_server = old.issue("server", addresses=addresses)
        self.expired = self.authority.issue("expired", addresses=addresses, days=-1)
        self.client = self.authority.issue("someone")
