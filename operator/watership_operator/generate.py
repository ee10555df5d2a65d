"""Writes crds/ and the chart's copies: `python -m watership_operator.generate [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from .kinds import SPECS, awaited
from .kinds.crd import definition

ROOT = Path(__file__).parents[2]
HEAD = "# Generated from operator/watership_operator/kinds by `make generate`: do not edit.\n"
KEEP = "  annotations:\n    helm.sh/resource-policy: keep\n"


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    found = {}
    for manifest in [*(definition(spec) for spec in SPECS.values()), *awaited.definitions()]:
        name = f"{manifest['metadata']['name']}.yaml"
        text = yaml.safe_dump(manifest, sort_keys=False, width=110, allow_unicode=True)
        found[ROOT / "crds" / name] = HEAD + text
        # The chart's copy stays when the release goes: with it would go every object of the kind.
        body = text.replace("metadata:\n", "metadata:\n" + KEEP, 1)
        found[ROOT / "charts" / "watership" / "templates" / "crds" / name] = (
            HEAD + "{{- if .Values.crds.install }}\n" + body + "{{- end }}\n"
        )
    return found


def main() -> None:
    stale = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        if stale:
            names = ", ".join(str(p.relative_to(ROOT)) for p in stale)
            sys.exit(f"stale: {names}; run `make generate`")
        return
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
