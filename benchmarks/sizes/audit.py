"""What the operator asked of the API server: counted by the server, not by the operator."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

USER = "watership-operator"
POLICY = f"""\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - {{level: Metadata, users: [{USER}]}}
  - {{level: None}}
"""
READS = ("get", "list", "watch")


class Audit:
    """Reads on from where it was."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = path.stat().st_size if path.exists() else 0

    def counts(self) -> Counter[str]:
        """Requests since the last call, such as {"patch queues/status": 1000}. Ends of watches are left out."""
        found: Counter[str] = Counter()
        with self.path.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self.offset += len(line)
                found[name_of(json.loads(line))] += 1
        found.pop("", None)
        return found


def name_of(entry: dict[str, object]) -> str:
    target = entry.get("objectRef")
    if entry["verb"] == "watch" or not isinstance(target, dict):
        return ""
    sub = f"/{target['subresource']}" if "subresource" in target else ""
    return f"{entry['verb']} {target['resource']}{sub}"


def writes(counts: Counter[str]) -> Counter[str]:
    """Without reads, and without the Lease, which costs the same whatever there is to do."""
    return Counter({n: c for n, c in counts.items() if n.split()[0] not in READS and not n.endswith(" leases")})
