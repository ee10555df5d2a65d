"""What the bodies of verbs hold, for those who read the API's description: field to type, and what it is.

A type is OpenAPI's; `!` after it: needed. Verbs check their bodies themselves; they ignore other fields, as RabbitMQ
does.
"""

from __future__ import annotations

Fields = dict[str, tuple[str, str]]

DECLARED: Fields = {
    "durable": ("boolean", "survives a restart; false unless given"),
    "auto_delete": ("boolean", "goes when its last user goes"),
    "arguments": ("object", "x-arguments"),
}
POLICY: Fields = {
    "pattern": ("string!", "expression over names"),
    "definition": ("object!", "keys and values"),
    "priority": ("integer", "the highest one that matches counts"),
    "apply-to": ("string", "all, queues, classic_queues, quorum_queues, streams or exchanges"),
}
RIGHTS: Fields = {
    "write": ("string!", "expression over what may be published to; empty for nothing"),
    "read": ("string!", "expression over what may be read"),
}
VALUE: Fields = {"value": ("any!", "the value")}
NODE: Fields = {"node": ("string!", "name of a node")}
BODIES: dict[str, Fields] = {
    "put_cluster_name": {"name": ("string!", "the new name")},
    "login": {"username": ("string!", "name"), "password": ("string!", "password")},
    "put_vhost": {
        "description": ("string", "for people"),
        "tags": ("string", "with commas, or a list"),
        "default_queue_type": ("string", "classic or quorum"),
    },
    "put_user": {
        "password": ("string", "kept as a salted hash"),
        "password_hash": ("string", "instead: base64 of salt and hash"),
        "hashing_algorithm": ("string", "of the hash"),
        "tags": ("string!", "with commas, or a list: administrator, monitoring, policymaker, management, impersonator"),
    },
    "delete_users": {"users": ("array!", "names")},
    "put_permission": {"configure": ("string!", "expression over what may be declared and deleted"), **RIGHTS},
    "put_topic_permission": {"exchange": ("string!", "a topic exchange"), **RIGHTS},
    "put_policy": POLICY,
    "put_operator_policy": POLICY,
    "put_parameter": VALUE,
    "put_global_parameter": VALUE,
    "put_config": VALUE,
    "put_vhost_limit": VALUE,
    "put_user_limit": VALUE,
    "put_exchange": {"type": ("string", "direct unless given"), **DECLARED, "internal": ("boolean", "not for clients")},
    "put_queue": DECLARED,
    "post_binding": {"routing_key": ("string", "empty unless given"), "arguments": ("object", "of the binding")},
    "publish": {
        "routing_key": ("string", "routing key"),
        "properties": ("object", "AMQP's: content_type, headers, delivery_mode, ..."),
        "payload": ("string", "the body"),
        "payload_encoding": ("string", "string or base64"),
    },
    "get_messages": {
        "count": ("integer!", "at most so many"),
        "ackmode": ("string!", "ack_requeue_true, ack_requeue_false, reject_requeue_true or reject_requeue_false"),
        "encoding": ("string!", "auto or base64"),
        "truncate": ("integer", "octets of a payload at most"),
    },
    "act_on_queue": {"action": ("string!", "none is known")},
    "add_quorum_replica": NODE,
    "delete_quorum_replica": NODE,
    "grow_quorum_queues": {
        "vhost_pattern": ("string!", "expression"),
        "queue_pattern": ("string!", "expression"),
        "strategy": ("string!", "all or even"),
    },
}
