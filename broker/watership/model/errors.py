"""AMQP's reply codes as exceptions (AMQP 0-9-1 section 1.2, and RabbitMQ's words for them).

A soft error closes its channel, a hard one its connection. The text a client sees is "CODE_NAME - explanation", at
most 255 octets.
"""

from __future__ import annotations

from typing import ClassVar


class AMQPError(Exception):
    """explanation: what failed and on which object, without the code's name. method: (class id, method id) that caused
    it.
    """

    code: ClassVar[int] = 541
    name: ClassVar[str] = "INTERNAL_ERROR"
    hard: ClassVar[bool] = True

    def __init__(self, explanation: str, *, method: tuple[int, int] = (0, 0)) -> None:
        super().__init__(explanation)
        self.explanation = explanation
        self.method = method

    @property
    def reply_text(self) -> str:
        text = f"{self.name} - {self.explanation}".encode()
        return text[:255].decode(errors="ignore")


class NoRoute(AMQPError):
    code, name, hard = 312, "NO_ROUTE", False


class ConnectionForced(AMQPError):
    code, name, hard = 320, "CONNECTION_FORCED", True


class InvalidPath(AMQPError):
    code, name, hard = 402, "INVALID_PATH", True


class AccessRefused(AMQPError):
    code, name, hard = 403, "ACCESS_REFUSED", False


class LoginRefused(AccessRefused):
    """403 before there is a channel: the connection is closed."""

    hard = True


class NotFound(AMQPError):
    code, name, hard = 404, "NOT_FOUND", False


class ResourceLocked(AMQPError):
    code, name, hard = 405, "RESOURCE_LOCKED", False


class PreconditionFailed(AMQPError):
    code, name, hard = 406, "PRECONDITION_FAILED", False


class FrameError(AMQPError):
    code, name, hard = 501, "FRAME_ERROR", True


class SyntaxFailure(AMQPError):
    code, name, hard = 502, "SYNTAX_ERROR", True


class CommandInvalid(AMQPError):
    code, name, hard = 503, "COMMAND_INVALID", True


class ChannelFailure(AMQPError):
    code, name, hard = 504, "CHANNEL_ERROR", True


class UnexpectedFrame(AMQPError):
    code, name, hard = 505, "UNEXPECTED_FRAME", True


class ResourceFailure(AMQPError):
    code, name, hard = 506, "RESOURCE_ERROR", True


class NotAllowed(AMQPError):
    code, name, hard = 530, "NOT_ALLOWED", True


class NotImplementedHere(AMQPError):
    code, name, hard = 540, "NOT_IMPLEMENTED", True


class InternalFailure(AMQPError):
    code, name, hard = 541, "INTERNAL_ERROR", True


BY_CODE: dict[int, type[AMQPError]] = {
    kind.code: kind
    for kind in (
        NoRoute,
        ConnectionForced,
        InvalidPath,
        AccessRefused,
        NotFound,
        ResourceLocked,
        PreconditionFailed,
        FrameError,
        SyntaxFailure,
        CommandInvalid,
        ChannelFailure,
        UnexpectedFrame,
        ResourceFailure,
        NotAllowed,
        NotImplementedHere,
        InternalFailure,
    )
}


def from_code(code: int, explanation: str) -> AMQPError:
    """The exception of a reply code; an unknown code is an internal error."""
    return BY_CODE.get(code, InternalFailure)(explanation)
