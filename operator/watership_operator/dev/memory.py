"""What `watership dev` remembers between runs, in one file beside the broker's data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from watership_operator.kinds import SPECS, InvalidResource, Resource
from watership_operator.kinds.resource import read as typed

Secrets = dict[tuple[str, str], dict[str, str]]


class Memory:
    """declared: objects that may be in the broker, by key. secrets: those that were made here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.declared: dict[tuple[str, str, str], Resource] = {}
        self.secrets: Secrets = {}
        if path.exists():
            self.load(json.loads(path.read_text()))

    def load(self, fields: dict[str, Any]) -> None:
        for item in fields["declared"]:
            try:
                resource = typed(item["kind"], SPECS[item["kind"]], item)
            except InvalidResource:
                continue  # written by another version; it is made again from its file
            self.declared[resource.key] = resource
        for item in fields["secrets"]:
            self.secrets[item["namespace"], item["name"]] = item["data"]

    def save(self) -> None:
        declared = [
            {
                "kind": r.kind,
                "metadata": {"namespace": r.namespace, "name": r.name, "uid": r.uid},
                "spec": msgspec.to_builtins(r.spec),
            }
            for r in self.declared.values()
        ]
        secrets = [{"namespace": ns, "name": n, "data": data} for (ns, n), data in self.secrets.items()]
        text = json.dumps({"declared": declared, "secrets": secrets}, indent=1)
        if self.path.exists() and self.path.read_text() == text:
            return
        temporary = self.path.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text(text)
        temporary.replace(self.path)
