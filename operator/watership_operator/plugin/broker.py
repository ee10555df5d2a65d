"""The admin client of a cluster as this machine reaches it."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from watership.admin.client import Client
from watership_operator.kinds import parse
from watership_operator.kinds.resource import CONNECTION_URI
from watership_operator.links import Address, address_of_secret

from .objects import Problem, Target, name_of

T = TypeVar("T")
FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)")


@contextmanager
def forwarded(target: Target, cluster: str, *ports: str) -> Iterator[dict[int, int]]:
    """`kubectl port-forward` of the client Service: the local port of each port. "5672:5672" fixes the local one."""
    command = target.kubectl("port-forward", f"service/{cluster}", *(p if ":" in p else f":{p}" for p in ports))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
    try:
        found: dict[int, int] = {}
        assert process.stdout is not None
        while len(found) < len(ports):
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                raise Problem(f"kubectl port-forward service/{cluster}: {process.stderr.read().strip()}")
            match = FORWARDING.match(line)
            if match:
                found[int(match[2])] = int(match[1])
        yield found
    finally:
        process.terminate()
        process.wait()


@contextmanager
def address(target: Target, cluster: Mapping[str, Any]) -> Iterator[str]:
    """URL of the management API: as the operator outside is told, else forwarded for as long as the context lasts."""
    given = (cluster["metadata"].get("annotations") or {}).get(CONNECTION_URI)
    if given:
        yield given
        return
    if (cluster["spec"].get("tls") or {}).get("disableNonTLSListeners"):
        raise Problem("the broker listens on TLS only; use `kubectl port-forward` and `watership ctl` with its CA")
    management = parse(cluster).spec.listeners.management
    with forwarded(target, name_of(cluster), str(management)) as ports:
        yield f"http://127.0.0.1:{ports[management]}"


def ask(target: Target, cluster: Mapping[str, Any], questions: Callable[[Client], Awaitable[T]]) -> T:
    """Runs the questions with the default user's credentials. Raises Problem, AdminError, Unreachable."""
    secret = target.secret(f"{name_of(cluster)}-default-user")
    if "password" not in secret:
        raise Problem(f"there is no Secret {target.namespace}/{name_of(cluster)}-default-user yet")
    with address(target, cluster) as url:
        return asyncio.run(session(Address(url, secret["username"], secret["password"]), questions))


def ask_by_secret(target: Target, name: str, questions: Callable[[Client], Awaitable[T]]) -> T:
    """The same of a broker that a connection Secret names, if it can be reached from here."""
    secret = target.secret(name)
    missing = [key for key in ("uri", "username", "password") if key not in secret]
    if missing:
        raise Problem(f"Secret {target.namespace}/{name} has not the keys {', '.join(missing)}, or does not exist")
    return asyncio.run(session(address_of_secret(secret), questions))


async def session(at: Address, questions: Callable[[Client], Awaitable[T]]) -> T:
    async with Client(at.url, at.username, at.password, ca=at.ca.encode() or None) as client:
        return await questions(client)
