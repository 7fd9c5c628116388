"""TLS as kubectl checks it: whom to trust, what to show, what is no reason to refuse."""

from __future__ import annotations

import os
import re
import ssl
from typing import TYPE_CHECKING

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from kubectl_oom.read.credentials import Credential
    from kubectl_oom.read.target import Server


_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def context_for(server: Server, credential: Credential) -> ssl.SSLContext:
    """What a TLS connection to this server starts from; OomError where a certificate or key cannot be used."""
    if server.insecure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif server.ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Only the certificates themselves have to be ASCII; a bundle's comments may hold anything.
        _trust(context, server.ca.decode("ascii", "ignore"))
    else:
        context = trusting_the_system()
    # As Go does: any certificate in the bundle is an anchor, only a subjectAltName names a server, and an old
    # authority without today's extensions is still one (Python 3.13 would refuse it).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if credential.certificate:
        _show_certificate(context, credential)
    return context


def _trust(context: ssl.SSLContext, bundle: str) -> None:
    """Loads the authorities of a bundle; as in Go one that cannot be parsed does not keep the others out."""
    try:
        context.load_verify_locations(cadata=bundle)
    except (ssl.SSLError, ValueError) as error:
        if not [one for one in _CERTIFICATE.findall(bundle) if _is_loaded(context, one)]:
            message = "error: unable to load root certificates: unable to parse bytes as PEM block"
            raise OomError(message, "Check certificate-authority in the kubeconfig") from error


def _is_loaded(context: ssl.SSLContext, certificate: str) -> bool:
    try:
        context.load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError):
        return False
    return True


def trusting_the_system() -> ssl.SSLContext:
    """What a TLS connection starts from that trusts the authorities of this system."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    usual = ssl.get_default_verify_paths()
    if not (usual.cafile or usual.capath or context.cert_store_stats()["x509_ca"]):
        # A frozen build carries an OpenSSL whose usual places do not exist on this machine.
        import certifi  # noqa: PLC0415

        context.load_verify_locations(certifi.where())
    return context


def _show_certificate(context: ssl.SSLContext, credential: Credential) -> None:
    """Loads the client's certificate and key, which the ssl module takes from files only."""
    import tempfile  # noqa: PLC0415 - 5 ms, only for who shows a certificate

    descriptor, name = tempfile.mkstemp(prefix="kubectl-oom-")  # readable by this user alone
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(credential.certificate + b"\n" + credential.key)
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(name, password="")
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        why = "private key does not match public key" if mismatch else "failed to find any PEM data in the input"
        hint = "Check client-certificate and client-key of the user in the kubeconfig"
        raise OomError(f"error: tls: {why}", hint) from error
    finally:
        os.unlink(name)  # noqa: PTH108 - mkstemp gave a str
