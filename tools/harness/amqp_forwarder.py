"""A forwarder between a client and an AMQP broker on loopback, which sees each message.

A frame of AMQP 0-9-1 is its type (one octet), its channel (two), its size (four), so many octets,
and an end mark; a method begins with the numbers of its class and of itself (two octets each).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tools.harness.moments import LostError, Moments

_METHOD, _BODY = 1, 3
_OF_CLIENT = {(60, 40): "a message begins", (60, 80): "a receipt is removed"}
_OF_BROKER = {(60, 80): "confirmed", (60, 21): "consumer of the receipts", (60, 60): "a receipt"}
"""Methods with which each side reaches a moment, by class and method."""

_PROTOCOL = b"AMQP\x00\x00\x09\x01"


@contextmanager
def forwarding_amqp(port: int, moments: Moments) -> Iterator[int]:
    """Forward to the broker at a port; the port to use in its place."""
    server = socket.create_server(("127.0.0.1", 0))
    thread = Thread(target=_accept, args=(server, port, moments), daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def _accept(server: socket.socket, port: int, moments: Moments) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        try:
            broker = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        for source, target, names in (
            (client, broker, _OF_CLIENT | {_BODY: "the body of a message"}),
            (broker, client, _OF_BROKER),
        ):
            Thread(target=_pump, args=(source, target, names, moments), daemon=True).start()


def _pump(
    source: socket.socket, target: socket.socket, names: dict[object, str], moments: Moments
) -> None:
    """Pass frames on until one side is gone; then the other side learns it."""
    reader = source.makefile("rb")
    try:
        while head := reader.read(7):
            if head == _PROTOCOL[:7]:
                target.sendall(head + reader.read(1))
                continue
            kind, _, size = struct.unpack(">BHI", head)
            payload = reader.read(size + 1)
            which = struct.unpack(">HH", payload[:4]) if kind == _METHOD else kind
            if which in names:
                moments.reached(f"bus: {names[which]}")
            target.sendall(head + payload)
    except (LostError, OSError, struct.error):
        pass
    finally:
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
