"""The files of conf.d, which a broker reads in the order of their names: the operator's, the default user's, the
user's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, StrictUndefined

from watership.config import Config, parse
from watership_operator.kinds import Resource
from watership_operator.kinds.cluster_parts import Listeners

from .credentials import Credentials
from .head import ports

ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
TLS_FOLDER = "/etc/watership/tls"
DEFINITIONS_FOLDER = "/etc/watership/definitions"
CA_FOLDER = "/etc/watership/ca"
DEFAULTS = Config.of(())


def template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text()


def configuration(cluster: Resource, login: Credentials, *, host: str = "", port_offset: int = 0) -> dict[str, str]:
    """File names to texts. host: where to listen; "": on every interface, as a pod does. port_offset is added to each
    port of spec.listeners."""
    tls = cluster.spec.tls
    served = tls is not msgspec.UNSET
    defaults = ENVIRONMENT.from_string(template("defaults.conf.j2")).render(
        name=cluster.name,
        host=host,
        ports={name: getattr(cluster.spec.listeners, name) + port_offset for name in Listeners.__struct_fields__},
        tls=served,
        mutual=served and tls.ca_secret_name is not msgspec.UNSET,
        plain=not (served and tls.disable_non_tls_listeners),
        tls_folder=TLS_FOLDER,
        ca_folder=CA_FOLDER,
        definitions="" if cluster.spec.definitions is msgspec.UNSET else f"{DEFINITIONS_FOLDER}/definitions.json",
        follow=not host,
    )
    user = ENVIRONMENT.from_string(template("default_user.conf.j2")).render(login=login)
    return {"10-defaults.conf": defaults, "11-default_user.conf": user, "90-user.conf": cluster.spec.lines}


def lasting(texts: Iterable[str]) -> dict[str, Any]:
    """What a running broker cannot take, by key; a family such as auth_mechanisms.$n by its name, with all values.
    What says no more than the default is left out, so that neither writing a default down nor another version's
    default restarts anything. The later text wins. Raises ConfigError."""
    values: dict[str, Any] = {}
    families: dict[str, dict[str, Any]] = {}
    for setting in (s for text in texts for s in parse(text) if s.row.effect and not s.row.reloadable):
        if setting.words:
            families.setdefault(setting.row.name.partition(".$")[0], {})[setting.key] = setting.value
        else:
            values[setting.key] = None if setting.value == setting.row.default else setting.value
    for family, found in families.items():
        listed = tuple(sorted(found.items()))
        mechanisms = family == "auth_mechanisms" and tuple(v for _, v in listed) == DEFAULTS.mechanisms
        values[family] = None if mechanisms else listed
    return {key: value for key, value in values.items() if value is not None}


def unserved(cluster: Resource, texts: Sequence[str]) -> list[int]:
    """Ports that the Service offers and the broker does not listen on, because configuration says so. texts: see
    in_order. Raises ConfigError, also for settings that contradict each other."""
    files = configuration(cluster, Credentials("", ""))
    config = Config.of(s for text in in_order(files, texts) for s in parse(text))
    listens = {
        a.port for a in (*config.tcp, *config.ssl, config.management, config.management_ssl, config.prometheus) if a
    }
    return [number for _, number, _ in ports(cluster) if number not in listens]


def in_order(files: Mapping[str, str], texts: Sequence[str]) -> list[str]:
    """The texts as a broker reads them. texts: of spec.configurationFrom."""
    ordered = {**files, **{f"{50 + at}": text for at, text in enumerate(texts)}}
    return [text for _, text in sorted(ordered.items())]


def restart_digest(files: Mapping[str, str], texts: Sequence[str]) -> str:
    """It is another when pods have to start again. Raises ConfigError."""
    found = lasting(in_order(files, texts))
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]
