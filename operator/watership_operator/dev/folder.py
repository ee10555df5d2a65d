"""YAML files of a folder to objects."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from watership_operator.kinds import InvalidResource, Resource, parse
from watership_operator.kinds.resource import API_VERSION

SUFFIXES = {".yaml", ".yml"}


@dataclass
class Contents:
    """resources in the order of their files. problems: a sentence each. secrets: decoded, by (namespace, name)."""

    resources: list[Resource] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    secrets: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)


def fingerprint(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Changes when a file does."""
    stats = ((path, path.stat()) for path in sources(folder))
    return tuple((path.name, stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def sources(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file())


def read(folder: Path) -> Contents:
    contents = Contents()
    for path in sources(folder):
        for number, document in enumerate(documents(path, contents), 1):
            try:
                take(document, contents, path)
            except InvalidResource as error:
                contents.problems.append(f"{path.name}, document {number}: {error}")
    return contents


def documents(path: Path, contents: Contents) -> Iterator[Mapping[str, Any]]:
    try:
        loaded = [d for d in yaml.safe_load_all(path.read_text()) if d is not None]
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        contents.problems.append(f"{path.name}: {' '.join(str(error).split())}")
        return
    for document in loaded:
        if isinstance(document, dict):
            yield document
        else:
            contents.problems.append(f"{path.name}: expected objects, found {type(document).__name__}")


def take(document: Mapping[str, Any], contents: Contents, path: Path) -> None:
    if document.get("apiVersion") == "v1" and document.get("kind") == "Secret":
        metadata = document.get("metadata") or {}
        encoded = document.get("data") or {}
        data = {k: base64.b64decode(v).decode() for k, v in encoded.items()} | dict(document.get("stringData") or {})
        contents.secrets[metadata.get("namespace", "default"), str(metadata.get("name"))] = data
    elif document.get("apiVersion") == API_VERSION:
        resource = parse(document)
        if any(r.key == resource.key for r in contents.resources):
            raise InvalidResource(f"{resource} is there already, in another document")
        contents.resources.append(resource)
    elif str(document.get("apiVersion", "")).startswith(API_VERSION.partition("/")[0]):
        parse(document)
    else:
        kind = document.get("kind", "an object without kind")
        contents.problems.append(f"{path.name}: {kind} is left out: only Kubernetes knows what it is")
