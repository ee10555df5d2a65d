"""Users, what they may do, and how many connections they may have."""

from __future__ import annotations

import argparse
import json
from typing import Any

from watership.admin.api import AdminError
from watership.admin.client import Client

from .command import DATA, NO_USER, SOFTWARE, Command, Failure, Result, secret, verb

NOW_PERMIT = (
    "Done. Don't forget to grant the user permissions to some virtual hosts! "
    "See 'rabbitmqctl help set_permissions' to learn more."
)


def no_user(name: str) -> Failure:
    return Failure(NO_USER, f'User "{name}" does not exist')


async def existing(client: Client, name: str) -> dict[str, Any]:
    """Raises Failure."""
    try:
        found: dict[str, Any] = await client.get_user(name)
    except AdminError as error:
        if error.status == 404:
            raise no_user(name) from None
        raise
    return found


async def check_place(client: Client, options: argparse.Namespace) -> None:
    """Raises Failure when the user or the vhost is not there."""
    await existing(client, options.user)
    if options.vhost not in {vhost["name"] for vhost in await client.list_vhosts()}:
        raise Failure(DATA, f"Virtual host '{options.vhost}' does not exist")


async def list_users(client: Client, _: argparse.Namespace) -> Result:
    return [{"user": u["name"], "tags": u["tags"]} for u in await client.list_users()]


async def add_user(client: Client, options: argparse.Namespace) -> Result:
    """The tool refuses to add a user that is there; the verb would change it."""
    names = {user["name"] for user in await client.list_users()}
    if options.user in names:
        raise Failure(SOFTWARE, f'User "{options.user}" already exists')
    given = secret(options)
    field = "password_hash" if options.pre_hashed_password else "password"
    await client.put_user(options.user, {field: given, "tags": ""})
    return None


async def change_password(client: Client, options: argparse.Namespace) -> Result:
    user = await existing(client, options.user)
    await client.put_user(options.user, {"password": secret(options), "tags": user["tags"]})
    return None


async def clear_password(client: Client, options: argparse.Namespace) -> Result:
    user = await existing(client, options.user)
    await client.put_user(options.user, {"password_hash": "", "tags": user["tags"]})
    return None


async def set_user_tags(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.user)
    tags = [tag for word in options.tags for tag in word.split(",") if tag]
    await client.put_user(options.user, {"tags": ",".join(tags)})
    return None


async def delete_user(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.user)
    await client.delete_user(options.user)
    return None


async def authenticate_user(client: Client, options: argparse.Namespace) -> Result:
    """Over HTTP: who comes in by the control socket is asked for no password."""
    url = client.url if client.socket is None else await management(client)
    async with Client(url, options.user, secret(options), ca=client.ca) as other:
        try:
            await other.whoami()
        except AdminError as error:
            # A wrong tag is "not_authorised", with an s: the password was right.
            if error.error != "not_authorised":
                raise Failure(DATA, f'Error: failed to authenticate user "{options.user}"') from None
    return None


async def management(client: Client) -> str:
    """Where the management API of the broker behind a control socket listens."""
    for listener in (await client.get_overview())["listeners"]:
        if listener["protocol"] == "http":
            host = {"": "127.0.0.1", "::": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(  # noqa: S104 - compared, not bound
                listener["ip_address"], listener["ip_address"]
            )
            return f"http://{host}:{listener['port']}"
    raise Failure(SOFTWARE, "the management API listens on no plain port; say --url https://HOST:PORT and --ca FILE")


async def set_permissions(client: Client, options: argparse.Namespace) -> Result:
    await check_place(client, options)
    rights = {"configure": options.configure, "write": options.write, "read": options.read}
    await client.put_permission(options.vhost, options.user, rights)
    return None


async def set_permissions_globally(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.user)
    rights = {"configure": options.configure, "write": options.write, "read": options.read}
    for vhost in await client.list_vhosts():
        await client.put_permission(vhost["name"], options.user, rights)
    return None


async def clear_permissions(client: Client, options: argparse.Namespace) -> Result:
    await check_place(client, options)
    await gone(client.delete_permission(options.vhost, options.user))
    return None


async def gone(deletion: Any) -> None:
    """What was not there has been deleted."""
    try:
        await deletion
    except AdminError as error:
        if error.status != 404:
            raise


async def list_user_permissions(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.user)
    rows: list[dict[str, Any]] = await client.list_user_permissions(options.user)
    return rows


async def set_topic_permissions(client: Client, options: argparse.Namespace) -> Result:
    await check_place(client, options)
    body = {"exchange": options.exchange, "write": options.write, "read": options.read}
    await client.put_topic_permission(options.vhost, options.user, body)
    return None


async def clear_topic_permissions(client: Client, options: argparse.Namespace) -> Result:
    await check_place(client, options)
    if options.exchange is None:
        await gone(client.delete_topic_permissions(options.vhost, options.user))
    else:
        await gone(client.delete_topic_permission(options.vhost, options.user, options.exchange))
    return None


async def set_user_limits(client: Client, options: argparse.Namespace) -> Result:
    await existing(client, options.user)
    for name, value in definition(options.definition).items():
        await client.put_user_limit(options.user, name, {"value": value})
    return None


async def clear_user_limits(client: Client, options: argparse.Namespace) -> Result:
    found = await existing(client, options.user)
    names = found["limits"] if options.limit == "all" else [options.limit]
    for name in names:
        await client.delete_user_limit(options.user, name)
    return None


async def list_user_limits(client: Client, options: argparse.Namespace) -> Result:
    rows: list[dict[str, Any]] = await client.list_user_limits()
    if options.user is not None:
        await existing(client, options.user)
        return next((row["value"] for row in rows if row["user"] == options.user), {})
    return [{"user": row["user"], "limits": row["value"]} for row in rows]


def definition(text: str) -> dict[str, Any]:
    """A JSON object. Raises Failure."""
    try:
        read = json.loads(text)
    except ValueError as error:
        raise Failure(DATA, f"JSON decoding error: {error}") from None
    if not isinstance(read, dict):
        raise Failure(DATA, f"expected a JSON object, not {text}")
    return read


PERMISSIONS = ("configure", "write", "read")
COMMANDS: dict[str, Command] = {
    "list_users": Command(
        "list users and their tags", list_users, columns=("user", "tags"), banner="Listing users ..."
    ),
    "add_user": Command(
        "make a user",
        add_user,
        ("user", "secret?"),
        options=("pre_hashed_password",),
        banner='Adding user "{user}" ...',
        done=NOW_PERMIT,
    ),
    "delete_user": Command(
        "delete a user and close its connections", delete_user, ("user",), banner='Deleting user "{user}" ...'
    ),
    "change_password": Command(
        "give a user another password",
        change_password,
        ("user", "secret?"),
        banner='Changing password for user "{user}" ...',
    ),
    "clear_password": Command(
        "let nobody log in with a password of the user",
        clear_password,
        ("user",),
        banner='Clearing password for user "{user}" ...',
    ),
    "authenticate_user": Command(
        "try a password",
        authenticate_user,
        ("user", "secret?"),
        banner='Authenticating user "{user}" ...',
        done="Success",
    ),
    "hash_password": Command("show the salted hash of a password", verb("hash_password", "secret"), ("secret",)),
    "set_user_tags": Command(
        "set a user's tags",
        set_user_tags,
        ("user", "tags*"),
        banner='Setting tags for user "{user}" to {tags} ...',
    ),
    "set_permissions": Command(
        "set what a user may do in a vhost",
        set_permissions,
        ("user", *PERMISSIONS),
        banner='Setting permissions for user "{user}" in vhost "{vhost}" ...',
    ),
    "set_permissions_globally": Command(
        "set what a user may do in every vhost",
        set_permissions_globally,
        ("user", *PERMISSIONS),
        banner='Setting permissions for user "{user}" in all virtual hosts ...',
    ),
    "clear_permissions": Command(
        "let a user out of a vhost",
        clear_permissions,
        ("user",),
        banner='Clearing permissions for user "{user}" in vhost "{vhost}" ...',
    ),
    "list_permissions": Command(
        "list permissions in a vhost",
        verb("list_vhost_permissions", "vhost"),
        columns=("user", *PERMISSIONS),
        banner='Listing permissions for vhost "{vhost}" ...',
    ),
    "list_user_permissions": Command(
        "list what a user may do where",
        list_user_permissions,
        ("user",),
        columns=("vhost", *PERMISSIONS),
        banner='Listing permissions for user "{user}" ...',
    ),
    "set_topic_permissions": Command(
        "set the routing keys that a user may use with a topic exchange",
        set_topic_permissions,
        ("user", "exchange", "write", "read"),
        banner='Setting topic permissions on "{exchange}" for user "{user}" in vhost "{vhost}" ...',
    ),
    "clear_topic_permissions": Command(
        "free a user's routing keys again",
        clear_topic_permissions,
        ("user", "exchange?"),
        banner='Clearing topic permissions for user "{user}" in vhost "{vhost}" ...',
    ),
    "list_topic_permissions": Command(
        "list topic permissions in a vhost",
        verb("list_vhost_topic_permissions", "vhost"),
        columns=("user", "exchange", "write", "read"),
        banner='Listing topic permissions for vhost "{vhost}" ...',
    ),
    "list_user_topic_permissions": Command(
        "list a user's topic permissions",
        verb("list_user_topic_permissions", "user"),
        ("user",),
        columns=("vhost", "exchange", "write", "read"),
        banner='Listing topic permissions for user "{user}" ...',
    ),
    "set_user_limits": Command(
        "limit a user's connections and channels",
        set_user_limits,
        ("user", "definition"),
        banner='Setting user limits to "{definition}" for user "{user}" ...',
    ),
    "clear_user_limits": Command(
        "lift one limit of a user, or all",
        clear_user_limits,
        ("user", "limit"),
        banner='Clearing "{limit}" limit for user "{user}" ...',
    ),
    "list_user_limits": Command(
        "list the limits of users", list_user_limits, columns=("user", "limits"), options=("user",)
    ),
}
