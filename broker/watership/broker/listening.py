"""What all listeners share: TLS contexts, and the sentence about an address that cannot be had."""

from __future__ import annotations

import errno
import ssl

from watership.config import Address, Tls

VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}


class ListenError(Exception):
    """A sentence about an address that cannot be listened on, or a certificate that cannot be used."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """A server's context. Raises ListenError naming the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls.versions:
        versions = sorted(VERSIONS[v] for v in tls.versions)
        context.minimum_version, context.maximum_version = versions[0], versions[-1]
    if tls.ciphers:
        context.set_ciphers(":".join(tls.ciphers))
    if tls.verify_peer:
        context.verify_mode = ssl.CERT_REQUIRED if tls.fail_if_no_peer_cert else ssl.CERT_OPTIONAL
    fill(context, tls)
    return context


def fill(context: ssl.SSLContext, tls: Tls) -> None:
    """The files' certificate, key and authorities, for handshakes from now on; connections stay as they are.
    Authorities are added: one that is gone from the file is trusted until the next start. Raises ListenError."""
    try:
        # First into a context of its own: half a change must not reach the one that is in use.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certfile, tls.keyfile, tls.password)
        context.load_cert_chain(tls.certfile, tls.keyfile, tls.password)
    except (OSError, ssl.SSLError) as error:
        raise ListenError(
            f"the certificate {tls.certfile} with the key {tls.keyfile} cannot be used: {error}"
        ) from None
    if tls.verify_peer:
        try:
            context.load_verify_locations(tls.cacertfile)
        except (OSError, ssl.SSLError, TypeError) as error:
            raise ListenError(f"the authorities in {tls.cacertfile} cannot be used: {error}") from None


def busy(what: str, address: Address, error: OSError) -> ListenError:
    """The sentence about an address that is taken or not ours."""
    if error.errno == errno.EADDRINUSE:
        advice = f"stop what listens there (`ss -ltnp 'sport = :{address.port}'` names it), or choose another port"
        return ListenError(f"{what} cannot listen on {address}: the port is taken; {advice} in the configuration")
    return ListenError(f"{what} cannot listen on {address}: {error.strerror}")
