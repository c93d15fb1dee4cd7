"""Clients that are slow: some send a byte a second, some end in the midst, some read no answer."""

import socket
import threading
from contextlib import contextmanager, suppress

_PIPELINED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 50
_BODY = b"Content-Length: 100000\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nname="
BEGINNINGS = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\n" + _BODY,
    b"POST /api/retry HTTP/1.1\r\nHost: x\r\n" + _BODY,
    b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nna",
    _PIPELINED,
)
"""What they send at first; the last of them read none of their answers."""


@contextmanager
def slow_clients(address, n, sources):
    """So many connections to the server at an address; each third sends a byte a second.

    Parameters
    ----------
    sources : list of str
        Addresses that they come from, in turn.
    """
    host, port = address.removeprefix("http://").split(":")
    connections = [_connect(host, int(port), sources[i % len(sources)]) for i in range(n)]
    for i, connection in enumerate(connections):
        _send(connection, BEGINNINGS[i % len(BEGINNINGS)])
    ended = threading.Event()

    def trickle():
        while not ended.wait(1):
            for i, connection in enumerate(connections):
                if i % 3 == 0 and BEGINNINGS[i % len(BEGINNINGS)] != _PIPELINED:
                    _send(connection, b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        yield connections
    finally:
        ended.set()
        thread.join()
        for connection in connections:
            connection.close()


def _connect(host, port, source):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.bind((source, 0))
    connection.settimeout(60)
    connection.connect((host, port))
    connection.setblocking(False)
    return connection


def _send(connection, content):
    with suppress(OSError):  # the server has closed it, or takes no more
        connection.send(content)
