"""Certificates: what a Secret holds, when it ends, and the cluster's own authority.

The authority's Secret NAME-ca has tls.crt and tls.key (it signs with these), ca.crt (all that clients should trust)
and, while its key is being replaced, next.crt and next.key. A new key is trusted first and used later: ca.crt carries
it for spec.tls.trustHours before anything is signed with it, and the one before stays in ca.crt until it ends.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from watership_operator.kinds import Resource
from watership_operator.kinds.resource import ROTATE_AUTHORITY
from watership_operator.render.head import head, tls_secret

from .step import Row, Step

WARN = dt.timedelta(days=21)
AUTHORITY_DAYS = 3650
ANSWERED = "watership.dev/rotated"  # on the authority's Secret: the last request that was answered
SINCE = "watership.dev/trusted-since"
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)
Secrets = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Pair:
    """PEM texts."""

    certificate: str
    key: str


class Issuer(Protocol):
    def authority(self, name: str, *, now: dt.datetime, days: int) -> Pair: ...
    def leaf(self, authority: Pair, names: Sequence[str], *, now: dt.datetime, days: int) -> Pair: ...


@dataclass(frozen=True)
class Certificate:
    """fingerprint: SHA-256 of the certificate, in hexadecimal."""

    fingerprint: str
    ends: dt.datetime
    names: tuple[str, ...]
    issuer_key: bytes | None

    @property
    def ends_text(self) -> str:
        return self.ends.strftime("%Y-%m-%dT%H:%M:%SZ")


def read(data: Mapping[str, str]) -> Certificate:
    """The first certificate of tls.crt. Raises ValueError with a sentence about tls.crt or tls.key."""
    try:
        made = x509.load_pem_x509_certificate(data["tls.crt"].encode())
    except ValueError:
        raise ValueError("its tls.crt is no certificate in PEM form") from None
    try:
        key = serialization.load_pem_private_key(data["tls.key"].encode(), None)
    except (ValueError, TypeError):
        raise ValueError("its tls.key is no private key in PEM form, without a password") from None
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != made.public_key().public_bytes(*form):
        raise ValueError("its tls.key does not belong to its tls.crt")
    return described(made)


def described(made: x509.Certificate) -> Certificate:
    try:
        names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        listed = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        listed = ()
    try:
        identifier = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        identifier = None
    return Certificate(made.fingerprint(hashes.SHA256()).hex(), made.not_valid_after_utc, listed, identifier)


def key_identifier(certificate: str) -> bytes:
    made = x509.load_pem_x509_certificate(certificate.encode())
    return x509.SubjectKeyIdentifier.from_public_key(made.public_key()).digest


def names_of(cluster: Resource) -> list[str]:
    """What clients may call the broker; the first is the common name."""
    service, nodes = f"{cluster.name}.{cluster.namespace}", f"*.{cluster.name}-nodes.{cluster.namespace}"
    found = [f"{service}.svc", service, cluster.name, f"{service}.svc.cluster.local"]
    found += [f"{nodes}.svc", f"{nodes}.svc.cluster.local", "localhost"]
    return [*found, *cluster.spec.tls.alternative_names]


def issued(
    cluster: Resource, secrets: Secrets, notes: Mapping[str, str], *, now: dt.datetime, issuer: Issuer
) -> tuple[list[Step], dict[str, dict[str, str]]]:
    """Steps that write the own authority's Secrets where they have to change, and the Secrets as they are then.
    notes: annotations of the authority's Secret."""
    authority, notes_now = authority_of(cluster, secrets.get(f"{cluster.name}-ca"), notes, now=now, issuer=issuer)
    steps = []
    if authority != secrets.get(f"{cluster.name}-ca") or any(notes.get(k) != v for k, v in notes_now.items()):
        steps.append(secret_step(cluster, "-ca", authority, notes_now, "keeps the cluster's own authority"))
    leaf = dict(secrets.get(f"{cluster.name}-tls", {}))
    if why := reissue(cluster, leaf, authority, now):
        pair = Pair(authority["tls.crt"], authority["tls.key"])
        made = issuer.leaf(pair, names_of(cluster), now=now, days=cluster.spec.tls.validity_days)
        leaf = {"tls.crt": made.certificate, "tls.key": made.key}
    wanted = {**leaf, "ca.crt": authority["ca.crt"]}
    if wanted != secrets.get(f"{cluster.name}-tls"):
        steps.append(secret_step(cluster, "-tls", wanted, {}, why or "gives clients the authorities to trust"))
    return steps, {f"{cluster.name}-ca": authority, f"{cluster.name}-tls": wanted}


def authority_of(
    cluster: Resource,
    kept: Mapping[str, str] | None,
    notes: Mapping[str, str],
    *,
    now: dt.datetime,
    issuer: Issuer,
) -> tuple[dict[str, str], dict[str, str]]:
    """The authority's Secret and its annotations as they should be now."""
    name, asked = f"{cluster.namespace}/{cluster.name} authority", cluster.annotations.get(ROTATE_AUTHORITY, "")
    if not kept or "tls.crt" not in kept or "tls.key" not in kept:
        made = issuer.authority(name, now=now, days=AUTHORITY_DAYS)
        return {"tls.crt": made.certificate, "tls.key": made.key, "ca.crt": made.certificate}, {ANSWERED: asked}
    data = {k: v for k, v in kept.items() if k in ("tls.crt", "tls.key", "ca.crt", "next.crt", "next.key")}
    noted = {ANSWERED: notes.get(ANSWERED, ""), **({SINCE: notes[SINCE]} if SINCE in notes else {})}
    ends = x509.load_pem_x509_certificate(data["tls.crt"].encode()).not_valid_after_utc
    due = asked != noted[ANSWERED] or ends - now < dt.timedelta(days=2 * cluster.spec.tls.validity_days)
    if due and "next.crt" not in data:
        made = issuer.authority(name, now=now, days=AUTHORITY_DAYS)
        data |= {"next.crt": made.certificate, "next.key": made.key, "ca.crt": made.certificate + data["ca.crt"]}
        noted = {ANSWERED: asked, SINCE: now.isoformat()}
    elif "next.crt" in data and now - since(noted, now) >= dt.timedelta(hours=cluster.spec.tls.trust_hours):
        data |= {"tls.crt": data.pop("next.crt"), "tls.key": data.pop("next.key")}
    data["ca.crt"] = "".join(
        text
        for text in PEM.findall(data.get("ca.crt", data["tls.crt"]))
        if x509.load_pem_x509_certificate(text.encode()).not_valid_after_utc > now
    )
    return data, noted


def since(noted: Mapping[str, str], now: dt.datetime) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(noted[SINCE])
    except (KeyError, ValueError):
        return now


def reissue(cluster: Resource, leaf: Mapping[str, str], authority: Mapping[str, str], now: dt.datetime) -> str | None:
    """Why a new certificate is due; None: it is not."""
    try:
        known = read(leaf)
    except (KeyError, ValueError):
        return "issues a certificate"
    if known.ends - now < dt.timedelta(days=cluster.spec.tls.renew_before_days):
        return f"renews the certificate, which ends at {known.ends_text}"
    if known.issuer_key != key_identifier(authority["tls.crt"]):
        return "issues a certificate from the new authority"
    if set(known.names) != set(names_of(cluster)):
        return "issues a certificate for other names"
    return None


def secret_step(cluster: Resource, suffix: str, data: Mapping[str, str], notes: dict[str, str], why: str) -> Step:
    made = head(cluster, "v1", "Secret", suffix, **({"annotations": notes} if notes else {}))
    kind = "kubernetes.io/tls"  # tls.crt and tls.key are there in both
    manifest = {**made, "type": kind, "stringData": dict(data)}
    event = "" if why.startswith("keeps") else "CertificateIssued"
    sentence = f"{why} in Secret {cluster.name}{suffix}"
    return Step("kubernetes", "apply", cluster.key, sentence, manifest=manifest, event=event)


def problem(cluster: Resource, secrets: Secrets) -> str | None:
    """What is missing or wrong in the Secrets that spec.tls names."""
    tls = cluster.spec.tls
    needed = [] if tls.own else [(tls.secret_name, key) for key in ("tls.crt", "tls.key")]
    if tls.ca_secret_name is not msgspec.UNSET:
        needed.append((tls.ca_secret_name, "ca.crt"))
    for name, key in needed:
        data = secrets.get(name)
        if data is None:
            return f"waits for Secret {cluster.namespace}/{name}, named in spec.tls"
        if key not in data:
            return f"Secret {cluster.namespace}/{name}, named in spec.tls, lacks the key {key}"
    try:
        if not tls.own:
            read(secrets[tls.secret_name])
    except ValueError as error:
        return f"Secret {cluster.namespace}/{tls.secret_name}, named in spec.tls, cannot be used: {error}"
    return None


def facts(cluster: Resource, secrets: Secrets, served: str) -> dict[str, Any]:
    """status.tls; served: the fingerprint that the broker shows, "" while it cannot be asked."""
    found = read(secrets[tls_secret(cluster)])
    shown = {"servedFingerprint": served} if served else {}
    name = tls_secret(cluster)
    return {"secretName": name, "fingerprint": found.fingerprint, "notAfter": found.ends_text, **shown}


def condition(cluster: Resource, secrets: Secrets, served: str, *, now: dt.datetime) -> Row:
    """CertificateValid: whether the certificate lasts another 21 days, and is the one that is served."""
    try:
        found = read(secrets[tls_secret(cluster)])
    except (KeyError, ValueError):
        return ("False", "TLSError", problem(cluster, secrets) or "waits for the certificate to be issued")
    left, name = found.ends - now, f"Secret {tls_secret(cluster)}"
    if left <= dt.timedelta(0):
        return ("False", "Expired", f"the certificate in {name} ended at {found.ends_text}; renew it")
    # One's own is renewed in time by the operator; a short-lived one is not called late all its life.
    if left < WARN and not cluster.spec.tls.own:
        return ("False", "ExpiresSoon", f"the certificate in {name} ends at {found.ends_text}, in {left.days} days")
    if served and served != found.fingerprint:
        return ("False", "NotServed", f"the broker serves another certificate than {name} holds; it takes it soon")
    state = "is served" if served else "is not looked at while the broker cannot be reached"
    return ("True", "Valid", f"the certificate in {name} lasts until {found.ends_text} and {state}")
