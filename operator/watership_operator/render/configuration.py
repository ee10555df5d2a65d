"""The files of conf.d, which a broker reads in the order of their names: the operator's, the default user's, the
user's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import msgspec
from jinja2 import Environment, StrictUndefined

from watership.config import Setting, parse
from watership_operator.kinds import Resource

from .credentials import Credentials

ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
TLS_FOLDER = "/etc/watership/tls"
DEFINITIONS_FOLDER = "/etc/watership/definitions"
CA_FOLDER = "/etc/watership/ca"


@dataclass(frozen=True)
class Ports:
    """Where a broker listens. host "": every interface."""

    host: str = ""
    amqp: int = 5672
    amqps: int = 5671
    management: int = 15672
    management_tls: int = 15671
    prometheus: int = 15692


def template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text()


def configuration(cluster: Resource, login: Credentials, ports: Ports | None = None) -> dict[str, str]:
    """File names to texts."""
    tls = cluster.spec.tls
    served = tls is not msgspec.UNSET
    defaults = ENVIRONMENT.from_string(template("defaults.conf.j2")).render(
        name=cluster.name,
        ports=ports or Ports(),
        tls=served,
        mutual=served and tls.ca_secret_name is not msgspec.UNSET,
        plain=not (served and tls.disable_non_tls_listeners),
        tls_folder=TLS_FOLDER,
        ca_folder=CA_FOLDER,
        definitions="" if cluster.spec.definitions is msgspec.UNSET else f"{DEFINITIONS_FOLDER}/definitions.json",
        follow=not (ports and ports.host),
    )
    user = ENVIRONMENT.from_string(template("default_user.conf.j2")).render(login=login)
    return {"10-defaults.conf": defaults, "11-default_user.conf": user, "90-user.conf": cluster.spec.lines}


def settings_of(texts: Iterable[str]) -> dict[str, Setting]:
    """Key to setting; the later wins. Raises ConfigError."""
    return {setting.key: setting for text in texts for setting in parse(text)}


def restart_digest(files: Mapping[str, str], texts: Sequence[str]) -> str:
    """Of what a running broker cannot take: it is another when pods have to start again. Raises ConfigError."""
    lines = [f"{key}={s.value!r}" for key, s in settings_of([*files.values(), *texts]).items() if not s.row.reloadable]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
