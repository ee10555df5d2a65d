"""end a pause: what was changed meanwhile is applied now."""

from __future__ import annotations

import argparse

from . import pause
from .objects import Target

arguments = pause.arguments

EXAMPLES = ("kubectl watership resume hello",)


def run(target: Target, options: argparse.Namespace) -> int:
    return pause.annotate(target, options.cluster, None, "resumed: what was changed meanwhile is applied now")
