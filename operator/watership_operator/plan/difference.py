"""Whether an object on the server lacks something that we set.

Only what we set is compared. The server adds defaults and normalises quantities; both are no difference.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

UNITS: dict[str, Decimal | int] = {"": 1, "m": Decimal("0.001"), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
UNITS |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti|Pi|)")


def differs(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Two manifests. stringData is compared with the data that it became."""
    if "stringData" in wanted:
        encoded = {k: base64.b64encode(v.encode()).decode() for k, v in wanted["stringData"].items()}
        wanted = {**{k: v for k, v in wanted.items() if k != "stringData"}, "data": encoded}
    return not covers(live, wanted)


def covers(live: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(
            covers(live.get(k), v) or (v in ({}, [], "") and k not in live) for k, v in wanted.items()
        )
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        return (
            isinstance(live, Sequence)
            and len(live) == len(wanted)
            and all(covers(a, b) for a, b in zip(live, wanted, strict=True))
        )
    return bool(live == wanted) or same_quantity(live, wanted)


def same_quantity(live: Any, wanted: Any) -> bool:
    values = [quantity(v) for v in (live, wanted)]
    return None not in values and values[0] == values[1]


def quantity(value: Any) -> Decimal | None:
    match = QUANTITY.fullmatch(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    return Decimal(match[1]) * UNITS[match[2]] if match else None
