"""Keys for what a new vhost is given: users, limits, operator policies. model/vhost_defaults.py holds what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from watership.model.vhost_defaults import DefaultLimits, DefaultPolicy, DefaultUser, VhostDefaults

from .key import Key
from .values import choice, integer, listing, milliseconds, pattern, text

if TYPE_CHECKING:
    from .parser import Setting

WHOLE = integer(0)
OVERFLOWS = ("drop-head", "reject-publish", "reject-publish-dlx")
TARGETS = ("all", "queues", "classic_queues", "quorum_queues", "streams")
USER, LIMITS, POLICY = "default_users.$id", "default_limits.vhosts.$id", "default_policies.operator.$id"
KEYS: tuple[Key, ...] = (
    Key(f"{USER}.vhost_pattern", pattern, doc="the vhosts that get this user"),
    Key(f"{USER}.tags", listing, doc="its tags, separated by commas"),
    Key(f"{USER}.password", text, doc="its password; a user that is there keeps its own"),
    *(Key(f"{USER}.{right}", pattern, doc="what it may do there") for right in ("configure", "write", "read")),
    Key(f"{LIMITS}.pattern", pattern, doc="the vhosts that get these limits"),
    Key(f"{LIMITS}.max_connections", integer(-1), doc="connections; -1 for any number"),
    Key(f"{LIMITS}.max_queues", integer(-1), doc="queues; -1 for any number"),
    Key(f"{POLICY}.vhost_pattern", pattern, doc="the vhosts that get this operator policy"),
    Key(f"{POLICY}.queue_pattern", pattern, doc="the queues that it is for"),
    Key(f"{POLICY}.apply_to", choice(*TARGETS), doc="and their kind"),
    *(Key(f"{POLICY}.{name}", milliseconds, doc="a time") for name in ("expires", "message_ttl")),
    *(Key(f"{POLICY}.{name}", WHOLE, doc="a number") for name in ("max_length", "max_length_bytes", "delivery_limit")),
    *(
        Key(f"{POLICY}.{name}", WHOLE, doc="accepted, without effect", effect=False)
        for name in (
            "max_in_memory_bytes",
            "max_in_memory_length",
            "target_group_size",
            "classic_queues.queue_version",
            "classic_queues.ha_mode",
            "classic_queues.ha_params",
            "classic_queues.ha_sync_mode",
        )
    ),
    Key(f"{POLICY}.overflow", choice(*OVERFLOWS), doc="what happens at the limit"),
)


def of(families: Mapping[str, Mapping[str, Setting]]) -> VhostDefaults:
    """The rows of defaults.py, put together by their ids."""

    def collected(prefix: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, family in families.items():
            if name.startswith(f"{prefix}."):
                for setting in family.values():
                    found.setdefault(setting.words[0], {})[name[len(prefix) + 1 :]] = setting.value
        return found

    users, limits, policies = (collected(prefix) for prefix in (USER, LIMITS, POLICY))
    return VhostDefaults(
        tuple(user_of(name, about) for name, about in users.items()),
        tuple(limits_of(about) for about in limits.values()),
        tuple(policy_of(name, about) for name, about in policies.items()),
    )


def user_of(name: str, about: dict[str, Any]) -> DefaultUser:
    rights = (about.get(right, ".*") for right in ("configure", "write", "read"))
    return DefaultUser(about.get("vhost_pattern", ".*"), name, about.get("password"), about.get("tags", ()), *rights)


def limits_of(about: dict[str, Any]) -> DefaultLimits:
    given = {n.replace("_", "-"): about[n] for n in ("max_connections", "max_queues") if n in about}
    return DefaultLimits(about.get("pattern", ".*"), given)


def policy_of(name: str, about: dict[str, Any]) -> DefaultPolicy:
    rules = ("expires", "message_ttl", "max_length", "max_length_bytes", "delivery_limit", "overflow")
    definition = {rule.replace("_", "-"): about[rule] for rule in rules if rule in about}
    queues, kind = about.get("queue_pattern", ".*"), about.get("apply_to", "queues")
    return DefaultPolicy(about.get("vhost_pattern", ".*"), name, queues, kind, definition)
