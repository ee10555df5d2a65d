"""The loop of `watership dev`: read the folder, keep the broker running, plan, carry out, show."""

from __future__ import annotations

import asyncio
import secrets as randomness
import signal
import sys
from dataclasses import replace
from pathlib import Path

from watership.admin.api import Unreachable
from watership.admin.client import Client
from watership.config import ConfigError
from watership_operator.execution import all_waiting, ask_broker, carry_out
from watership_operator.kinds import Resource
from watership_operator.plan import Step, Verdict, admission, topology
from watership_operator.plan.step import CREATED, FAILED, Key
from watership_operator.render import configuration, credentials

from . import folder as files
from .display import Display
from .memory import Memory
from .process import BrokerProcess

TICK = 0.3  # seconds between looks at the folder
RESYNC = 10  # ticks between looks at the broker when nothing changed


class Failure(Exception):
    """A sentence; the command ends with status 1."""


def main(folder: Path, data: Path, *, port_offset: int = 0, once: bool = False) -> int:
    """Runs until SIGINT or SIGTERM; with once, until everything is ready. Returns the exit status."""
    if not folder.is_dir():
        print(f"watership: {folder} is not a folder", file=sys.stderr)
        return 1
    data.mkdir(parents=True, exist_ok=True)
    with Display(str(folder)) as display:
        try:
            return asyncio.run(Session(folder, data, display, port_offset).run(once=once))
        except Failure as failure:
            display.say(f"watership: {failure}")
            return 1


class Session:
    def __init__(self, folder: Path, data: Path, display: Display, port_offset: int) -> None:
        self.folder = folder
        self.display = display
        self.port_offset = port_offset
        self.memory = Memory(data / "dev.json")
        self.broker = BrokerProcess(data)
        self.client: Client | None = None
        self.seen: object = None
        self.contents = files.Contents()
        self.verdicts: dict[Key, Verdict] = {}
        self.where = ""

    async def run(self, *, once: bool) -> int:
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        ticks = 0
        try:
            while not stop.is_set():
                changed = self.look()
                unfinished = any(not v.ready for v in self.verdicts.values()) or not self.broker.running
                if changed or unfinished or ticks % RESYNC == 0:
                    await self.reconcile()
                    self.display.show(self.verdicts, self.contents.problems, self.where)
                if once and not self.contents.problems and all(v.ready for v in self.verdicts.values()):
                    return 0
                ticks += 1
                try:
                    await asyncio.wait_for(stop.wait(), TICK)
                except TimeoutError:
                    continue
        finally:
            await self.forget_client()
            await self.broker.stop()
        return 0

    def look(self) -> bool:
        """Reads the folder when it changed."""
        print_ = files.fingerprint(self.folder)
        if print_ == self.seen:
            return False
        self.seen = print_
        self.contents = files.read(self.folder)
        return True

    # One round

    async def reconcile(self) -> None:
        cluster = self.cluster()
        objects = [r for r in self.contents.resources if r.kind != "BrokerCluster"]
        if cluster is None:
            self.verdicts = all_waiting((r.key for r in objects), "Waiting", "waits for a BrokerCluster in the folder")
            await self.broker.stop()
            return
        self.verdicts = {cluster.key: await self.keep_running(cluster)}
        if not self.verdicts[cluster.key].ready:
            sentence = f"waits for {cluster}: {self.verdicts[cluster.key].sentence}"
            self.verdicts |= all_waiting((r.key for r in objects), "Waiting", sentence)
            return
        try:
            self.verdicts |= await self.declare(objects)
        except Unreachable as error:
            self.verdicts |= all_waiting((r.key for r in objects), "Waiting", str(error))

    def cluster(self) -> Resource | None:
        clusters = [r for r in self.contents.resources if r.kind == "BrokerCluster"]
        for extra in clusters[1:]:
            problem = f"{extra}: one folder runs one broker; only {clusters[0]} does"
            if problem not in self.contents.problems:
                self.contents.problems.append(problem)
        return clusters[0] if clusters else None

    async def keep_running(self, cluster: Resource) -> Verdict:
        """The broker process, as the BrokerCluster says."""
        try:
            login = credentials(cluster, lambda: self.password(cluster), username="guest")
            changed = self.broker.write(configuration(cluster, login, host="127.0.0.1", port_offset=self.port_offset))
            config = self.broker.load()
        except ConfigError as error:
            return Verdict(False, "InvalidConfiguration", str(error), stalled=True)
        if cluster.spec.replicas != 1:
            await self.broker.stop()
            if cluster.spec.replicas:
                return Verdict(False, "UnsupportedOperation", "spec.replicas is 1, or 0 to hibernate", stalled=True)
            return Verdict(False, "Hibernated", "hibernates: replicas is 0")
        if self.broker.running and changed:
            self.display.say("the configuration changed: the broker starts again")
            await self.broker.stop()
        if not self.broker.running:
            await self.started_before()
            await self.broker.start()
        await self.forget_client()
        self.client = Client(f"http://{config.management}", login.username, login.password, timeout=10)
        self.where = ", ".join(f"amqp://{address}" for address in config.tcp)
        return await self.answering()

    async def started_before(self) -> None:
        """The broker has ended: says why, gives up when it never ran."""
        if self.broker.starts == 0:
            return
        words = self.broker.last_words()
        if self.where == "" or "cannot listen" in words:
            raise Failure(words or f"the broker ends at once; see {self.broker.log}")
        self.display.say("the broker ended; it starts again")

    async def answering(self) -> Verdict:
        """Waits a little for a broker that has just been started."""
        assert self.client is not None
        for _ in range(100):
            try:
                await self.client.whoami()
            except Unreachable:
                if not self.broker.running:
                    return Verdict(False, "NotReady", f"waits for the broker: {self.broker.last_words()}")
                await asyncio.sleep(0.1)
            else:
                return Verdict(True, CREATED, f"the broker runs as process {self.broker.pid}, {self.where}")
        return Verdict(False, "NotReady", "waits for the broker to answer")

    async def forget_client(self) -> None:
        if self.client is not None:
            await self.client.close()
            self.client = None

    def password(self, cluster: Resource) -> str:
        """The default user's, where the configuration names none: made up once."""
        key = (cluster.namespace, f"{cluster.name}-default-user")
        data = self.memory.secrets.setdefault(key, {"username": "guest", "password": randomness.token_urlsafe(24)})
        self.memory.save()
        return data["password"]

    # Topology

    async def declare(self, objects: list[Resource]) -> dict[Key, Verdict]:
        """Raises Unreachable."""
        assert self.client is not None
        refused = self.refused(objects)
        objects = [self.memory.declared[r.key] if r.key in refused else r for r in objects]
        known = {r.key: self.aged(r, at) for at, r in enumerate(objects)}
        gone = [replace(r, deleting="now") for key, r in self.memory.declared.items() if key not in known]
        plan = topology.plan(
            [*known.values(), *gone],
            await self.client.snapshot(),
            secrets={**self.memory.secrets, **self.contents.secrets},
            token=lambda: randomness.token_urlsafe(24),
        )
        outcome = await carry_out(plan, self.do)
        for step in outcome.done:
            if step.drift or step.verb.startswith("delete_"):
                self.display.say(f"{step.owner[0]} {step.owner[2]}: {step.sentence}")
        released = {key for key, verdict in outcome.verdicts.items() if verdict.release}
        remembered = {**self.memory.declared, **known}
        self.memory.declared = {key: r for key, r in remembered.items() if key not in released}
        self.memory.save()
        return {key: outcome.verdicts[key] for key in known} | refused

    def refused(self, objects: list[Resource]) -> dict[Key, Verdict]:
        """Objects whose change an API server would refuse: what they were before stays declared."""
        changes = ((r, self.memory.declared[r.key]) for r in objects if r.key in self.memory.declared)
        sentences = ((new.key, admission.changed(old.spec, new.spec)) for new, old in changes)
        return {key: Verdict(False, FAILED, sentence, stalled=True) for key, sentence in sentences if sentence}

    def aged(self, resource: Resource, at: int) -> Resource:
        """The order of the files stands for age; the last verdict for status."""
        last = self.verdicts.get(resource.key)
        same = self.memory.declared.get(resource.key, resource).spec == resource.spec
        ready = last is not None and last.ready and same
        status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
        return replace(resource, created=f"{at:06}", uid=resource.name, status=status)

    async def do(self, step: Step) -> None:
        if step.target == "broker":
            assert self.client is not None
            await ask_broker(self.client, step)
        else:
            metadata = step.manifest["metadata"]
            self.memory.secrets[metadata["namespace"], metadata["name"]] = dict(step.manifest["stringData"])
            self.memory.save()
