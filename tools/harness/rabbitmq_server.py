"""A real RabbitMQ server for a test: a node of its own on loopback, with a directory and ports.

It has no plugins, and a port mapper (`epmd`) of its own, so that it meets no other node of this
machine and leaves nothing behind. It is started as the user who runs the test, root included: the
script of the distribution would change to another user and to the directories of the machine.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pika.exceptions

from cvzmpi.level2.configuration import BusConfig
from cvzmpi.level2.interservice_bus.messages import QUEUES
from tools.harness.job_process import descendants, environment

_DEBIAN = Path("/usr/lib/rabbitmq/lib")
_STARTS_WITHIN = 120.0

EXCHANGE, RECEIPTS = BusConfig().exchange, BusConfig().receipts


def find_programs() -> Path | None:
    """The directory with the server's own scripts, if it and `epmd` are installed."""
    if shutil.which("epmd") is None:
        return None
    candidates = sorted(_DEBIAN.glob("rabbitmq_server-*/sbin"), reverse=True)
    if (found := shutil.which("rabbitmq-server")) is not None:
        candidates.append(Path(found).resolve().parent)
    for directory in candidates:
        if (directory / "rabbitmq-env").exists() and (directory / "rabbitmq-server").exists():
            return directory
    return None


@dataclass(frozen=True)
class Message:
    """A message, as a consumer gets it."""

    routing_key: str
    properties: pika.BasicProperties
    body: bytes

    @property
    def content(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


class RabbitMQServer:
    """A server that can be stopped, killed and started again. Use as a context, or `remove` it."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.directory = Path(tempfile.mkdtemp(prefix="cvzmpi-mq-", dir="/tmp"))
        self.port, self._nodes_port, self._mapper_port = _free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None
        self._mapper: subprocess.Popen[bytes] | None = None
        self._starting_or_ending = threading.Lock()
        (self.directory / "home").mkdir()
        (self.directory / "plugins").write_text("[].\n")
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = false\n"
        )

    def __enter__(self) -> RabbitMQServer:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    @property
    def _node(self) -> str:
        return f"cvzmpi-{self.port}@localhost"

    @property
    def url(self) -> str:
        """The URL of its virtual host, for a client; the password is `guest`."""
        return f"amqp://guest@127.0.0.1:{self.port}/%2F"

    def connect(self) -> pika.BlockingConnection:
        """A connection of the test's own."""
        return pika.BlockingConnection(self._parameters())

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        with self._starting_or_ending:
            if self._process is None:
                self._start()

    def _start(self) -> None:
        self._start_mapper()
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "rabbitmq-server"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self._environment(),
                start_new_session=True,
            )
        give_up = time.monotonic() + _STARTS_WITHIN
        while True:
            try:
                self.connect().close()
                return
            except pika.exceptions.AMQPError:
                assert self._process.poll() is None, (self.directory / "log").read_text()
                assert time.monotonic() < give_up, (self.directory / "log").read_text()
                time.sleep(0.1)

    def control(self, *arguments: str) -> None:
        """Run `rabbitmqctl`."""
        subprocess.run(
            [self._programs / "rabbitmqctl", "-n", self._node, *arguments],
            check=True,
            capture_output=True,
            cwd=self.directory,
            env=self._environment(),
        )

    def take_messages(self, queue: str) -> list[Message]:
        """Take all messages out of a queue; none if there is no such queue."""
        taken: list[Message] = []
        with self.connect() as connection:
            channel = connection.channel()
            with suppress(pika.exceptions.ChannelClosedByBroker):
                while True:
                    method, properties, body = channel.basic_get(queue, auto_ack=True)
                    if method is None:
                        break
                    taken.append(Message(method.routing_key, properties, body))
        return taken

    def forget_messages(self) -> None:
        """Delete the queues and the exchange of the interservice bus."""
        with self.connect() as connection:
            channel = connection.channel()
            for queue in (*QUEUES.values(), RECEIPTS):
                channel.queue_delete(queue)
            channel.exchange_delete(EXCHANGE)

    def kill(self) -> None:
        """End it as a crash of its process does: nothing is brought to disk any more."""
        with self._starting_or_ending:
            self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in order."""
        with self._starting_or_ending:
            self._end(signal.SIGTERM)

    def remove(self) -> None:
        """End it and its port mapper, and delete all that it had."""
        self.kill()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait()
            self._mapper = None
        shutil.rmtree(self.directory)

    def _start_mapper(self) -> None:
        if self._mapper is None:
            self._mapper = subprocess.Popen(
                ["epmd", "-address", "127.0.0.1", "-port", str(self._mapper_port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _end(self, how: signal.Signals) -> None:
        """Signal the emulator, which is a child of the script, and wait for all its processes."""
        if self._process is None:
            return
        tree = descendants(self._process.pid)
        for pid in tree:
            with suppress(OSError):
                if "beam" in Path(f"/proc/{pid}/comm").read_text():
                    os.kill(pid, how)
        self._process.wait(60)
        give_up = time.monotonic() + 10
        while any(map(_is_running, tree)) and time.monotonic() < give_up:
            time.sleep(0.01)
        for pid in filter(_is_running, tree):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process = None

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return environment(
            HOME=str(here / "home"),  # the cookie of the node is made there
            ERL_EPMD_ADDRESS="127.0.0.1",
            ERL_EPMD_PORT=str(self._mapper_port),
            RABBITMQ_NODENAME=self._node,
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_DIST_PORT=str(self._nodes_port),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=(
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"
            ),
            RABBITMQ_CONF_ENV_FILE=os.devnull,
            RABBITMQ_CONFIG_FILE=str(here / "rabbitmq.conf"),
            RABBITMQ_ADVANCED_CONFIG_FILE=str(here / "none.config"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(here / "plugins"),
            RABBITMQ_FEATURE_FLAGS_FILE=str(here / "feature_flags"),
            RABBITMQ_MNESIA_BASE=str(here / "mnesia"),
            RABBITMQ_LOG_BASE=str(here / "logs"),
            RABBITMQ_PID_FILE=str(here / "pid"),
        )

    def _parameters(self) -> pika.ConnectionParameters:
        return pika.ConnectionParameters("127.0.0.1", self.port, socket_timeout=5)


def _is_running(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_ports(n: int) -> list[int]:
    """Ports that nobody has.

    They are below those that outgoing connections get (32768 and more on Linux): otherwise another
    process may have one by the time a server that was killed starts again.
    """
    with ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < n:
            port = random.SystemRandom().randrange(20000, 30000)
            one = stack.enter_context(socket.socket())
            with suppress(OSError):
                one.bind(("127.0.0.1", port))
                ports.append(port)
    return ports
