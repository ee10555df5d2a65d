"""What is fixed in AMQP 0-9-1 framing, and reading a method from its payload (section 2.3)."""

from __future__ import annotations

from watership.model.errors import NotImplementedHere, SyntaxFailure

from .methods import METHODS, Method
from .table import Reader

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
OLD_PROTOCOL_HEADER = b"AMQP\x01\x01\x00\x09"  # sent by clients of 0-9; RabbitMQ takes it for 0-9-1
FRAME_MIN_SIZE = 4096
FRAME_OVERHEAD = 8


def decode_method(payload: bytes) -> Method:
    """A method frame's payload to its method. Raises SyntaxFailure (502); NotImplementedHere (540) if unknown."""
    reader = Reader(payload)
    class_id, method_id = reader.short(), reader.short()
    kind = METHODS.get((class_id, method_id))
    if kind is None:
        raise NotImplementedHere(f"unknown method {class_id}.{method_id}", method=(class_id, method_id))
    method = kind.decode(reader)
    if reader.at != reader.end:
        raise SyntaxFailure(f"{kind.name} has octets behind its last argument")
    return method
