"""Users and their password hashes: base64(salt of 4 octets, hash(salt, utf8 password)), as RabbitMQ stores and
exports them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

ALGORITHMS = {
    "rabbit_password_hashing_sha256": "sha256",
    "rabbit_password_hashing_sha512": "sha512",
    "rabbit_password_hashing_md5": "md5",
}
DEFAULT_ALGORITHM = "rabbit_password_hashing_sha256"
SALT_BYTES = 4


@dataclass(frozen=True)
class User:
    """password_hash "": no password opens it."""

    name: str
    password_hash: str = ""
    hashing_algorithm: str = DEFAULT_ALGORITHM
    tags: tuple[str, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)


def hash_password(password: str, salt: bytes, algorithm: str = DEFAULT_ALGORITHM) -> str:
    """The stored form of a password. salt: 4 random octets."""
    digest = hashlib.new(ALGORITHMS[algorithm], salt + password.encode(), usedforsecurity=False).digest()
    return base64.b64encode(salt + digest).decode()


def verify(user: User, password: str) -> bool:
    """Whether the password is the user's; a blank one never is, as in RabbitMQ. Each wrong one takes the same time."""
    if not password:
        return False
    try:
        stored = base64.b64decode(user.password_hash, validate=True)
    except (binascii.Error, ValueError):
        stored = b""
    algorithm = user.hashing_algorithm if user.hashing_algorithm in ALGORITHMS else DEFAULT_ALGORITHM
    expected = hash_password(password, stored[:SALT_BYTES], algorithm)
    return hmac.compare_digest(expected.encode(), user.password_hash.encode()) and len(stored) > SALT_BYTES


def password_fault(password: str, validator: str, *, min_length: int, regexp: str) -> str | None:
    """What a credential validator says against a new password (RabbitMQ's rabbit_credential_validator_*)."""
    if validator.endswith("min_password_length") and len(password) < min_length:
        return f"minimum required password length: {min_length}"
    if validator.endswith("password_regexp") and not re.search(regexp, password):
        return "provided password does not match the validator regular expression"
    return None


def parse_tags(tags: object) -> tuple[str, ...]:
    """Tags as definitions carry them: a list, or a string with commas."""
    items = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, (list, tuple)) else []
    return tuple(tag for tag in (str(item).strip() for item in items) if tag)
