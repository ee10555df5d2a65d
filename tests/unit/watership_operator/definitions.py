"""A definitions.json with something of everything that objects can say, in RabbitMQ's form."""

from watership.model.users import hash_password

ALGORITHM = "rabbit_password_hashing_sha256"


def user(name: str, password: str, tags: list[str]) -> dict:
    hashed = hash_password(password, b"salt")
    return {"name": name, "password_hash": hashed, "hashing_algorithm": ALGORITHM, "tags": tags}


DEFINITIONS = {
    "rabbit_version": "4.2.0",
    "users": [
        user("guest", "guest", ["administrator"]),
        user("alice", "a", ["management"]),
        user("Bob B.", "b", []),
    ],
    "vhosts": [{"name": "/"}],
    "permissions": [
        {"user": "alice", "vhost": "/", "configure": "", "write": "orders.*", "read": ".*"},
        {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    ],
    "parameters": [],
    "global_parameters": [],
    "queues": [
        {
            "name": "orders",
            "vhost": "/",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-queue-type": "quorum"},
        },
        {"name": "Orders", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {"x-max-length": 10}},
        {"name": "orders/ü", "vhost": "/", "durable": False, "auto_delete": True, "arguments": {}},
    ],
    "exchanges": [
        {
            "name": "logs",
            "vhost": "/",
            "type": "topic",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {"alternate-exchange": "rest"},
        },
        {
            "name": "rest",
            "vhost": "/",
            "type": "fanout",
            "durable": False,
            "auto_delete": False,
            "internal": True,
            "arguments": {},
        },
    ],
    "bindings": [
        {
            "source": "logs",
            "vhost": "/",
            "destination": "orders",
            "destination_type": "queue",
            "routing_key": "a.#",
            "arguments": {},
        },
        {
            "source": "logs",
            "vhost": "/",
            "destination": "rest",
            "destination_type": "exchange",
            "routing_key": "",
            "arguments": {"x-match": "any", "n": 1},
        },
    ],
}
