"""The interservice bus: messages by AMQP to a RabbitMQ broker, each exactly once.

Each message is persistent, and confirmed by the broker before the next one is sent. `receipts`
tells which messages were sent by a process that was killed.

The queues of the catalogue are declared and bound before the first message, as the data centre's
own programs do. Messages are mandatory as well; the flag alone would not notice a missing queue of
the catalogue as long as the receipts take the message.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from cvzmpi.errors import one_line
from cvzmpi.extras import needs
from cvzmpi.level2.interservice_bus.bus_errors import BusRefusedError, BusUnavailableError
from cvzmpi.level2.interservice_bus.messages import QUEUES, CatalogueMessage
from cvzmpi.level2.interservice_bus.receipts import Receipts

if TYPE_CHECKING:
    from pika import BlockingConnection, ConnectionParameters
    from pika.adapters.blocking_connection import BlockingChannel

_PORT, _ENCRYPTED_PORT = 5672, 5671
_PAUSE = 0.2  # seconds between two attempts to become the consumer of the receipts
_HEARTBEAT = 30  # seconds; a broker notices within twice that time that a machine is gone
_IN_USE = 403  # the code of AMQP for a queue with another exclusive consumer


@dataclass(frozen=True)
class InterserviceBus:
    """The broker, and how messages are routed there."""

    url: str  # amqp://user@host:port/virtual-host, or amqps://
    password: str = ""  # takes the place of that in the URL
    exchange: str = "master.direct.x"
    queue_type: Literal["classic", "quorum"] = "classic"  # of the catalogue's queues
    receipts: str = "cvzmpi.level2.receipts"  # our own queue, and its routing key
    timeout: float = 30.0  # seconds for the broker to answer

    def send(
        self,
        messages: Sequence[CatalogueMessage],
        is_settled: Callable[[str], bool] = lambda inversion_id: False,
    ) -> None:
        """Send the messages of an inversion that the broker has not taken yet.

        Parameters
        ----------
        messages : sequence of CatalogueMessage
            All messages of the inversion.
        is_settled : callable
            Tells of the id of another inversion whether its messages will not be sent again, as
            when it is published.

        Raises
        ------
        BusUnavailableError
            If not all messages are confirmed; later the others may be.
        BusRefusedError
            If the broker refuses the user, the exchange or a queue, or no queue takes a message.
        MissingPackageError
        """
        (inversion_id,) = {message.inversion_id for message in messages}
        with self._connected() as connection:
            channel, receipts = self._open(connection)
            taken = receipts.taken(inversion_id, is_settled)
            for message in messages:
                if message.message_id not in taken:
                    self._publish(channel, receipts, message)
            receipts.complete(inversion_id)

    def _publish(
        self, channel: BlockingChannel, receipts: Receipts, message: CatalogueMessage
    ) -> None:
        """Send a message, and return when it is confirmed."""
        from pika import BasicProperties, DeliveryMode
        from pika.exceptions import NackError, UnroutableError

        properties = BasicProperties(
            content_type="application/json",
            content_encoding="UTF-8",
            delivery_mode=DeliveryMode.Persistent.value,
            message_id=message.message_id,
            correlation_id=message.inversion_id,
            headers={"BCC": [self.receipts]},
        )
        try:
            channel.basic_publish(
                self.exchange, message.routing_key, message.body, properties, mandatory=True
            )
        except NackError as error:
            receipts.doubt()
            raise BusUnavailableError(
                f"the broker did not take the message for {message.object_name}"
            ) from error
        except UnroutableError as error:
            raise BusRefusedError(
                f"no queue takes {message.routing_key}, for {message.object_name}"
            ) from error

    def _open(self, connection: BlockingConnection) -> tuple[BlockingChannel, Receipts]:
        """A channel with all queues, which is the only one that reads the receipts."""
        from pika.exceptions import ChannelClosedByBroker

        give_up = time.monotonic() + self.timeout
        while True:
            channel = connection.channel()
            channel.confirm_delivery()
            self._declare(channel)
            try:
                return channel, Receipts(channel, self.receipts, self.timeout)
            except ChannelClosedByBroker as error:
                if error.reply_code != _IN_USE:
                    raise
                if time.monotonic() > give_up:
                    raise BusUnavailableError(
                        f"another process sends messages, or was killed and the broker has not "
                        f"noticed: {error.reply_text}"
                    ) from error
            connection.sleep(_PAUSE)

    def _declare(self, channel: BlockingChannel) -> None:
        """Make the exchange and the queues, where they are missing, and bind the queues."""
        channel.exchange_declare(self.exchange, "direct", durable=True)
        queues = [(key, queue, self.queue_type) for key, queue in QUEUES.items()]
        # Only a classic queue loses the marker when the broker is started again.
        for key, queue, kind in [*queues, (self.receipts, self.receipts, "classic")]:
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": kind})
            channel.queue_bind(queue, self.exchange, key)

    @contextmanager
    def _connected(self) -> Iterator[BlockingConnection]:
        """A connection; an error of the broker or of the network becomes one of ours."""
        with needs("amqp"):
            import pika
            from pika import exceptions
        logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs what it raises, at length
        refused = (
            exceptions.ChannelClosedByBroker,
            exceptions.AuthenticationError,
            exceptions.ProbableAuthenticationError,
            exceptions.ProbableAccessDeniedError,
        )
        connection = None
        try:
            connection = pika.BlockingConnection(self._parameters())
            yield connection
        except (BusUnavailableError, BusRefusedError):
            raise
        except refused as error:
            raise BusRefusedError(f"{self.url}: {_reason(error)}") from error
        except (exceptions.AMQPError, OSError) as error:
            raise BusUnavailableError(f"{self.url}: no answer: {_reason(error)}") from error
        finally:
            if connection is not None and connection.is_open:
                with suppress(exceptions.AMQPError):
                    connection.close()

    def _parameters(self) -> ConnectionParameters:
        from pika import ConnectionParameters, PlainCredentials, SSLOptions

        address = urlsplit(self.url)
        encrypted = address.scheme == "amqps"
        try:
            port = address.port or (_ENCRYPTED_PORT if encrypted else _PORT)
        except ValueError as error:
            raise BusRefusedError(f"{self.url}: {one_line(error)}") from error
        host = address.hostname or "localhost"
        user, password = unquote(address.username or "guest"), unquote(address.password or "")
        return ConnectionParameters(
            host,
            port,
            unquote(address.path[1:]) or "/",
            PlainCredentials(user, self.password or password),
            ssl_options=SSLOptions(ssl.create_default_context(), host) if encrypted else None,
            heartbeat=_HEARTBEAT,
            socket_timeout=self.timeout,
            stack_timeout=self.timeout,
            blocked_connection_timeout=self.timeout,
        )


def _reason(error: Exception) -> str:
    """The reason of an error of pika, which has no words for a connection that failed."""
    reason: str = getattr(error, "reply_text", "")
    return reason or (one_line(error) if str(error) else "the connection failed")
