"""What of a listing is shown: columns, order, one page. Decided by the query, as RabbitMQ's management API does it.

Works on the dicts that verbs give and never changes them. A column is a path with dots, `message_stats.publish`. Pages
count from 1; `name` (a part of the name, or an expression with use_regex) filters only when a page is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from watership.broker.statistics import GROUPS
from watership.config import Config
from watership.model.samples import Span

from .api import AdminError, Json
from .local import Asked

PAGE_SIZE = 100
LARGEST_PAGE = 500


def shown(result: object, query: Mapping[str, str], *, pages: bool) -> object:
    """What a GET answers. pages: the route knows pages. Raises AdminError 400 for a page that makes no sense."""
    columns = [c for c in query.get("columns", "").split(",") if c]
    if isinstance(result, dict):
        return narrowed(result, columns) if columns else result
    if not isinstance(result, list):
        return result
    items = ordered(result, query)
    if not pages or "page" not in query:
        return [narrowed(item, columns) for item in items] if columns else items
    page = paged(items, query)
    if columns:
        page["items"] = [narrowed(item, columns) for item in page["items"]]
    return page


def ordered(items: list[Json], query: Mapping[str, str]) -> list[Json]:
    """By the columns under `sort`; what has no such column comes first."""
    columns = [c for c in query.get("sort", "").split(",") if c]
    if not columns:
        return items
    return sorted(items, key=lambda i: [rank(i, c) for c in columns], reverse=query.get("sort_reverse") == "true")


def rank(item: Json, column: str) -> tuple[int, Any]:
    """Values of different types in one column are kept apart, so that they can be compared at all."""
    found = value(item, column)
    if isinstance(found, (int, float)):
        return 1, found
    return (2, found) if isinstance(found, str) else (0, 0) if found is None else (3, str(found))


def paged(items: list[Json], query: Mapping[str, str]) -> dict[str, Any]:
    page, size = page_numbers(query)
    found = filtered(items, query)
    count = max(1, -(-len(found) // size))
    if page > count:
        text = f"Page out of range, page: {page} page size: {size}, len: {len(found)}"
        raise AdminError(400, "page_out_of_range", text)
    one = found[(page - 1) * size : page * size]
    return {
        "total_count": len(items),
        "filtered_count": len(found),
        "item_count": len(one),
        "page": page,
        "page_size": size,
        "page_count": count,
        "items": one,
    }


def page_numbers(query: Mapping[str, str]) -> tuple[int, int]:
    """Page and page size. Raises AdminError 400."""
    try:
        page, size = int(query["page"]), int(query.get("page_size", PAGE_SIZE))
    except ValueError:
        raise AdminError(400, "bad_request", "Pagination parameters are invalid") from None
    if page < 1 or not 1 <= size <= LARGEST_PAGE:
        text = f"Invalid pagination parameters: page number {page}, page size {query.get('page_size', 'undefined')}"
        raise AdminError(400, "invalid_pagination_parameters", text)
    return page, size


def filtered(items: list[Json], query: Mapping[str, str]) -> list[Json]:
    """By name, whatever the case. An expression that does not compile matches nothing."""
    name = query.get("name", "")
    if not name:
        return items
    try:
        expression = re.compile(name if query.get("use_regex") == "true" else re.escape(name), re.IGNORECASE)
    except re.error:
        return []
    return [item for item in items if expression.search(str(item.get("name", "")))]


def narrowed(item: Json, columns: list[str]) -> Json | list[object]:
    """Only the columns. An object that has none of them is an empty list, as it is for RabbitMQ's clients."""
    kept: Json = {}
    for column in columns:
        found = value(item, column)
        if found is None and column not in item:
            continue
        *parents, last = column.split(".")
        place: Any = kept
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                break
        else:
            place[last] = found
    return kept or []


def value(item: Json, column: str) -> Any:
    """What stands under a column; None: nothing."""
    found: Any = item
    for part in column.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def asked(query: Mapping[str, str], config: Config) -> Asked:
    """Which statistics a query wants; what it does not say, the configuration says."""

    def wanted(name: str) -> bool:
        return bool(query[name] == "true" if name in query else config[f"management.{name}"])

    return Asked(not wanted("disable_stats"), wanted("enable_queue_totals"), spans(query))


def spans(query: Mapping[str, str]) -> dict[str, Span]:
    """What samples a query asks for: lengths_age and lengths_incr, both in seconds, and so of the other groups."""
    found = {}
    for group in GROUPS:
        age, step = query.get(f"{group}_age", ""), query.get(f"{group}_incr", "")
        if age.isdecimal() and step.isdecimal() and int(step):
            found[group] = Span(int(age), int(step))
    return found
