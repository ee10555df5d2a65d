"""Definitions that are imported at every start: from a file, from all files of a folder as one, or over HTTP.

An empty broker gets the default vhost only if there is none in them, the default user likewise. With
`definitions.skip_if_unchanged` what was imported last is not imported again; what was deleted since then stays deleted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from watership.broker import Broker
from watership.config import Config, ConfigError
from watership.model.commands import SetParameter

from .api import AdminError
from .definitions import DIGEST, imported

log = logging.getLogger("watership.definitions")
TIMEOUT = 30  # seconds


def load(broker: Broker, source: str) -> None:
    """source: a path, or the address of a document. Raises ConfigError with a sentence."""
    document = fetched(source, broker.config) if source.startswith(("http://", "https://")) else read(Path(source))
    digest = digest_of(document, broker.config["definitions.hashing.algorithm"])
    if broker.config["definitions.skip_if_unchanged"] and broker.metadata.parameters.get(DIGEST) == digest:
        log.info("the definitions in %s were imported before", source)
        return
    if broker.fresh and not document.get("vhosts"):
        document["vhosts"] = [{"name": broker.config["default_vhost"], "description": "Default virtual host"}]
    try:
        imported(broker, "", document)
    except AdminError as error:
        raise ConfigError(f"load_definitions: {source}: {error.reason}") from None
    if broker.fresh and not broker.metadata.users:
        broker.put_default_user()
    broker.apply(SetParameter(DIGEST, digest))


def digest_of(document: dict[str, Any], algorithm: str) -> str:
    """Of what it says, however it is written."""
    name = {"sha": "sha1"}.get(algorithm, algorithm)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"{name}:{hashlib.new(name, text.encode(), usedforsecurity=False).hexdigest()}"


def read(path: Path) -> dict[str, Any]:
    """A file of definitions; of a folder, the sections of its files one after another, in the order of their names."""
    if path.is_dir():
        merged: dict[str, Any] = {}
        for document in (read(file) for file in sorted(path.glob("*.json"))):
            for section, value in document.items():
                whole = isinstance(value, list) and isinstance(merged.get(section, []), list)
                merged[section] = [*merged.get(section, []), *value] if whole else value
        return merged
    try:
        return parsed(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"load_definitions: {path} cannot be read: {error.strerror}") from None


def fetched(address: str, config: Config) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT, context=trust(config)) as answer:  # noqa: S310
            return parsed(answer.read(), address)
    except (urllib.error.URLError, OSError) as error:
        raise ConfigError(f"definitions.https.url: {address} cannot be had: {error}") from None


def trust(config: Config) -> ssl.SSLContext:
    """Whom to trust, and who we are. Raises OSError."""
    prefix = "definitions.tls"
    context = ssl.create_default_context(cafile=config[f"{prefix}.cacertfile"])
    if config[f"{prefix}.verify"] == "verify_none":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if config[f"{prefix}.certfile"]:
        context.load_cert_chain(config[f"{prefix}.certfile"], config[f"{prefix}.keyfile"], config[f"{prefix}.password"])
    return context


def parsed(text: bytes, source: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"load_definitions: {source} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"load_definitions: {source} does not hold a JSON object")
    return document
