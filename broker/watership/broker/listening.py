"""What all listeners share: TLS contexts, and the sentence about an address that cannot be had."""

from __future__ import annotations

import errno
import ssl

from watership.config import Address, Tls

from . import certificates

VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}


class ListenError(Exception):
    """A sentence about an address that cannot be listened on, or a certificate that cannot be used."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """A server's context. Raises ListenError naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls.versions:
        versions = sorted(VERSIONS[v] for v in tls.versions)
        context.minimum_version, context.maximum_version = versions[0], versions[-1]
    try:
        if tls.ciphers:
            context.set_ciphers(":".join(tls.ciphers))
        if tls.dhfile:
            context.load_dh_params(tls.dhfile)
    except ssl.SSLError as error:
        raise ListenError(f"OpenSSL takes none of these ciphers, or not {tls.dhfile}: {error}") from None
    if tls.verify_peer:
        context.verify_mode = ssl.CERT_REQUIRED if tls.fail_if_no_peer_cert else ssl.CERT_OPTIONAL
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not tls.server_preference:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if not tls.reuse_sessions:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    try:
        context.load_cert_chain(tls.certfile, tls.keyfile, tls.password)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the certificate {tls.certfile} with the key {tls.keyfile} cannot be used: {error}"
        ) from None
    if tls.verify_peer:
        try:
            context.load_verify_locations(tls.cacertfile)
        except (OSError, ssl.SSLError) as error:
            raise ListenError(f"the authorities in {tls.cacertfile} cannot be used: {error}") from None
    return context


class Served:
    """The certificate of one or more listeners, as its files are. A new one counts for handshakes from then on, its
    authorities too; connections stay as they are. Raises ListenError."""

    def __init__(self, tls: Tls) -> None:
        self.tls = tls
        self.load()
        # What listens keeps its context for good, so that one hands each handshake on to the latest.
        self.context = tls_context(tls)
        self.context.sni_callback = self.latest

    def load(self) -> None:
        """Raises ListenError, and then the one before is served further."""
        current = tls_context(self.tls)
        self.certificate = certificates.in_file(self.tls.certfile)
        self.current = current

    def latest(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self.current


def busy(what: str, address: Address, error: OSError) -> ListenError:
    """The sentence about an address that is taken or not ours."""
    if error.errno == errno.EADDRINUSE:
        advice = f"stop what listens there (`ss -ltnp 'sport = :{address.port}'` names it), or choose another port"
        return ListenError(f"{what} cannot listen on {address}: the port is taken; {advice} in the configuration")
    return ListenError(f"{what} cannot listen on {address}: {error.strerror}")
