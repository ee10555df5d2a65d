"""One pass over one key: observe, plan, carry out, write what differs. Returns how the key stands."""

from __future__ import annotations

import asyncio
import logging
import secrets as randomness
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from watership.admin.api import AdminError, Unreachable

from .cache import Cache, Key
from .engine import Standing
from .execution import all_waiting, ask_broker, carry_out
from .issuing import Issuer
from .kinds import TOPOLOGY, Resource
from .kinds.resource import API_VERSION
from .kube import Kube, KubeError
from .kube.events import event
from .links import Address, Links, address_of_cluster, address_of_secret, decoded
from .logs import about
from .observation import Observer
from .plan import Plan, Step, Verdict, admission, cluster, conditions, deletion, topology, users
from .plan.deletion import Reach
from .plan.step import DRIFTED, Row

log = logging.getLogger("watership.operator")
FINALIZER = "watership.dev/topology"
FEW = 8  # Secrets of one namespace that are read one by one
PORTION = 1000  # new objects that one pass takes
GRACE = 10.0  # seconds without the broker before ready objects say so: its restart is no news for ten thousand objects
AT_ONCE = 32  # writes to the API server side by side


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token() -> str:
    return randomness.token_urlsafe(24)


class Reconciler:
    def __init__(self, kube: Kube, cache: Cache, links: Links, *, image: str, patience: float) -> None:
        self.kube = kube
        self.cache = cache
        self.links = links
        self.image = image
        self.patience = patience
        self.observer = Observer(kube)
        self.issuer = Issuer()
        self.unreachable: dict[Key, float] = {}  # since when, by the loop's clock
        self.slots = asyncio.Semaphore(AT_ONCE)

    async def work(self, key: Key) -> Standing:
        if key.work == "cluster":
            return await self.cluster(key)
        return await self.topology(key)

    # A BrokerCluster

    async def cluster(self, key: Key) -> Standing:
        resource = self.cache.cluster(key.namespace, key.name)
        if resource is None or resource.deleting:
            return Standing.SETTLED  # its children go with it, by their owner references
        seen = await self.observer.look(resource)
        chance = cluster.Chance(datetime.now(UTC), token, self.issuer)
        plan = cluster.plan(resource, seen, image=self.image, chance=chance)
        outcome = await carry_out(plan, self.do)
        for step in outcome.done:
            if step.event:
                await self.tell(resource, step.event, step.sentence, warning=False)
        verdict = outcome.verdicts[resource.key]
        further = cluster.further_conditions(resource, verdict, seen, now=chance.now)
        if warned := conditions.warned(resource, verdict, further):
            await self.tell(resource, warned[1], warned[2], warning=True)
        await self.report(resource, verdict, further)
        late = further.get("CertificateValid", ("True",))[0] != "True"
        return Standing.SETTLED if (verdict.ready and not late) or verdict.stalled else Standing.FAILING

    # The objects of one broker

    async def topology(self, key: Key) -> Standing:
        objects = self.cache.topology(key)
        if not objects:
            return Standing.SETTLED
        objects = await self.admitted(key, objects)
        reach, address = await self.reach(key)
        if address is None or reach.state != "reachable":
            return await self.without_broker(objects, reach)
        client = await self.links.client(key, address)
        try:
            snapshot = await client.snapshot()
        except (Unreachable, AdminError) as error:
            return await self.without_broker(objects, self.unreached(key, error))
        self.unreachable.pop(key, None)
        kept, verdicts = self.deletions(objects, reach)
        kept, more = portion(kept)
        await self.add_finalizers(r for r in kept if not r.deleting)
        kept = [self.cache.resources.get(r.key, r) for r in kept]
        plan = topology.plan(kept, snapshot, secrets=await self.user_secrets(kept), token=token)
        await self.tell_drift(plan)
        outcome = await carry_out(plan, lambda step: self.do_step(step, client))
        if outcome.unreachable:
            return await self.without_broker(objects, self.unreached(key, Unreachable(outcome.unreachable)))
        drifted = {step.owner: step.sentence for step in outcome.done if step.drift}
        standing = await self.conclude(objects, {**verdicts, **outcome.verdicts}, drifted)
        return Standing.UNFINISHED if more else standing

    async def admitted(self, key: Key, objects: list[Resource]) -> list[Resource]:
        """Without those of namespaces that the broker's owner does not let in; they are told so."""
        refused = {n for n in {r.namespace for r in objects} - {key.namespace} if not await self.lets_in(key, n)}
        strangers = [r for r in objects if r.namespace in refused]
        await self.conclude(strangers, {r.key: admission.refusal(r, key.owner) for r in strangers}, {})
        return [r for r in objects if r.namespace not in refused]

    async def lets_in(self, key: Key, namespace: str) -> bool:
        """Whether the BrokerCluster or Secret of a key lets another namespace in; what is not there refuses nobody."""
        if key.reference == "secret":
            secret = await self.kube.get("v1", "Secret", key.namespace, key.name)
            return secret is None or admission.annotated(secret["metadata"].get("annotations") or {}, namespace)
        resource = self.cache.cluster(key.namespace, key.name)
        if resource is None:
            return True
        labels: Mapping[str, str] = {}
        if resource.spec.topology_namespaces.selects:
            found = await self.kube.get("v1", "Namespace", "", namespace) or {"metadata": {}}
            labels = found["metadata"].get("labels", {})
        return admission.accepts(resource, namespace, labels)

    def deletions(self, objects: list[Resource], reach: Reach) -> tuple[list[Resource], dict[Any, Verdict]]:
        """Objects for the planner, and verdicts about those whose deletion needs no broker."""
        verdicts = {r.key: deletion.verdict(r, reach, patience=self.patience) for r in objects if r.deleting}
        decided = {key: verdict for key, verdict in verdicts.items() if verdict is not None}
        return [r for r in objects if r.key not in decided], decided

    async def tell_drift(self, plan: Plan) -> None:
        """Ready is False from when drift is seen until it is repaired."""
        found = {step.owner: Verdict(False, DRIFTED, step.sentence) for step in plan.steps if step.drift}
        drifted = ((self.cache.resources.get(key), verdict) for key, verdict in found.items())
        await asyncio.gather(*(self.bounded(self.report(r, verdict, {})) for r, verdict in drifted if r is not None))

    async def without_broker(self, objects: list[Resource], reach: Reach) -> Standing:
        kept, verdicts = self.deletions(objects, reach)
        told = (r.key for r in kept if not (reach.state == "unreachable" and reach.since < GRACE and r.settled))
        verdicts |= all_waiting(told, "Waiting", reach.sentence)
        await self.conclude(objects, verdicts, {})
        if reach.state in ("gone", "hibernated") and not any(r.deleting for r in kept):
            return Standing.SETTLED
        return Standing.AWAY if reach.state == "unreachable" else Standing.FAILING

    def unreached(self, key: Key, error: Exception) -> Reach:
        now = asyncio.get_running_loop().time()
        since = self.unreachable.setdefault(key, now)
        reason = f"the broker refuses the operator: {error}" if isinstance(error, AdminError) else str(error)
        return Reach("unreachable", f"waits for the broker: {reason}", now - since)

    async def reach(self, key: Key) -> tuple[Reach, Address | None]:
        """How it stands with the broker of a key. What is not in the cache is asked for before it is called gone."""
        if key.reference == "secret":
            return await self.reach_by_secret(key)
        what = f"BrokerCluster {key.namespace}/{key.name}"
        resource = self.cache.cluster(key.namespace, key.name)
        if resource is None:
            found = await self.kube.get(API_VERSION, "BrokerCluster", key.namespace, key.name)
            if found is None:
                return Reach("gone", f"waits for {what} to exist"), None
            return self.pending(key, f"waits for {what} to be read"), None
        if resource.deleting:
            return Reach("gone", f"{what} is being deleted"), None
        if resource.spec.replicas == 0:
            return Reach("hibernated", f"{what} hibernates (replicas is 0)"), None
        secret = await self.kube.get("v1", "Secret", key.namespace, f"{key.name}-default-user")
        if secret is None:
            state = "unreachable" if resource.status.get("binding") is None else "no credentials"
            sentence = f"waits for Secret {key.namespace}/{key.name}-default-user of {what}"
            return Reach(state, sentence), None  # type: ignore[arg-type]
        return Reach("reachable"), address_of_cluster(resource, decoded(secret), await self.authority(resource))

    def pending(self, key: Key, sentence: str) -> Reach:
        now = asyncio.get_running_loop().time()
        return Reach("unreachable", sentence, now - self.unreachable.setdefault(key, now))

    async def reach_by_secret(self, key: Key) -> tuple[Reach, Address | None]:
        what = f"Secret {key.namespace}/{key.name}"
        secret = await self.kube.get("v1", "Secret", key.namespace, key.name)
        if secret is None:
            return Reach("no credentials", f"waits for {what} to exist"), None
        data = decoded(secret)
        missing = [k for k in ("uri", "username", "password") if k not in data]
        if missing:
            return Reach("no credentials", f"waits for {what} to have the keys {', '.join(missing)}"), None
        return Reach("reachable"), address_of_secret(data)

    async def authority(self, resource: Resource) -> str:
        """The CA that signed the cluster's certificate, where its Secret carries it."""
        names = cluster.secrets_of(resource)[1:2]
        if not names:
            return ""
        secret = await self.kube.get("v1", "Secret", resource.namespace, names[0])
        return decoded(secret or {}).get("ca.crt", "")

    async def user_secrets(self, objects: Iterable[Resource]) -> dict[tuple[str, str], dict[str, str]]:
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for resource in objects:
            if resource.kind == "User":
                wanted[resource.namespace] |= users.secrets_of(resource)
        found = {}
        for namespace, names in wanted.items():
            async for name, data in self.secrets(namespace, names):
                found[namespace, name] = data
        return found

    async def secrets(self, namespace: str, names: set[str]) -> AsyncIterator[tuple[str, dict[str, str]]]:
        """One by one where there are few; many are read as one list."""
        if len(names) > FEW:
            async for secret in self.kube.items("v1", "Secret", namespace):
                if secret["metadata"]["name"] in names:
                    yield secret["metadata"]["name"], decoded(secret)
            return
        for name in names:
            one = await self.kube.get("v1", "Secret", namespace, name)
            if one is not None:
                yield name, decoded(one)

    # Writing

    async def do(self, step: Step) -> None:
        if step.verb == "delete":
            await self.kube.delete(step.manifest)
            return
        try:
            await self.kube.apply(step.manifest)
        except KubeError as error:
            if step.verb != "nudge" or error.status not in (404, 409, 422):  # that pod is gone
                raise

    async def do_step(self, step: Step, client: Any) -> None:
        if step.target == "kubernetes":
            await self.do(step)
        else:
            await ask_broker(client, step)

    async def conclude(
        self, objects: list[Resource], verdicts: Mapping[Any, Verdict], drifted: Mapping[Any, str]
    ) -> Standing:
        """Writes status where it differs, lets finalizers go; what has no verdict is left as it is. Settled when
        everything is ready or stalled."""
        jobs = []
        for resource in objects:
            if resource.key not in verdicts:
                continue
            newest = self.cache.resources.get(resource.key, resource)  # finalizers were added
            verdict = verdicts[resource.key]
            if version_of(newest) != version_of(resource):
                continue  # the verdict is about what was; the next pass, which is due already, is about what is
            resource = newest  # noqa: PLW2901
            if verdict.release:
                jobs.append(self.bounded(self.release(resource, verdict)))
            else:
                jobs.append(self.bounded(self.report(resource, verdict, {}, drifted.get(resource.key))))
        for result in await asyncio.gather(*jobs, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        settled = all(v.ready or v.stalled or v.release for v in verdicts.values())
        return Standing.SETTLED if settled else Standing.FAILING

    async def bounded(self, job: Any) -> None:
        async with self.slots:
            await job

    async def add_finalizers(self, resources: Iterable[Resource]) -> None:
        missing = [r for r in resources if FINALIZER not in r.finalizers]
        await asyncio.gather(*(self.bounded(self.add_finalizer(r)) for r in missing))

    async def add_finalizer(self, resource: Resource) -> None:
        """Before the broker is asked to make something, so that it is deleted there as well."""
        wanted = [*resource.finalizers, FINALIZER]
        test = {"op": "test", "path": "/metadata/uid", "value": resource.uid}
        add = {"op": "add", "path": "/metadata/finalizers", "value": wanted}
        self.note(resource, await self.kube.patch(manifest_of(resource), [test, add]))

    async def release(self, resource: Resource, verdict: Verdict) -> None:
        if verdict.sentence:
            log.info("%s", verdict.sentence, extra=about(resource.key))
            await self.tell(resource, verdict.reason, verdict.sentence, warning=False)
        left = [f for f in resource.finalizers if f != FINALIZER]
        if len(left) == len(resource.finalizers):
            return
        test = {"op": "test", "path": "/metadata/finalizers", "value": list(resource.finalizers)}
        replace = {"op": "replace", "path": "/metadata/finalizers", "value": left}
        self.note(resource, await self.kube.patch(manifest_of(resource), [test, replace]))

    async def report(
        self,
        resource: Resource,
        verdict: Verdict,
        more: Mapping[str, Row],
        drift: str | None = None,
    ) -> None:
        if drift is not None:
            await self.tell(resource, "DriftRepaired", drift, warning=True)
        wanted = conditions.status(resource, verdict, now=timestamp(), more=more)
        if not conditions.changed(resource, wanted):
            return
        if conditions.transition(resource, verdict):
            await self.tell(resource, verdict.reason, verdict.sentence, warning=not verdict.ready)
        try:
            self.note(resource, await self.kube.apply({**manifest_of(resource), "status": wanted}, status=True))
        except KubeError as error:
            if error.status != 404:
                raise

    async def tell(self, resource: Resource, reason: str, sentence: str, *, warning: bool) -> None:
        """An Event. One that cannot be written stops nothing."""
        made = event(
            resource,
            reason=reason,
            sentence=sentence,
            warning=warning,
            now=timestamp(),
            suffix=randomness.token_hex(8),
        )
        try:
            await self.kube.create(made)
        except KubeError as error:
            log.debug("no Event: %s", error, extra=about(resource.key))

    def note(self, resource: Resource, manifest: Mapping[str, Any] | None) -> None:
        """What we wrote is known at once, not only when the watch brings it."""
        if manifest is not None and resource.key in self.cache.resources:
            self.cache.put(manifest)


def portion(objects: list[Resource]) -> tuple[list[Resource], bool]:
    """The objects that a pass takes, and whether some are left for the next. A change of a known object does not wait
    for thousands of new ones."""
    new = [r for r in objects if FINALIZER not in r.finalizers and not r.deleting]
    if len(new) <= PORTION:
        return objects, False
    left = {r.key for r in sorted(new, key=lambda r: (TOPOLOGY.index(r.kind), r.age))[PORTION:]}
    return [r for r in objects if r.key not in left], True


def version_of(resource: Resource) -> tuple[str, int, str]:
    """What a verdict is about: another object, specification or deletion makes it void."""
    return resource.uid, resource.generation, resource.deleting


def manifest_of(resource: Resource) -> dict[str, Any]:
    metadata = {"namespace": resource.namespace, "name": resource.name}
    return {"apiVersion": API_VERSION, "kind": resource.kind, "metadata": metadata}
