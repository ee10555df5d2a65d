"""Policies, operator policies and the runtime parameters that they are kept as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watership.admin import view
from watership.admin.api import AdminError, Json
from watership.broker.metadata import LIMITS, OPERATOR_POLICY, POLICY
from watership.model import limits
from watership.model.commands import SetParameter
from watership.model.policies import Policy, fault

from .base import Verbs, bad, missing

FIXED_OPERATOR_POLICIES = "management.restrictions.operator_policy_changes.disabled"


class PolicyVerbs(Verbs):
    async def list_policies(self) -> list[Json]:
        return [item for vhost in self.visible() for item in self.policies(vhost.name, POLICY)]

    async def list_vhost_policies(self, vhost: str) -> list[Json]:
        return self.policies(self.vhost(vhost).name, POLICY)

    async def get_policy(self, vhost: str, policy: str) -> Json:
        return self.policy(vhost, POLICY, policy)

    async def put_policy(self, vhost: str, policy: str, body: Json) -> bool:
        return await self.write(vhost, POLICY, policy, body)

    async def delete_policy(self, vhost: str, policy: str) -> None:
        await self.take_away(vhost, POLICY, policy)

    async def list_operator_policies(self) -> list[Json]:
        return [item for vhost in self.visible() for item in self.policies(vhost.name, OPERATOR_POLICY)]

    async def list_vhost_operator_policies(self, vhost: str) -> list[Json]:
        return self.policies(self.vhost(vhost).name, OPERATOR_POLICY)

    async def get_operator_policy(self, vhost: str, policy: str) -> Json:
        return self.policy(vhost, OPERATOR_POLICY, policy)

    async def put_operator_policy(self, vhost: str, policy: str, body: Json) -> bool:
        self.may_change_operator_policies()
        return await self.write(vhost, OPERATOR_POLICY, policy, body)

    async def delete_operator_policy(self, vhost: str, policy: str) -> None:
        self.may_change_operator_policies()
        await self.take_away(vhost, OPERATOR_POLICY, policy)

    def may_change_operator_policies(self) -> None:
        """Raises AdminError 405 where the configuration has fixed them."""
        if self.broker.config[FIXED_OPERATOR_POLICIES]:
            raise AdminError(
                405, "method_not_allowed", f"operator policies are fixed: {FIXED_OPERATOR_POLICIES} is true"
            )

    def policies(self, vhost: str, component: str) -> list[Json]:
        return [view.policy(p) for p in self.broker.metadata.policies(vhost, operator=component == OPERATOR_POLICY)]

    def policy(self, vhost: str, component: str, name: str) -> Json:
        """Raises AdminError 404."""
        self.vhost(vhost)
        found = [item for item in self.policies(vhost, component) if item["name"] == name]
        if not found:
            raise missing()
        return found[0]

    async def write(self, vhost: str, component: str, name: str, body: Json) -> bool:
        """True when it is new. Raises AdminError."""
        self.target(vhost)
        for field in ("pattern", "definition"):
            if field not in body:
                raise bad(f"[{{key_missing,{field}}}]")
        value = policy_value(body)
        check_policy(vhost, name, value, operator=component == OPERATOR_POLICY)
        new = (vhost, component, name) not in self.broker.metadata.vhost_parameters
        self.broker.set_parameter(vhost, component, name, value)
        await self.broker.durable()
        return new

    async def take_away(self, vhost: str, component: str, name: str) -> None:
        self.vhost(vhost)
        if (vhost, component, name) not in self.broker.metadata.vhost_parameters:
            raise missing()
        self.broker.set_parameter(vhost, component, name, None)
        await self.broker.durable()

    # Runtime parameters of vhosts; policies have routes of their own and are not shown among them

    async def list_parameters(self) -> list[Json]:
        return self.parameters(lambda _vhost, component: component != POLICY)

    async def list_component_parameters(self, component: str) -> list[Json]:
        return self.parameters(lambda _vhost, what: what == component)

    async def list_vhost_parameters(self, component: str, vhost: str) -> list[Json]:
        self.vhost(vhost)
        return self.parameters(lambda where, what: (where, what) == (vhost, component))

    def parameters(self, wanted: Any) -> list[Json]:
        names = {v.name for v in self.visible()}
        return [
            view.parameter(vhost, component, name, value)
            for (vhost, component, name), value in self.broker.metadata.vhost_parameters.items()
            if vhost in names and wanted(vhost, component)
        ]

    async def get_parameter(self, component: str, vhost: str, name: str) -> Json:
        self.vhost(vhost)
        value = self.broker.metadata.vhost_parameters.get((vhost, component, name))
        if value is None:
            raise missing()
        return view.parameter(vhost, component, name, value)

    async def put_parameter(self, component: str, vhost: str, name: str, body: Json) -> bool:
        self.target(vhost)
        value = parameter_value(body)
        check_parameter(vhost, component, name, value)
        new = (vhost, component, name) not in self.broker.metadata.vhost_parameters
        self.broker.set_parameter(vhost, component, name, value)
        await self.broker.durable()
        return new

    async def delete_parameter(self, component: str, vhost: str, name: str) -> None:
        await self.take_away(vhost, component, name)

    # Parameters of the cluster

    async def list_global_parameters(self) -> list[Json]:
        return [{"name": n, "value": v} for n, v in self.broker.metadata.parameters.items()]

    async def get_global_parameter(self, name: str) -> Json:
        if name not in self.broker.metadata.parameters:
            raise missing()
        return {"name": name, "value": self.broker.metadata.parameters[name]}

    async def put_global_parameter(self, name: str, body: Json) -> bool:
        new = name not in self.broker.metadata.parameters
        self.broker.apply(SetParameter(name, parameter_value(body)))
        await self.broker.durable()
        return new

    async def delete_global_parameter(self, name: str) -> None:
        await self.get_global_parameter(name)
        self.broker.apply(SetParameter(name, None))
        await self.broker.durable()


def policy_value(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a policy's body."""
    return {
        "pattern": body["pattern"],
        "definition": body["definition"],
        "priority": body.get("priority", 0),
        "apply-to": body.get("apply-to", "all"),
    }


def check_policy(vhost: str, name: str, value: dict[str, Any], *, operator: bool) -> None:
    """Raises AdminError 400."""
    policy = Policy(vhost, name, value["pattern"], value["definition"], value["priority"], value["apply-to"])
    if problem := fault(policy, operator=operator):
        raise invalid(problem)


def check_parameter(vhost: str, component: str, name: str, value: Any) -> None:
    """Raises AdminError 400 for a component that is not there, or a value that it does not take."""
    if component == LIMITS and isinstance(value, dict):
        if problem := limits.fault(value, limits.VHOST_LIMITS, "limits"):
            raise invalid(problem)
        return
    if component in (POLICY, OPERATOR_POLICY) and isinstance(value, dict) and {"pattern", "definition"} <= set(value):
        check_policy(vhost, name, policy_value(value), operator=component == OPERATOR_POLICY)
        return
    raise invalid(f"component {component} not found")


def parameter_value(body: Json) -> Any:
    if "value" not in body:
        raise bad("[{key_missing,value}]")
    return body["value"]


def invalid(problem: str) -> AdminError:
    return bad(f"Validation failed\n\n{problem}\n")
