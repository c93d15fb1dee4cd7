"""Receipts: how a process learns which messages the broker took from one that was killed.

A publisher that is killed between a message and its confirmation does not know whether the broker
took it. So every message is also routed to a queue of our own, the receipts, by the header `BCC` of
RabbitMQ, which the catalogue's consumers do not see. (A binding of the catalogue's own routing keys
would bring all messages of the data centre's other programs into the receipts.)

Why the receipts can be believed while the broker lives:

- A channel of the broker is one Erlang process. It routes a message to all of its queues while it
  handles that message, and is not interrupted in between: a message is in both queues or in
  neither. What the broker had not read of a killed connection, or had not handled, is in neither.
- Nobody reads the receipts while the channel of a killed process can still route messages. That
  channel is the exclusive consumer of the receipts, and the queue lets the next one consume only
  after the channel has ended. All that the channel sent to the queue comes before the news of its
  end, since messages from one Erlang process to another keep their order.
- The end of the receipts is found by a marker, which is published after the consumer has begun and
  comes out of the queue after everything that was there.

If the broker dies, each queue keeps what it has brought to disk by itself, and one of the two may
lack a message that was not confirmed. At most one message is under way, since each is confirmed
before the next is sent. So what comes before another receipt was confirmed, and is in both queues;
the last receipt may be all that is left of its message. Two more markers tell whether to doubt it:

- one before the first message of an inversion, which is not persistent. It is gone if the broker
  was started again. Then another one is put there, which says that the last receipt before it does
  not count, and the message is sent again. The receipt itself stays: without it, the receipt before
  it would be the last one for the next process, if this one is killed now;
- one after the last message of an inversion, which is persistent and stands for no message.

So none is lost, and the message that was under way when the broker died may come twice, with the
same `message_id`. There are three limits:

- A broker that refuses a message (as for a queue of limited length) may have put it among the
  receipts. The first marker is removed at once; a kill in that moment loses the message.
- A message that a killed process left counts as taken, although the broker may take another
  fraction of a second to bring it to disk. If it dies within that time, the message may be lost.
- In a cluster, the node of the receipts can survive the node of the channel, and the first marker
  with it. The message under way when that node dies together with the publisher may be lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

from cvzmpi.level2.interservice_bus.bus_errors import BusUnavailableError

if TYPE_CHECKING:
    from pika import BasicProperties
    from pika.adapters.blocking_connection import BlockingChannel
    from pika.spec import Basic

_END, _BEGUN, _COMPLETE = "end", "begun", "complete"
"""The markers, by the property `type`, which receipts lack."""

_DOUBTED = "doubted"
"""Header of a marker: the id of a message whose receipts before the marker do not count."""


class Receipts:
    """The receipts of a broker, for as long as a channel is open.

    Parameters
    ----------
    channel : BlockingChannel
        It confirms messages; this makes it the exclusive consumer of the queue.
    queue : str
        The queue of the receipts.
    timeout : float
        Seconds within which the broker must deliver a marker.

    Raises
    ------
    pika.exceptions.ChannelClosedByBroker
        If another channel is the consumer.
    """

    def __init__(self, channel: BlockingChannel, queue: str, timeout: float) -> None:
        self._channel = channel
        self._queue = queue
        self._timeout = timeout
        self._unread: list[tuple[int, BasicProperties]] = []
        self._begun: int | None = None  # the delivery tag of that marker
        channel.basic_consume(queue, self._arrived, exclusive=True)

    def taken(self, inversion_id: str, is_settled: Callable[[str], bool]) -> set[str]:
        """The ids of the messages of an inversion that the broker has taken for certain.

        Parameters
        ----------
        inversion_id : str
            The inversion whose messages are to be sent.
        is_settled : callable
            Tells of another inversion whether nobody will ask for its receipts any more; they are
            removed.
        """
        is_settled = cache(is_settled)
        receipts: list[str] = []
        for tag, properties in self._read_until(self._put(_END, inversion_id)):
            if properties.type == _END:
                self._channel.basic_ack(tag)
            elif properties.correlation_id != inversion_id:
                if is_settled(properties.correlation_id or ""):
                    self._channel.basic_ack(tag)
            elif properties.type == _BEGUN:
                self._begun = tag
                receipts = _without(receipts, properties.headers[_DOUBTED])
            else:
                receipts.append(properties.message_id or "")
        if self._begun is None:
            doubted = receipts[-1] if receipts else ""
            *_, (self._begun, _) = self._read_until(self._put(_BEGUN, inversion_id, doubted))
            receipts = _without(receipts, doubted)
        return set(receipts)

    def doubt(self) -> None:
        """Let the last receipt of this inversion be doubted, as if the broker had died."""
        if self._begun is not None:
            self._channel.basic_ack(self._begun)
            self._begun = None

    def complete(self, inversion_id: str) -> None:
        """Note that all messages of an inversion are confirmed."""
        self._put(_COMPLETE, inversion_id)

    def _put(self, kind: str, inversion_id: str, doubted: str = "") -> str:
        """Put a marker into the queue, past the exchange; its id."""
        from pika import BasicProperties, DeliveryMode

        mode = DeliveryMode.Persistent if kind == _COMPLETE else DeliveryMode.Transient
        properties = BasicProperties(
            type=kind,
            headers={_DOUBTED: doubted},
            correlation_id=inversion_id,
            message_id=str(uuid4()),
            delivery_mode=mode.value,
        )
        self._channel.basic_publish("", self._queue, b"", properties, mandatory=True)
        return properties.message_id

    def _read_until(self, message_id: str) -> list[tuple[int, BasicProperties]]:
        """The deliveries that have not been read, up to a message, which is the last of them."""
        give_up = time.monotonic() + self._timeout
        read: list[tuple[int, BasicProperties]] = []
        while True:
            while self._unread:
                read.append(self._unread.pop(0))
                if read[-1][1].message_id == message_id:
                    return read
            if time.monotonic() > give_up:
                raise BusUnavailableError(f"no end of {self._queue} within {self._timeout:g} s")
            self._channel.connection.process_data_events(time_limit=0.1)

    def _arrived(
        self,
        channel: BlockingChannel,
        method: Basic.Deliver,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        self._unread.append((method.delivery_tag, properties))


def _without(receipts: list[str], doubted: str) -> list[str]:
    return [message_id for message_id in receipts if message_id != doubted]
