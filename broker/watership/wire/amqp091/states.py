"""Which method may come when, as tables (AMQP 0-9-1 sections 1.4 and 1.5 of the reference).

connection: the state machine of channel 0. Each row is the state, the method that moves it on, and the next state.
What a state has no row for is answered with 504 CHANNEL_ERROR, except close and close-ok, which may always come.
channel: a channel other than 0 is absent, open, or closing. Absent: only channel.open, else 504. Open: any method
that a client may send on a channel; a second channel.open is 504. Closing (we sent channel.close): everything but
close and close-ok is dropped.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from . import methods as m


class State(Enum):
    """By the names that RabbitMQ's texts have for them."""

    HEADER = "pre_init"
    START = "starting"
    SECURE = "securing"
    TUNE = "tuning"
    OPEN = "opening"
    RUNNING = "running"
    CLOSING = "closing"
    CLOSED = "closed"


CONNECTION: dict[State, dict[type[m.Method], State]] = {
    State.HEADER: {},
    State.START: {m.ConnectionStartOk: State.TUNE},
    State.SECURE: {m.ConnectionSecureOk: State.TUNE},
    State.TUNE: {m.ConnectionTuneOk: State.OPEN},
    State.OPEN: {m.ConnectionOpen: State.RUNNING},
    State.RUNNING: {m.ConnectionUpdateSecret: State.RUNNING},
    State.CLOSING: {},
    State.CLOSED: {},
}
ALWAYS: dict[type[m.Method], State] = {m.ConnectionClose: State.CLOSED, m.ConnectionCloseOk: State.CLOSED}

# What a client may send on an open channel, without open itself.
ON_CHANNEL: frozenset[type[m.Method]] = frozenset(
    {
        m.ChannelFlow,
        m.ChannelFlowOk,
        m.ChannelClose,
        m.ChannelCloseOk,
        m.AccessRequest,
        m.ExchangeDeclare,
        m.ExchangeDelete,
        m.ExchangeBind,
        m.ExchangeUnbind,
        m.QueueDeclare,
        m.QueueBind,
        m.QueuePurge,
        m.QueueDelete,
        m.QueueUnbind,
        m.BasicQos,
        m.BasicConsume,
        m.BasicCancel,
        m.BasicCancelOk,
        m.BasicPublish,
        m.BasicGet,
        m.BasicAck,
        m.BasicReject,
        m.BasicRecoverAsync,
        m.BasicRecover,
        m.BasicNack,
        m.TxSelect,
        m.TxCommit,
        m.TxRollback,
        m.ConfirmSelect,
    }
)

ChannelState = Literal["absent", "open", "closing"]
Verdict = Literal["do", "drop", "channel error", "command invalid"]


def next_state(state: State, method: type[m.Method]) -> State | None:
    """Where a method on channel 0 leads; None: it is not legal now (504)."""
    if state not in (State.HEADER, State.CLOSED) and method in ALWAYS:
        return ALWAYS[method]
    return CONNECTION[state].get(method)


def on_channel(state: ChannelState, method: type[m.Method]) -> Verdict:
    """What to do with a method on a channel other than 0 of an open connection."""
    if state == "closing":
        return "do" if method in (m.ChannelClose, m.ChannelCloseOk) else "drop"
    if method is m.ChannelOpen:
        return "do" if state == "absent" else "channel error"
    if method not in ON_CHANNEL:
        return "command invalid"
    return "do" if state == "open" else "channel error"
