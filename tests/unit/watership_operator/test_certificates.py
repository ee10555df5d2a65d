"""The own authority over the years, and what is said of certificates."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from tests.unit.watership_operator.objects import resource

from watership_operator.issuing import Issuer
from watership_operator.plan import certificates

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Kept:
    """The Secrets that the steps write, and their annotations."""

    def __init__(self, **tls: object) -> None:
        self.cluster = resource("BrokerCluster", "c", tls=tls)
        self.secrets: dict[str, dict[str, str]] = {}
        self.notes: dict[str, str] = {}

    def go(self, now: dt.datetime) -> list[str]:
        steps, self.secrets = certificates.issued(self.cluster, self.secrets, self.notes, now=now, issuer=Issuer())
        for step in steps:
            if step.manifest["metadata"]["name"] == "c-ca":
                self.notes = step.manifest["metadata"].get("annotations", {})
        return [step.sentence for step in steps]

    @property
    def trusted(self) -> int:
        return self.secrets["c-tls"]["ca.crt"].count("BEGIN CERTIFICATE")

    def leaf(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.secrets["c-tls"]["tls.crt"].encode())

    def verified(self) -> bool:
        """Whether somebody who trusts ca.crt takes the certificate."""
        trusted = x509.load_pem_x509_certificates(self.secrets["c-tls"]["ca.crt"].encode())
        for authority in trusted:
            try:
                self.leaf().verify_directly_issued_by(authority)
            except Exception:
                continue
            return True
        return False

    def rotate(self, text: str) -> None:
        self.cluster = replace(self.cluster, annotations={"watership.dev/rotate-authority": text})


def test_certificate_is_issued_once_and_renewed_in_time():
    kept = Kept()
    assert kept.go(NOW) == [
        "keeps the cluster's own authority in Secret c-ca",
        "issues a certificate in Secret c-tls",
    ]
    assert kept.verified()
    first = kept.leaf().serial_number
    assert kept.go(NOW + 59 * DAY) == []
    assert [s.split(",")[0] for s in kept.go(NOW + 61 * DAY)] == ["renews the certificate"]
    assert kept.leaf().serial_number != first
    assert kept.verified()


def test_new_authority_is_trusted_first_and_used_later():
    kept = Kept(trustHours=24)
    kept.go(NOW)
    old = kept.leaf().serial_number
    kept.rotate("please")
    kept.go(NOW + DAY)
    assert (kept.trusted, kept.leaf().serial_number) == (2, old)
    assert kept.go(NOW + 1.5 * DAY) == [], "asked once, answered once"
    assert kept.go(NOW + 2 * DAY)[-1].startswith("issues a certificate from the new authority")
    assert kept.leaf().serial_number != old
    assert kept.trusted == 2, "who trusts the old one only now and then learns of the new one still"
    assert kept.verified()
    assert kept.go(NOW + 3 * DAY) == []


def test_authority_renews_itself_before_it_ends_and_the_old_one_leaves():
    kept = Kept()
    for days in range(0, 3900, 20):
        kept.go(NOW + days * DAY)
        assert kept.verified()
        assert kept.leaf().not_valid_after_utc > NOW + days * DAY
    assert kept.trusted == 1


def test_another_name_gets_another_certificate():
    kept = Kept()
    kept.go(NOW)
    kept.cluster = resource("BrokerCluster", "c", tls={"alternativeNames": ["mq.example.com"]})
    assert kept.go(NOW) == ["issues a certificate for other names in Secret c-tls"]


@pytest.mark.parametrize(
    ("days", "served", "expected"),
    [
        (100, "", ("True", "Valid")),
        (100, "other", ("False", "NotServed")),
        (20, "", ("False", "ExpiresSoon")),
        (-1, "", ("False", "Expired")),
    ],
)
def test_condition_speaks_21_days_ahead(days, served, expected):
    issuer = Issuer()
    start = NOW - 400 * DAY
    authority = issuer.authority("a", now=start, days=4000)
    pair = issuer.leaf(authority, ["c"], now=start, days=400 + days)
    cluster = resource("BrokerCluster", "c", tls={"secretName": "t"})
    secrets = {"t": {"tls.crt": pair.certificate, "tls.key": pair.key}}
    assert certificates.condition(cluster, secrets, served, now=NOW)[:2] == expected


def test_bad_secrets_are_said_in_words():
    issuer = Issuer()
    authority = issuer.authority("a", now=NOW, days=10)
    one, two = (issuer.leaf(authority, ["c"], now=NOW, days=1) for _ in range(2))
    cluster = resource("BrokerCluster", "c", tls={"secretName": "t"})
    for data, words in (
        ({"tls.crt": "x", "tls.key": one.key}, "its tls.crt is no certificate"),
        ({"tls.crt": one.certificate, "tls.key": "x"}, "its tls.key is no private key"),
        ({"tls.crt": one.certificate, "tls.key": two.key}, "its tls.key does not belong to its tls.crt"),
    ):
        assert words in (certificates.problem(cluster, {"t": data}) or "")
