"""The API's description of itself, made of the table of verbs: an OpenAPI 3.1 document, and a page for people."""

from __future__ import annotations

from functools import cache
from html import escape

from watership.broker.identity import WATERSHIP

from .api import VERBS, Json, Verb
from .bodies import BODIES

TAGS = {
    "none": "no login",
    "management": "management, policymaker, monitoring or administrator",
    "policymaker": "policymaker or administrator",
    "monitoring": "monitoring or administrator",
    "administrator": "administrator",
}
QUERY = {  # of lists
    "columns": ("string", "only these fields, with commas; of inner ones `message_stats.publish`"),
    "sort": ("string", "by these fields"),
    "sort_reverse": ("boolean", "the other way round"),
    "disable_stats": ("boolean", "what is declared, without what is counted"),
}
PAGES = {
    "page": ("integer", "from 1; then the answer is one page, with counts"),
    "page_size": ("integer", "1 to 500; 100 unless given"),
    "name": ("string", "a part of the name"),
    "use_regex": ("boolean", "name is a regular expression"),
}
REFUSALS = {"400": "makes no sense", "401": "who asks may not", "404": "is not there"}


@cache
def document(prefix: str) -> Json:
    """prefix: what stands before /api."""
    paths: dict[str, Json] = {}
    for verb in VERBS:
        paths.setdefault(f"/api{verb.path}", {})[verb.method.lower()] = operation(verb)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Watership's admin API",
            "version": WATERSHIP,
            "description": "RabbitMQ's management API; snapshots, events and certificates are Watership's.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"basic": {"type": "http", "scheme": "basic"}},
            "schemas": {"Refusal": refusal()},
        },
    }


def refusal() -> Json:
    text: Json = {"type": "string"}
    return {"type": "object", "properties": {"error": text, "reason": text}, "required": ["reason"]}


def operation(verb: Verb) -> Json:
    made: Json = {
        "operationId": verb.name,
        "summary": verb.doc or verb.name.replace("_", " "),
        "description": f"For {TAGS[verb.tag]}.",
        "tags": [verb.path.split("/")[1]],
        "security": [] if verb.tag == "none" else [{"basic": []}],
        "parameters": parameters(verb),
        "responses": responses(verb),
    }
    if verb.body:
        fields = BODIES.get(verb.name, {})
        schema: Json = {"type": "object", "properties": {n: field(*about) for n, about in fields.items()}}
        if needed := [name for name, (kind, _) in fields.items() if kind.endswith("!")]:
            schema["required"] = needed
        made["requestBody"] = {"required": bool(needed), "content": {"application/json": {"schema": schema}}}
    return made


def field(kind: str, doc: str) -> Json:
    name = kind.rstrip("!")
    described: Json = {"description": doc}
    return described if name == "any" else {**described, "type": name}


def parameters(verb: Verb) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in verb.parameters
    ]
    query = dict.fromkeys(verb.options, ("boolean", "only then"))
    if verb.name.startswith("list_"):
        query |= QUERY
    if verb.pages:
        query |= PAGES
    if verb.feed:
        query["since"] = ("string", "the id of the last event that was seen, or the revision of a snapshot")
    found += [
        {"name": name, "in": "query", "description": doc, "schema": {"type": kind}}
        for name, (kind, doc) in query.items()
    ]
    return found


def responses(verb: Verb) -> Json:
    if verb.kind != "application/json":
        found: Json = {"200": content(verb.kind, {"type": "string"})}
    elif verb.method == "GET" or verb.asked:
        found = {"200": content("application/json", answered(verb))}
    elif verb.name == "post_binding":
        found = {"201": {"description": "bound; Location says its properties_key"}}
    elif verb.method == "PUT":
        found = {"201": {"description": "is new"}, "204": {"description": "was there"}}
    else:
        found = {"204": {"description": "done"}}
    schema: Json = {"$ref": "#/components/schemas/Refusal"}
    found |= {status: content("application/json", schema, doc) for status, doc in REFUSALS.items()}
    if "/health/checks/" in verb.path:
        found["503"] = content("application/json", schema, "is not so")
    return found


def answered(verb: Verb) -> Json:
    if verb.name == "get_version":
        return {"type": "string"}
    several = verb.name.startswith("list_") or verb.name in ("get_messages", "get_quorum_status")
    return (
        {"type": "array", "items": {"type": "object"}} if several and not verb.pages else {"type": ["array", "object"]}
    )


def content(kind: str, schema: Json, doc: str = "the answer") -> Json:
    return {"description": doc, "content": {kind: {"schema": schema}}}


@cache
def page(prefix: str) -> str:
    """Every verb in a line: what RabbitMQ has at the same place."""
    rows = "\n".join(
        f"<tr><td>{verb.method}</td><td><code>/api{escape(verb.path)}</code></td>"
        f"<td>{escape(verb.doc)}</td><td>{escape(verb.tag)}</td></tr>"
        for verb in VERBS
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Watership: admin API</title>'
        "<h1>The admin API</h1><p>Names in paths are percent-encoded: the vhost <code>/</code> is <code>%2F</code>. "
        f'For programs: <a href="{escape(prefix)}/api/openapi.json">OpenAPI</a>.</p>'
        f"<table><tr><th>Method<th>Path<th>What<th>For</tr>\n{rows}</table></html>\n"
    )
