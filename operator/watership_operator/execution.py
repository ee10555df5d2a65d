"""Carrying out a plan: its steps in order, and what their failures make of the verdicts. On Kubernetes and in
`watership dev` alike.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from watership.admin.api import AdminError, Unreachable
from watership.admin.client import Client

from .logs import about
from .plan import Plan, Step, Verdict
from .plan.step import FAILED, Key

log = logging.getLogger("watership.operator")
Do = Callable[[Step], Awaitable[None]]


@dataclass
class Outcome:
    """Verdicts as they are after the steps; the steps that were done; why it stopped, if the broker went away
    meanwhile.
    """

    verdicts: dict[Key, Verdict]
    done: list[Step] = field(default_factory=list)
    unreachable: str = ""


async def carry_out(plan: Plan, do: Do) -> Outcome:
    """Steps of one verb may run side by side; the next verb waits for them. A failed step is its owner's verdict."""
    outcome = Outcome(dict(plan.verdicts))
    for _, group in groupby(plan.steps, key=lambda step: (step.target, step.verb)):
        steps = [s for s in group if not failed(outcome, s)]
        results = await asyncio.gather(*(do(step) for step in steps), return_exceptions=True)
        for step, result in zip(steps, results, strict=True):
            if result is None:
                log.info("%s", step.sentence, extra=about(step.owner))
                outcome.done.append(step)
            else:
                note_failure(outcome, step, result)
        if outcome.unreachable:
            break
    return outcome


def failed(outcome: Outcome, step: Step) -> bool:
    verdict = outcome.verdicts.get(step.owner)
    return verdict is not None and verdict.reason == FAILED


def note_failure(outcome: Outcome, step: Step, error: BaseException) -> None:
    if isinstance(error, Unreachable):
        outcome.unreachable = str(error)
    elif not isinstance(error, Exception):
        raise error
    reason = error.reason if isinstance(error, AdminError) else str(error) or type(error).__name__
    if isinstance(error, AdminError) and error.status == 404 and step.verb.startswith("delete_"):
        return  # it was gone already
    log.warning("%s: %s", step.sentence, reason, extra=about(step.owner))
    before = outcome.verdicts.get(step.owner, Verdict(False, FAILED, ""))
    outcome.verdicts[step.owner] = replace(before, ready=False, reason=FAILED, sentence=reason, release=False)


async def ask_broker(client: Client, step: Step) -> None:
    """One step whose target is the broker. Raises AdminError, Unreachable."""
    await getattr(client, step.verb)(*step.arguments, **step.options)


def all_waiting(keys: Iterable[Key], reason: str, sentence: str) -> dict[Key, Verdict]:
    """The verdict of everything while its broker cannot be asked."""
    return {key: Verdict(False, reason, sentence) for key in keys}
