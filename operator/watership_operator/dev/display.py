"""What a person sees: a table that stays in place on a terminal, a line per change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from watership_operator.plan import Verdict
from watership_operator.plan.step import Key

Row = tuple[Key, Verdict]


class Display:
    """Use it as a context."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.console = Console()
        self.live = Live(console=self.console, refresh_per_second=4) if sys.stdout.isatty() else None
        self.said: dict[Key, tuple[bool, str]] = {}
        self.problems: tuple[str, ...] = ()

    def __enter__(self) -> Display:
        if self.live is not None:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live is not None:
            self.live.stop()

    def show(self, verdicts: Mapping[Key, Verdict], problems: Sequence[str], where: str) -> None:
        if self.live is not None:
            self.live.update(self.table(verdicts, problems, where))
        else:
            self.lines(verdicts, problems)

    def say(self, sentence: str) -> None:
        if self.live is not None:
            self.live.console.print(sentence, highlight=False)
        else:
            print(sentence, flush=True)

    def table(self, verdicts: Mapping[Key, Verdict], problems: Sequence[str], where: str) -> Group:
        table = Table(box=None, pad_edge=False)
        for column in ("KIND", "NAME", "READY", "STATUS"):
            table.add_column(column, no_wrap=column != "STATUS")
        for (kind, namespace, name), verdict in verdicts.items():
            shown = name if namespace == "default" else f"{namespace}/{name}"
            ready = Text("True", "green") if verdict.ready else Text("False", "red" if verdict.stalled else "yellow")
            table.add_row(kind, shown, ready, verdict.sentence)
        lines = [Text(p, "red") for p in problems]
        head = Text(f"watership dev {self.folder}   {where}   Ctrl-C ends it", "bold")
        return Group(head, table, *lines)

    def lines(self, verdicts: Mapping[Key, Verdict], problems: Sequence[str]) -> None:
        for problem in problems:
            if problem not in self.problems:
                print(problem, flush=True)
        self.problems = tuple(problems)
        for key, verdict in verdicts.items():
            now = (verdict.ready, verdict.sentence)
            if self.said.get(key) != now:
                self.said[key] = now
                state = "Ready" if verdict.ready else verdict.reason
                print(f"{key[0]} {key[2]}: {state}: {verdict.sentence}", flush=True)
        for key in [k for k in self.said if k not in verdicts]:
            del self.said[key]
            print(f"{key[0]} {key[2]}: Deleted", flush=True)
