"""Limits of connections: a client that is slow, or has many connections, takes them from itself.

The server is that of waitress: one thread receives requests and sends answers, others make the
answers. Here that one thread also closes connections

- whose request does not arrive in time,
- whose client does not take its answer in time,
- that wait for a further request for long,
- that a client has beyond its number, and all clients beyond the number of all of them: each
  further connection takes the place of the one that has waited longest for its client.

A client that sends several requests at once gets its answers one after another: the next is made
when it has taken the one before.

A web server in front (`serve.proxy`) has the connections of all its clients. Its requests are
counted by the address that it gives in `X-Forwarded-For`; a client with too many of them at a time
gets the status 429.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher
from waitress.utilities import Error

from cvzmpi.dashboard.client_network import client_network

_MOST_SENT = 128 * 1024
"""Bytes of answers that the system holds for a client."""

_MOST_UNREAD = 2 << 20
"""Bytes of answers that a client has not taken, above which none is added."""

_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class ConnectionLimits:
    """What a client may take."""

    arrival: float = 30.0  # seconds for the head of a request, and again for its body
    taking: float = 120.0  # seconds for a client to take its answer
    idle: float = 60.0  # seconds between an answer and the next request
    per_client: int = 64
    in_all: int = 800


class TooManyRequests(Error):  # noqa: N818  as waitress names its errors
    """The answer to a client that has too many requests at a time."""

    code = 429
    reason = "Too Many Requests"


def listen(
    application: Callable[..., Any],
    host: str,
    port: int,
    limits: ConnectionLimits | None = None,
    **settings: Any,
) -> LimitedServer:
    """Listen at an address; `run` of the server that is returned serves.

    Parameters
    ----------
    settings : dict
        Of waitress, see `waitress.adjustments.Adjustments`.

    Raises
    ------
    OSError, ValueError
        If the address cannot be used.
    """
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # its warnings say: busy
    adjustments = Adjustments(
        host=host,
        port=port,
        asyncore_use_poll=True,  # `select` knows no file number above 1023
        cleanup_interval=1,
        outbuf_high_watermark=_MOST_UNREAD,
        **settings,
    )
    threads = ThreadedTaskDispatcher()
    threads.set_thread_count(adjustments.threads)
    polled: dict[int, Any] = {}  # one name may stand for several addresses: all are served at once
    servers = [
        LimitedServer(
            application,
            limits or ConnectionLimits(),
            map=polled,
            dispatcher=threads,
            adj=adjustments,
            sockinfo=address,
        )
        for address in adjustments.listen
    ]
    return servers[0]


class _Request(HTTPRequestParser):
    """A request that tells its connection when its head is there."""

    def __init__(self, adjustments: Adjustments, connection: _Connection) -> None:
        super().__init__(adjustments)
        self._connection = connection
        self._told = False

    def received(self, data: bytes) -> int:
        n_taken: int = super().received(data)
        if self.headers_finished and not self._told:
            self._told = True
            self._connection.head_arrived(self)
        return n_taken


class _Connection(HTTPChannel):
    """A connection that knows whose it is, and for how long it has waited for its client."""

    def __init__(
        self, server: LimitedServer, sock: socket.socket, addr: Any, *rest: Any, **named: Any
    ) -> None:
        self.limits = server.limits
        self.passed_on = str(addr[0]) == server.proxy
        self.client = "" if self.passed_on else client_network(str(addr[0]))
        self.held = False  # further requests are there, and the answer before is not taken yet
        self._n_heads = 0
        self._doing: tuple[str, int] = ("arrival", 0)
        self.since = time.monotonic()  # it has been `_doing` this
        super().__init__(server, sock, addr, *rest, **named)

    def parser_class(self, adjustments: Adjustments) -> _Request:
        return _Request(adjustments, self)

    def head_arrived(self, request: _Request) -> None:
        """Count a request, and refuse it if a web server passes on too many of its client."""
        self._n_heads += 1
        if not self.passed_on:
            return
        hops = request.headers.get("X_FORWARDED_FOR", "").split(",")
        self.client = client_network(hops[-1].strip())
        if self.server.n_at_work_for(self.client) >= self.limits.per_client:
            request.error = TooManyRequests("this address has too many requests at a time")
            request.completed = True

    @property
    def at_work(self) -> bool:
        """True while an answer is being made, or is about to be."""
        return bool(self.requests) and not self.held

    def writable(self) -> bool:
        """Go on with the next request as soon as the answer to the one before is sent."""
        if self.held and not self.total_outbufs_len:
            self.held = False
            self.server.task_dispatcher.add_task(self)
        return bool(super().writable())

    def waits(self, now: float) -> bool:
        """True if it waits for its client; `since` is brought up to date."""
        doing = self._now_doing(), self._n_heads
        if doing != self._doing:
            self._doing, self.since = doing, now
        return doing[0] != "work"

    def _now_doing(self) -> str:
        if self.at_work:
            return "work"
        if self.total_outbufs_len:
            return "taking"
        return "idle" if self.request is None and self._n_heads else "arrival"

    def close_if_too_slow(self, now: float) -> None:
        if self.waits(now) and now - self.since > getattr(self.limits, self._doing[0]):
            self.give_up()

    @property
    def arriving(self) -> bool:
        """True if a part of a request is there that is not read yet."""
        if self._now_doing() != "arrival":
            return False
        poller = select.poll()
        poller.register(self.socket, select.POLLIN)
        return bool(poller.poll(0))

    def give_up(self) -> None:
        """Close it now: a client that takes nothing never lets `will_close` happen."""
        if self._doing[0] == "arrival":
            with suppress(OSError):
                self.socket.send(_TOO_LATE)
        self.handle_close()

    def _flush_outbufs_below_high_watermark(self) -> None:
        """End the connection of a client that takes none of many answers: no thread waits for it.

        An answer of ours is one piece, however long; so this ends none that is being taken.
        """
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            self._flush_exception(self._flush_some, do_close=False)
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            self.connected = False
            with self.requests_lock:
                del self.requests[1:]  # the first is being answered


class LimitedServer(TcpWSGIServer):
    """The server of waitress, with limits for connections."""

    channel_class = _Connection
    next_channel_cleanup: float = 0.0

    def __init__(self, application: Any, limits: ConnectionLimits, **named: Any) -> None:
        self.limits = limits
        self.proxy: str = named["adj"].trusted_proxy or ""
        super().__init__(application, **named)

    def readable(self) -> bool:
        """True always: `handle_accept` makes room."""
        now = time.time()
        if now >= self.next_channel_cleanup:
            self.next_channel_cleanup = now + self.adj.cleanup_interval
            self.maintenance(now)
        return bool(self.accepting)

    def maintenance(self, now: float) -> None:
        """Close the connections of clients that are too slow."""
        for connection in self._connections():
            connection.close_if_too_slow(time.monotonic())

    def handle_accept(self) -> None:
        """Accept a connection; one too many takes the place of one that waits."""
        super().handle_accept()
        connections = self._connections()
        newest = connections[-1] if connections else None
        if newest is None:
            return
        own = [one for one in connections if one.client == newest.client]
        if not newest.passed_on and len(own) > self.limits.per_client:
            _end_longest_waiting(own)
        elif len(connections) > self.limits.in_all:
            ((client, _),) = Counter(one.client for one in connections).most_common(1)
            _end_longest_waiting([one for one in connections if one.client == client])

    def add_task(self, task: _Connection) -> None:
        """Let a request be answered, unless its client has to take the answer before it first."""
        if task.total_outbufs_len:
            task.held = True
        else:
            super().add_task(task)

    def set_socket_options(self, conn: socket.socket) -> None:
        """Let the system take no more of an answer than `_MOST_SENT` before the client does."""
        super().set_socket_options(conn)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_SENT)

    def n_at_work_for(self, client: str) -> int:
        """Number of requests of a client whose answers are not made."""
        return sum(one.at_work and one.client == client for one in self._connections())

    def _connections(self) -> list[_Connection]:
        """All connections, the newest last."""
        return list(self.active_channels.values())


def _end_longest_waiting(connections: Iterable[_Connection]) -> None:
    """End the connection that has waited longest for its client.

    A client whose request is there has done its part, however late the server reads it. If all
    others are being answered, the one with the most further requests ends; the last one if none
    has any.
    """
    *others, last = connections
    now = time.monotonic()
    waiting = sorted((one for one in others if one.waits(now)), key=lambda one: one.since)
    greedy = [one for one in others if len(one.requests) > 1]
    most = max(greedy, key=lambda one: len(one.requests), default=last)
    next((one for one in waiting if not one.arriving), most).give_up()
