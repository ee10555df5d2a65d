"""Every method in every state of a channel, sent to a running broker: the tables decide what it answers."""

from __future__ import annotations

import socket

import pytest
from tests.broker.process import Broker

from watership.wire.amqp091 import methods as m
from watership.wire.amqp091.frames import PROTOCOL_HEADER, decode_method
from watership.wire.amqp091.states import State, next_state, on_channel

METHODS = list(m.METHODS.values())
CODES = {"channel error": 504, "command invalid": 503}


class Peer:
    def __init__(self, port: int, until: State = State.RUNNING) -> None:
        """until: how far the handshake goes."""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(PROTOCOL_HEADER)
        self.receive()
        if until is not State.START:
            self.send(0, m.ConnectionStartOk({}, "PLAIN", b"\0guest\0guest", "en_US"))
            self.receive()
        if until in (State.OPEN, State.RUNNING):
            self.send(0, m.ConnectionTuneOk(2047, 131072, 0))
        if until is State.RUNNING:
            self.send(0, m.ConnectionOpen("/"))
            self.receive()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, channel: int, method: m.Method) -> None:
        payload = method.encode()
        header = b"\x01" + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big")
        self.socket.sendall(header + payload + b"\xce")

    def receive(self) -> tuple[int, m.Method]:
        """Channel and method of the next frame that has one."""
        while True:
            header = self.file.read(7)
            payload = self.file.read(int.from_bytes(header[3:7], "big") + 1)[:-1]
            if header[0] == 1:
                return int.from_bytes(header[1:3], "big"), decode_method(payload)

    def until_closed(self) -> int | None:
        """The code with which the broker closed the connection; None: it waited to be asked."""
        self.send(0, m.ConnectionClose(200, "bye", 0, 0))
        while True:
            _, method = self.receive()
            if isinstance(method, m.ConnectionClose):
                return method.reply_code
            if isinstance(method, m.ConnectionCloseOk):
                return None


@pytest.mark.parametrize("state", ["absent", "open", "closing"])
@pytest.mark.parametrize("kind", METHODS, ids=lambda kind: kind.name)
def test_the_broker_answers_as_its_tables_say(broker: Broker, state: str, kind: type[m.Method]):
    peer = Peer(broker.port)
    if state != "absent":
        peer.send(1, m.ChannelOpen())
        assert isinstance(peer.receive()[1], m.ChannelOpenOk)
    if state == "closing":
        peer.send(1, m.QueueDeclare("nobody", passive=True))
        assert isinstance(peer.receive()[1], m.ChannelClose)
    peer.send(1, kind())
    code = peer.until_closed()
    peer.close()
    verdict = on_channel(state, kind)
    if verdict in CODES:
        assert code == CODES[verdict]
    else:
        assert code not in CODES.values()


@pytest.mark.parametrize("state", [State.START, State.TUNE, State.OPEN, State.RUNNING], ids=lambda state: state.value)
def test_the_connection_answers_as_its_tables_say(broker: Broker, state: State):
    for kind in METHODS:
        if kind is m.ConnectionCloseOk:  # ends it without a word
            continue
        peer = Peer(broker.port, state)
        peer.send(0, kind())
        code = peer.until_closed()
        peer.close()
        legal = next_state(state, kind) is not None
        assert (code != 504) is legal, (kind.name, code)


def test_a_renewed_secret_is_acknowledged(broker: Broker):
    peer = Peer(broker.port)
    peer.send(0, m.ConnectionUpdateSecret(b"new", "it expires"))
    assert isinstance(peer.receive()[1], m.ConnectionUpdateSecretOk)
    peer.close()


def test_as_many_channels_as_were_agreed_on(broker: Broker):
    peer = Peer(broker.port)
    for number in range(1, 2048):
        peer.send(number, m.ChannelOpen())
        assert isinstance(peer.receive()[1], m.ChannelOpenOk)
    peer.send(2048, m.ChannelOpen())
    _, closed = peer.receive()
    assert isinstance(closed, m.ConnectionClose)
    assert closed.reply_code == 530
    assert "number of channels opened (2047) has reached the negotiated channel_max (2047)" in closed.reply_text
    peer.close()
