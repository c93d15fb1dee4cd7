"""Kill `cvzmpi level2 publish`, again and again, at its requests and at random instants.

Afterwards each inversion has one record in the metadata store, one set of whole files, and one
message for each file. Services are real or stand-ins, on loopback; in between, forwarders
see each request, and kill the process before it is carried out or before it is answered.

python -m tests.level2.publication.killed_publications, or make torture-level2
"""

import itertools
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import click

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.configuration import BUS_PASSWORD, STORE_AUTHORIZATION
from cvzmpi.level2.interservice_bus.messages import QUEUES
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.product.files.file_names import directory_name
from cvzmpi.level2.product.level2_product import write_product
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_product import make_example
from tests.level2.example_rows import calcium
from tests.level2.invertible_programs import NOW
from tests.level2.publication.inverted_programs import invert
from tests.level2.publication.published_places import BUCKETS, PLACES
from tests.level2.publication.publishing_process import PublishingProcesses
from tests.level2.stand_in_store import TOKEN, StandInStore, serving
from tools.harness.amqp_forwarder import forwarding_amqp
from tools.harness.http_forwarder import forwarding_http
from tools.harness.moments import Moments
from tools.harness.rabbitmq_server import RabbitMQServer, find_programs

_KILLS_OF_ONE = 3  # publications of one program that are killed, at most
_AT_MOMENTS = 2  # the first of them, at moments; the others at random instants
_SIZES = {"a.fits": 6_000_000, "b.fits": 70_000, "c.fits": 0, "d.asdf": 3_000}


@dataclass(frozen=True)
class Expected:
    """What there must be of a program, once each."""

    program: str
    directories: dict[str, str]  # `<bucket>/<proposal>/<inversion id>/`, by inversion id
    files: dict[str, bytes]  # by bucket and key


def same(key, files, others):
    """Tell whether two collections of files have the same one, or both have none.

    In ASDF files, the library's extensions are listed in an order that each process draws.
    """
    one, other = files.get(key), others.get(key)
    if None in (one, other) or not key.endswith(".asdf"):
        return one == other
    return sorted(one.splitlines()) == sorted(other.splitlines())


class KilledPublications:
    """A campaign with one driver, whose publications are killed. Use as a context."""

    def __init__(self, driver, directory, rabbitmq, queue_type="classic"):
        self._driver, self._directory, self._rabbitmq = driver, directory, rabbitmq
        self._queue_type = queue_type
        self._numbers = itertools.count()
        self._stack = ExitStack()
        self.moments = Moments()
        self.n_moments = 0  # of an undisturbed publication
        self.kills = Counter()
        self.wrong = []
        self.messages = []  # routing key and content of each, as the catalogue gets them

    def __enter__(self):
        enter = self._stack.enter_context
        self._directory.mkdir()
        self._store = enter(serving(StandInStore()))
        self._place = enter(PLACES[self._driver](self._directory, self.moments))
        store = enter(forwarding_http(self._store.url, "store", self.moments))
        port = enter(forwarding_amqp(self._rabbitmq.port, self.moments))
        self._rabbitmq.forget_messages()
        config = self._directory / "cvzmpi.toml"
        config.write_text(
            f'[store]\nurl = "{store}"\nretries = 0\n'
            f'[bus]\nurl = "amqp://guest@127.0.0.1:{port}/%2F"\n'
            f'queue_type = "{self._queue_type}"\n{self._place.settings}'
        )
        self._ledger = enter(Ledger.open(self._directory / "ledger.sqlite"))
        self._catalogue = Catalogue(self._ledger)
        self._job = self._ledger.jobs.begin("inversions")
        self.log = self._directory / "log"
        self._processes = enter(
            PublishingProcesses(
                config,
                self.log,
                **{STORE_AUTHORIZATION: TOKEN, BUS_PASSWORD: "guest"},
                **self._place.secrets,
            )
        )
        return self

    def __exit__(self, *error):
        self._stack.close()

    def kill(self, n, chance):
        """Let so many kills come, most of them at moments, and look whether all is as promised."""
        self._kill(n, chance, self._add_program, _AT_MOMENTS)

    def kill_at_random(self, n, chance, example):
        """Let so many kills come at random instants while files are made of an inverted map."""
        self._kill(n, chance, lambda number: self._add_map(number, example), 0)

    def _kill(self, n, chance, add, n_at_moments):
        expected = add(next(self._numbers))
        began = time.monotonic()
        self._publish()
        seconds = time.monotonic() - began
        self._check(expected)
        self.n_moments = len(self.moments.names)
        turns = list(range(1, self.n_moments + 1))
        chance.shuffle(turns)
        at = itertools.cycle(turns)
        left = n
        while left and not self.wrong:
            expected = add(next(self._numbers))
            for number in range(min(_KILLS_OF_ONE, left)):
                if number < n_at_moments:
                    how = self._kill_at(next(at))  # each comes before one comes again
                else:
                    how = self._kill_in(chance.uniform(0, seconds))
                if how is None:
                    break
                self.kills[how] += 1
                left -= 1
                self._look(expected)
            self._publish()
            self._check(expected)

    def _kill_at(self, moment):
        """The name of the moment at which it was killed; None if it had ended."""
        self.moments.begin(lambda: os.kill(self._process, signal.SIGKILL), moment)
        self._process = self._processes.start()
        return self.moments.names[-1] if self._processes.wait() == -signal.SIGKILL else None

    def _kill_in(self, seconds):
        self.moments.begin()
        process = self._processes.start()
        time.sleep(seconds)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        return "at random" if self._processes.wait() == -signal.SIGKILL else None

    def _publish(self):
        """Publish without a disturbance."""
        self.moments.begin()
        self._processes.start()
        if (status := self._processes.wait()) != 0:
            self.wrong.append(f"exit status {status}: {self.log.read_text()[-600:]}")

    def _add_program(self, number):
        """A program that is inverted, with results that were handed in."""
        n_inversions = (2, 1, 1)[number % 3]
        name, bucket = f"op_{number}", BUCKETS[number % 2]
        made = invert(
            self._catalogue,
            self._job,
            self._directory / "handed-in",
            name,
            [f"inv.{number:03d}{letter}XY" for letter in "AB"[:n_inversions]],
            _SIZES,
            bucket=bucket,
        )
        directories = {one: f"{bucket}/pid_1_118/{directory_name(one)}/" for one in made}
        files = {
            directories[one] + path.name: path.read_bytes() for one in made for path in made[one]
        }
        return Expected(name, directories, files)

    def _add_map(self, number, example):
        """A further result of a program, by an inversion here, whose files are still to be made."""
        inversion_id, program = f"inv.{number:03d}MAP", "op_map"
        if program not in self._catalogue.states():
            rows = [make(observingProgramExecutionId=program) for make in (example.row, calcium)]
            synchronise(self._catalogue, self._job, read_datasets(rows))
            qualify(self._catalogue, self._job, Thresholds(), 7, NOW, only=[program])
        parts = {"level1": example.level1, "prepared": example.prepared}
        detail = {
            name: str(path) for name, path in (parts | {"inverted": example.inverted}).items()
        }
        inversion = Inversion(inversion_id, program, "Milne-Eddington", detail, now())
        with self._ledger.writing() as connection:
            add_inversion(connection, inversion)
            done = Event(program, State.DONE, detail={"inversion_id": inversion_id})
            self._ledger.record([done], self._job, within=connection)
        inversion = self._catalogue.inversion(inversion_id)  # its time as it is kept
        made = self._directory / "made" / inversion_id
        prepared = PreparedMap.read(example.prepared)
        write_product(example.level1, prepared, example.inverted, made, inversion_id, inversion.at)
        directory = f"data/pid_1_118/{directory_name(inversion_id)}/"
        files = {directory + path.name: path.read_bytes() for path in made.iterdir()}
        return Expected(program, {inversion_id: directory}, files)

    def _look(self, expected):
        """After a kill: what has happened came in its order."""
        self._collect()
        files, sent = self._files(expected), set(self._sent(expected))
        for inversion_id, directory in expected.directories.items():
            keys = {key for key in expected.files if key.startswith(directory)}
            is_registered = any(r["inversionId"] == inversion_id for r in self._store.inversions)
            if sent & keys and any(not same(key, files, expected.files) for key in keys):
                self._say(expected, "a message came before all files")
            if is_registered and not keys <= sent:
                self._say(expected, "it is registered before all messages")

    def _check(self, expected):
        """At the end: everything is there once."""
        self._collect()
        files, sent = self._files(expected), Counter(self._sent(expected))
        every = files.keys() | expected.files.keys()
        differing = [k for k in every if not same(k, files, expected.files)]
        if differing:
            self._say(expected, f"missing, left over or of another content: {sorted(differing)}")
        for key, content in files.items():
            staged = self._directory / "staging" / Path(*Path(key).parts[2:])
            if staged.exists() and staged.read_bytes() != content:
                self._say(expected, f"{key} is not what was staged")
        if sent != Counter(expected.files.keys()):
            self._say(expected, f"messages {sent}")
        records = Counter(record["inversionId"] for record in self._store.inversions)
        for inversion_id in expected.directories:
            if records[inversion_id] != 1:
                self._say(expected, f"{records[inversion_id]} records of {inversion_id}")
        history = self._ledger.history(expected.program)
        published = [e.detail["inversion_id"] for e in history if e.to_state is State.PUBLISHED]
        if published[-len(expected.directories) :] != list(expected.directories):
            self._say(expected, f"its history says that {published} are published")

    def _files(self, expected):
        """The files that are published of a program."""
        found = {}
        for directory in expected.directories.values():
            found |= self._place.files(directory)
        return found

    def _sent(self, expected):
        """The files of which messages tell."""
        for key, content in self.messages:
            name = f"{content['bucket']}/{content['objectName']}"
            if name.startswith(tuple(expected.directories.values())):
                if key != ("catalog.object.m" if name.endswith(".asdf") else "catalog.frame.m"):
                    self._say(expected, f"{name} with {key}")
                yield name

    def _say(self, expected, what):
        self.wrong.append(f"{self._driver}, {expected.program}: {what}")

    def _collect(self):
        """Take the messages as the catalogue does."""
        for queue in QUEUES.values():
            taken = self._rabbitmq.take_messages(queue)
            self.messages += [(message.routing_key, message.content) for message in taken]


@click.command()
@click.option("--kills", default=200, show_default=True, help="SIGKILLs in all.")
@click.option("--maps", default=10, show_default=True, help="Of them, while files are made.")
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
@click.option("--driver", "drivers", multiple=True, type=click.Choice(list(PLACES)))
def main(kills, maps, seed, drivers):
    """Kill publications by each driver."""
    drivers = drivers or tuple(PLACES)
    programs = find_programs()
    if programs is None:
        raise click.ClickException("no RabbitMQ server is installed")
    wrong = []
    with (
        tempfile.TemporaryDirectory(prefix="cvzmpi-kills-") as name,
        RabbitMQServer(programs) as rabbitmq,
    ):
        for number, driver in enumerate(drivers):
            queue_type = ("classic", "quorum")[number % 2]
            with KilledPublications(driver, Path(name) / driver, rabbitmq, queue_type) as target:
                target.kill((kills - maps + number) // len(drivers), random.Random(seed))
            wrong += _report(f"{driver}, {queue_type} queues", target)
        if maps:
            with KilledPublications("copy", Path(name) / "maps", rabbitmq) as target:
                example = make_example(Path(name) / "example")
                target.kill_at_random(maps, random.Random(seed), example)
            wrong += _report("files made of a map", target)
    for what in wrong:
        click.echo(f"NOT AS PROMISED: {what}")
    sys.exit(bool(wrong))


def _report(what, target):
    """Say what came of it; what is wrong."""
    click.echo(
        f"{what}: {target.kills.total()} kills; {target.n_moments} moments in the first "
        f"publication; {len(target.messages)} messages; {len(target.wrong)} things wrong"
    )
    for moment, times in sorted(target.kills.items()):
        click.echo(f"    {times:3d} {moment}")
    return target.wrong


if __name__ == "__main__":
    main()
