"""Messages to a real RabbitMQ broker: each once, whoever dies in between."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pika
import pytest

from cvzmpi.level2.interservice_bus.bus import InterserviceBus
from cvzmpi.level2.interservice_bus.bus_errors import BusRefusedError, BusUnavailableError
from cvzmpi.level2.interservice_bus.messages import QUEUES, catalogue_messages
from tools.harness.amqp_forwarder import forwarding_amqp
from tools.harness.moments import Moments
from tools.harness.rabbitmq_server import EXCHANGE, RECEIPTS

NAMES = [f"pid_1_2/inv_ABC123/{name}" for name in ("1.fits", "2.fits", "3.fits", "A.asdf")]
MESSAGES = catalogue_messages("data", NAMES, "inv.ABC123")
OTHERS = catalogue_messages("data", ["pid_1_2/inv_OTHER1/1.fits"], "inv.OTHER1")


@pytest.fixture
def bus(rabbitmq):
    return InterserviceBus(rabbitmq.url, "guest", timeout=5)


@pytest.fixture
def moments():
    return Moments()


@pytest.fixture
def watched(bus, rabbitmq, moments):
    """The same bus, with a forwarder in between that sees each message."""
    with forwarding_amqp(rabbitmq.port, moments) as port:
        yield replace(bus, url=f"amqp://guest@127.0.0.1:{port}/%2F")


@pytest.fixture
def taken(rabbitmq):
    """Take all messages as the catalogue does."""
    return lambda: [m for queue in QUEUES.values() for m in rabbitmq.take_messages(queue)]


def names(messages):
    return [message.content["objectName"] for message in messages]


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_messages_arrive_as_the_data_centre_has_them(bus, rabbitmq, queue_type):
    replace(bus, queue_type=queue_type).send(MESSAGES)
    frames = rabbitmq.take_messages("catalog.frame.q")
    objects = rabbitmq.take_messages("catalog.object.q")
    assert names(frames) == NAMES[:3]
    assert names(objects) == NAMES[3:]
    for message, sent in zip([*frames, *objects], MESSAGES, strict=True):
        assert (message.routing_key, message.body) == (sent.routing_key, sent.body)
        properties = message.properties
        assert (properties.content_type, properties.content_encoding) == (
            "application/json",
            "UTF-8",
        )
        assert properties.delivery_mode == pika.DeliveryMode.Persistent.value
        assert (properties.message_id, properties.correlation_id) == (
            sent.message_id,
            "inv.ABC123",
        )
        assert "BCC" not in properties.headers


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_exchange_and_queues_are_those_of_the_data_centre(bus, rabbitmq, queue_type):
    replace(bus, queue_type=queue_type).send(MESSAGES)
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        channel.exchange_declare(EXCHANGE, "direct", durable=True)  # refused if it were another
        for queue in QUEUES.values():
            channel.queue_declare(queue, durable=True, arguments={"x-queue-type": queue_type})
            with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="x-queue-type"):
                connection.channel().queue_declare(
                    queue, durable=True, arguments={"x-queue-type": "stream"}
                )


def test_sent_again_they_are_not_there_again(bus, taken):
    bus.send(MESSAGES)
    bus.send(MESSAGES)
    assert names(taken()) == NAMES
    bus.send(MESSAGES)  # also when the catalogue has consumed them
    assert taken() == []


def test_other_messages_with_the_same_keys_do_not_come_among_the_receipts(bus, rabbitmq):
    bus.send(MESSAGES)
    before = rabbitmq.take_messages(RECEIPTS)
    with rabbitmq.connect() as connection:
        connection.channel().basic_publish(EXCHANGE, "catalog.frame.m", b"{}")
    assert len(before) > len(NAMES)
    assert rabbitmq.take_messages(RECEIPTS) == []


def test_receipts_are_removed_when_an_inversion_is_published(bus, rabbitmq):
    bus.send(MESSAGES)
    bus.send(OTHERS, lambda inversion_id: False)
    bus.send(OTHERS, lambda inversion_id: inversion_id == "inv.ABC123")
    kept = rabbitmq.take_messages(RECEIPTS)
    assert {message.properties.correlation_id for message in kept} == {"inv.OTHER1"}


# ----------------------------------------------------------------- the publisher dies


def lose(watched, moments, at, what=None):
    """Send, and lose the connection at a moment; False if all was sent before."""
    moments.begin(lambda: None, at, what and f"bus: {what}")
    try:
        watched.send(MESSAGES)
    except BusUnavailableError:
        return True
    return False


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_whenever_the_publisher_dies_each_message_is_there_once(
    bus, watched, moments, rabbitmq, taken, queue_type
):
    bus, watched = replace(bus, queue_type=queue_type), replace(watched, queue_type=queue_type)
    at = 1
    while lose(watched, moments, at):
        bus.send(MESSAGES)
        assert Counter(names(taken())) == Counter(NAMES), moments.names
        rabbitmq.forget_messages()
        at += 1
    assert moments.names.count("bus: confirmed") >= len(NAMES)
    assert at > 4 * len(NAMES)


def test_dying_again_and_again_it_gets_on(bus, watched, moments, taken):
    n_lost = 0
    for at in (13, 9, 11, 10, 12, 9, 14):
        n_lost += lose(watched, moments, at)
    bus.send(MESSAGES)
    assert n_lost >= 3
    assert Counter(names(taken())) == Counter(NAMES)


def test_while_another_process_sends_this_one_waits_and_then_says_so(bus, rabbitmq, taken):
    bus.send(OTHERS)
    with rabbitmq.connect() as connection:
        channel = connection.channel()
        channel.basic_consume(RECEIPTS, lambda *_: None, exclusive=True)
        with pytest.raises(BusUnavailableError, match="another process sends messages"):
            replace(bus, timeout=0.5).send(MESSAGES)
        connection.call_later(1, channel.close)
        channel.start_consuming()
    bus.send(MESSAGES)
    assert Counter(names(taken())) == Counter([*NAMES, "pid_1_2/inv_OTHER1/1.fits"])


# ----------------------------------------------------------------- the broker dies


# Two markers are sent before the first message, which have no body.
SECOND_MESSAGE = {"a message begins": 4, "the body of a message": 2, "confirmed": 4}


@pytest.mark.parametrize("what", SECOND_MESSAGE)
def test_whenever_the_broker_dies_none_is_lost_and_at_most_one_comes_twice(
    bus, watched, moments, rabbitmq, taken, what
):
    moments.begin(rabbitmq.kill, SECOND_MESSAGE[what], f"bus: {what}")
    with pytest.raises(BusUnavailableError):
        watched.send(MESSAGES)
    rabbitmq.start()
    bus.send(MESSAGES)
    messages = taken()
    assert set(names(messages)) == set(NAMES)
    assert len(messages) <= len(NAMES) + 1
    assert {m.properties.message_id for m in messages} == {m.message_id for m in MESSAGES}


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_what_was_confirmed_is_not_sent_again_after_a_restart(bus, rabbitmq, taken, how):
    bus.send(MESSAGES)
    getattr(rabbitmq, how)()
    rabbitmq.start()
    bus.send(MESSAGES)
    assert names(taken()) == NAMES


def test_while_the_broker_lives_a_receipt_is_believed(bus, watched, moments, taken):
    assert lose(watched, moments, SECOND_MESSAGE["confirmed"], "confirmed")
    assert names(taken()) == NAMES[:2]
    bus.send(MESSAGES)
    assert names(taken()) == NAMES[2:]


@pytest.mark.parametrize("deaths", [(), (2, 2, 2), (3, 2)])
def test_a_receipt_that_is_all_a_dead_broker_kept_of_a_message_is_not_believed(
    bus, watched, moments, rabbitmq, taken, deaths
):
    """Nor if processes die then, before the second marker or before the message is sent again."""
    assert lose(watched, moments, SECOND_MESSAGE["confirmed"], "confirmed")
    assert names(taken()) == NAMES[:2]  # the second is what the broker loses
    rabbitmq.stop()
    rabbitmq.start()
    for before in deaths:
        assert lose(watched, moments, before, "a message begins")
    assert taken() == []
    bus.send(MESSAGES)
    assert names(taken()) == NAMES[1:]


def test_a_broker_that_is_down_is_no_fault_of_the_program(bus, rabbitmq, taken):
    rabbitmq.kill()
    with pytest.raises(BusUnavailableError, match="no answer"):
        bus.send(MESSAGES)
    rabbitmq.start()
    bus.send(MESSAGES)
    assert names(taken()) == NAMES


# ----------------------------------------------------------------- refused


def test_a_message_that_the_queue_refuses_comes_later_and_once(bus, rabbitmq, taken):
    full = '{"max-length": 1, "overflow": "reject-publish"}'
    rabbitmq.control("set_policy", "full", "^catalog.frame.q$", full)
    try:
        with pytest.raises(BusUnavailableError, match=r"did not take the message for .*2\.fits"):
            bus.send(MESSAGES)
    finally:
        rabbitmq.control("clear_policy", "full")
    bus.send(MESSAGES)
    assert names(taken()) == NAMES


def test_a_message_that_no_queue_takes_is_an_error(bus, rabbitmq, taken, monkeypatch):
    declare = InterserviceBus._declare

    def declare_and_unbind(self, channel):
        declare(self, channel)
        for key, queue in [*QUEUES.items(), (RECEIPTS, RECEIPTS)]:
            channel.queue_unbind(queue, EXCHANGE, key)

    with monkeypatch.context() as patch:
        patch.setattr(InterserviceBus, "_declare", declare_and_unbind)
        with pytest.raises(
            BusRefusedError, match=r"no queue takes catalog\.frame\.m, for .*1\.fits"
        ):
            bus.send(MESSAGES)
    bus.send(MESSAGES)
    assert names(taken()) == NAMES


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "not-to-be-shown"}, "ACCESS_REFUSED"),
        ({"queue_type": "quorum"}, "x-queue-type"),
        ({"exchange": "amq.topic"}, "PRECONDITION_FAILED"),
    ],
)
def test_what_the_broker_refuses_is_said_on_one_line(bus, changed, said):
    bus.send(OTHERS)
    with pytest.raises(BusRefusedError, match=said) as refused:
        replace(bus, **changed).send(MESSAGES)
    assert "\n" not in str(refused.value)
    assert "not-to-be-shown" not in str(refused.value)
    with suppress(BusRefusedError):
        bus.send(MESSAGES)
