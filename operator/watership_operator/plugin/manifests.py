"""Objects as YAML that kubectl reads back as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml


class Dumper(yaml.SafeDumper):
    """Quotes y and n too: kubectl's YAML takes them for true and false, PyYAML's does not."""


Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^[yYnN]$"), list("yYnN"))


def to_yaml(objects: Iterable[dict[str, Any]]) -> str:
    return str(yaml.dump_all(objects, Dumper=Dumper, sort_keys=False, allow_unicode=True))
