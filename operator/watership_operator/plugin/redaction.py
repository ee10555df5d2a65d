"""What must not leave with a support bundle: whatever stands in a Secret, and whatever looks like a password."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "<redacted>"
SHORTEST = 4  # letters; a shorter secret would blot out ordinary words
KEYS = re.compile(r"(pass(word|wd|phrase)?|secret|token|cookie|private.?key|hash)$", re.IGNORECASE)
LINES = re.compile(r"(?im)^(\s*[\w.\"-]*(?:pass|passphrase|password|secret|token|cookie)[\w.\"]*\s*[=:]\s*)\S.*$")
URIS = re.compile(r"(\w+://[^\s:/@]+:)[^\s@/]+@")


class Redaction:
    """known: every value that stands in a Secret."""

    def __init__(self, known: Iterable[str]) -> None:
        values = {v.strip() for v in known}
        self.known = sorted((v for v in values if len(v) >= SHORTEST), key=len, reverse=True)

    def text(self, text: str) -> str:
        for value in self.known:
            text = text.replace(value, HIDDEN)
        return LINES.sub(rf"\1{HIDDEN}", URIS.sub(rf"\1{HIDDEN}@", text))

    def value(self, value: Any) -> Any:
        """JSON, with what its keys call a password hidden, and every text redacted."""
        if isinstance(value, Mapping):
            return {
                k: HIDDEN if KEYS.search(str(k)) and isinstance(v, str) else self.value(v) for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.value(v) for v in value]
        return self.text(value) if isinstance(value, str) else value


def secret_without_values(secret: Mapping[str, Any]) -> dict[str, Any]:
    """The names of its keys and the length of each value."""
    sizes = {key: f"{HIDDEN} ({len(value)} octets of base64)" for key, value in (secret.get("data") or {}).items()}
    metadata = {k: v for k, v in secret["metadata"].items() if k not in ("managedFields", "annotations")}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret.get("type"), "data": sizes}
