"""Columns, order and pages of listings."""

from __future__ import annotations

import pytest

from watership.admin.api import AdminError
from watership.admin.listing import shown

QUEUES = [
    {"name": "orders", "messages": 3, "arguments": {}, "message_stats": {"publish": 9, "ack": 1}},
    {"name": "Letters", "messages": 10, "arguments": {"x-max-length": 5}},
    {"name": "events", "messages": 0, "arguments": {}},
]


def names(result: object) -> list[str]:
    assert isinstance(result, list)
    return [item["name"] for item in result]


def test_without_a_query_the_listing_is_as_the_verb_gave_it() -> None:
    assert shown(QUEUES, {}, pages=True) is QUEUES


def test_columns_reach_into_objects() -> None:
    result = shown(QUEUES, {"columns": "name,message_stats.publish,arguments"}, pages=True)
    assert result == [
        {"name": "orders", "message_stats": {"publish": 9}, "arguments": {}},
        {"name": "Letters", "arguments": {"x-max-length": 5}},
        {"name": "events", "arguments": {}},
    ]


def test_an_object_with_none_of_the_columns_is_an_empty_list() -> None:
    assert shown(QUEUES[:1], {"columns": "nope"}, pages=True) == [[]]


def test_columns_narrow_a_single_object_too() -> None:
    assert shown(QUEUES[0], {"columns": "messages"}, pages=False) == {"messages": 3}


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ({"sort": "messages"}, ["events", "orders", "Letters"]),
        ({"sort": "messages", "sort_reverse": "true"}, ["Letters", "orders", "events"]),
        ({"sort": "message_stats.publish,name"}, ["Letters", "events", "orders"]),
    ],
)
def test_sorting(query: dict[str, str], order: list[str]) -> None:
    assert names(shown(QUEUES, query, pages=True)) == order


def test_one_page_says_how_many_there_are() -> None:
    assert shown(QUEUES, {"page": "2", "page_size": "2", "columns": "name"}, pages=True) == {
        "total_count": 3,
        "filtered_count": 3,
        "item_count": 1,
        "page": 2,
        "page_size": 2,
        "page_count": 2,
        "items": [{"name": "events"}],
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"name": "E"}, ["orders", "Letters", "events"]),
        ({"name": "^e", "use_regex": "true"}, ["events"]),
        ({"name": "^e"}, []),
        ({"name": "[", "use_regex": "true"}, []),
    ],
)
def test_names_filter_a_page(query: dict[str, str], found: list[str]) -> None:
    page = shown(QUEUES, {"page": "1", **query}, pages=True)
    assert isinstance(page, dict)
    assert names(page["items"]) == found
    assert page["total_count"] == 3


def test_a_page_is_ignored_where_there_are_none() -> None:
    assert shown(QUEUES, {"page": "1"}, pages=False) == QUEUES
    assert shown(QUEUES, {"page_size": "1"}, pages=True) == QUEUES


def test_the_first_page_of_nothing_is_empty() -> None:
    assert shown([], {"page": "1"}, pages=True) == {
        "total_count": 0,
        "filtered_count": 0,
        "item_count": 0,
        "page": 1,
        "page_size": 100,
        "page_count": 1,
        "items": [],
    }


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        (
            {"page": "0"},
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 0, page size undefined",
        ),
        (
            {"page": "1", "page_size": "501"},
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 1, page size 501",
        ),
        ({"page": "x"}, "bad_request", "Pagination parameters are invalid"),
        ({"page": "9", "page_size": "2"}, "page_out_of_range", "Page out of range, page: 9 page size: 2, len: 3"),
    ],
)
def test_pages_that_make_no_sense(query: dict[str, str], error: str, reason: str) -> None:
    with pytest.raises(AdminError) as refused:
        shown(QUEUES, query, pages=True)
    assert (refused.value.status, refused.value.error, refused.value.reason) == (400, error, reason)
