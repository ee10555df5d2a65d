"""Who gets in, and what a wrong password tells."""

from __future__ import annotations

import pytest

from watership.broker.access import Access, is_loopback
from watership.broker.attempts import Attempts
from watership.broker.metadata import Metadata
from watership.model import commands, users
from watership.model.errors import LoginRefused
from watership.model.users import ALGORITHMS, User, hash_password


@pytest.fixture
def access() -> Access:
    metadata = Metadata()
    for name in ("guest", "hazel"):
        metadata.apply(commands.PutUser(User(name, hash_password("right", b"salt"))))
    metadata.apply(commands.PutUser(User("nobody-can")))
    return Access(metadata, frozenset({"guest"}), Attempts(failures=100, seconds=30))


def let_in(access: Access, name: str, password: str | None, *, near: bool = True) -> bool:
    try:
        access.login(name, password, mechanism="PLAIN", from_loopback=near, source="10.0.0.1")
    except LoginRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("address", "near"),
    [
        *(("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("::ffff:127.0.0.1", True)),
        *(("10.0.0.1", False), ("::ffff:10.0.0.1", False), ("fe80::1", False), ("1127.0.0.1", False), ("", False)),
    ],
)
def test_what_is_this_machine(address: str, near: bool) -> None:
    assert is_loopback(address) is near


def test_guest_comes_from_this_machine_alone(access: Access) -> None:
    assert let_in(access, "guest", "right", near=True)
    assert not let_in(access, "guest", "right", near=False)
    assert not let_in(access, "guest", None, near=False), "not with a certificate either"
    assert let_in(access, "hazel", "right", near=False)


def test_a_certificate_needs_no_password_but_a_user(access: Access) -> None:
    assert let_in(access, "nobody-can", None)
    assert not let_in(access, "nobody-can", "")
    assert not let_in(access, "stranger", None)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_opens_with_its_own_password_alone(access: Access, algorithm: str) -> None:
    user = User("kept", hash_password("right", b"salt", algorithm), algorithm)
    access.metadata.apply(commands.PutUser(user))
    assert let_in(access, "kept", "right")
    assert not let_in(access, "kept", "Right")


@pytest.mark.parametrize("stored", ["", "!", "c2FsdA==", "c2FsdHNhbHQ="])
def test_a_broken_hash_opens_for_nobody(access: Access, stored: str) -> None:
    access.metadata.apply(commands.PutUser(User("broken", stored)))
    assert not any(let_in(access, "broken", password) for password in ("", "right", "salt"))


def test_whatever_is_wrong_costs_the_same_work(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash and one comparison that takes as long wherever the difference is: no clock tells who exists."""
    work: list[str] = []
    hashed, compared = users.hash_password, users.hmac.compare_digest

    def hash_it(*arguments: object) -> str:
        work.append("hash")
        return str(hashed(*arguments))  # type: ignore[arg-type]

    def compare(one: bytes, other: bytes) -> bool:
        work.append("compare")
        return bool(compared(one, other))

    monkeypatch.setattr(users, "hash_password", hash_it)
    monkeypatch.setattr(users.hmac, "compare_digest", compare)
    for name in ("hazel", "stranger", "nobody-can"):
        work.clear()
        assert not let_in(access, name, "wrong")
        assert work == ["hash", "compare"], name
