"""Transfers whose process is killed at any moment: one set of files, each whole, and one task."""

import json
import random
import shutil
import subprocess
import sys

import pytest

from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.transfers.transfer import destination
from tests.level2.simulated_level1 import simulate_level1
from tools.harness.job_process import ROOT, environment

N_KILLS = 20
WHERE = destination("data", "pid_1_2", "inv.ABC123")
MODULE = "tests.level2.transfers.bringing"


@pytest.fixture(scope="module")
def bringing():
    """Call a function of `bringing` in a process that is killed; the number of its changes."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "tests.level2.transfers.kept_bringing", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(),
    )

    def bringing(function, arguments, killed_before=0):
        keeper.stdin.write(json.dumps([f"{MODULE}:{function}", arguments, killed_before]) + "\n")
        keeper.stdin.flush()
        return keeper.stdout.readline().strip()

    yield bringing
    keeper.stdin.close()
    assert keeper.wait(60) == 0


class Directories:
    """`there` as directories of this machine."""

    service = ""

    def __init__(self, root):
        self.there = root / "there" / WHERE

    def put(self, files):
        self.there.mkdir(parents=True)
        for name, content in files.items():
            (self.there / name).write_bytes(content)

    def files(self):
        return {path.name: path.read_bytes() for path in self.there.iterdir()}

    def clear(self):
        shutil.rmtree(self.there, ignore_errors=True)

    def forget(self):
        """There are no tasks to forget."""

    def check(self):
        """Nothing else is to be checked."""


class Collections(Directories):
    """`there` as a collection of Globus."""

    def __init__(self, root, globus):
        super().__init__(root)
        self._globus = globus
        self.service = globus.url

    def forget(self):
        self._globus.forget(submissions=True)

    def check(self):
        assert [task["status"] for task in self._globus.tasks.values()] == ["SUCCEEDED"]


class Buckets:
    """`there` as a bucket of S3."""

    def __init__(self, s3, service):
        self._s3 = s3
        self.service = service
        self._prefix = WHERE.removeprefix("data/")

    def put(self, files):
        for name, content in files.items():
            self._s3.put_object(Bucket="data", Key=self._prefix + name, Body=content)

    def _keys(self):
        listed = self._s3.list_objects_v2(Bucket="data").get("Contents", ())
        return [one["Key"] for one in listed]

    def files(self):
        return {
            key.removeprefix(self._prefix): self._s3.get_object(Bucket="data", Key=key)[
                "Body"
            ].read()
            for key in self._keys()
        }

    def clear(self):
        for key in self._keys():
            self._s3.delete_object(Bucket="data", Key=key)

    def forget(self):
        """There are no tasks to forget."""

    def check(self):
        assert self._s3.list_multipart_uploads(Bucket="data").get("Uploads", []) == []


@pytest.fixture(params=["copy", "globus", "s3"])
def there(request, tmp_path):
    match request.param:
        case "globus":
            return Collections(tmp_path, request.getfixturevalue("globus"))
        case "s3":
            service = request.getfixturevalue("s3_server")
            return Buckets(request.getfixturevalue("s3"), service)
    return Directories(tmp_path)


@pytest.fixture
def driver(request):
    return request.node.callspec.params["there"]


@pytest.fixture
def content():
    made = random.Random(1)
    sizes = {"a.fits": 2_000_000, "b.fits": 28_800, "c.fits": 6_000_000, "d.asdf": 1000}
    return {name: made.randbytes(size) for name, size in sizes.items()}


def kill_often(bring, begin_anew, check, every=1):
    """Kill before each change of a transfer, or some, and once more on the way of the next try."""
    begin_anew()
    n_changes = int(bring(0))
    chance, n_kills = random.Random(7), 0
    while n_kills < N_KILLS:
        for number in range(1, n_changes + 1, every):
            begin_anew()
            assert bring(number) == "killed"
            n_kills += 1 + (bring(chance.randint(1, n_changes)) == "killed")
            assert bring(0).isdecimal()
            check()


def test_what_goes_out_arrives_once_and_whole(bringing, driver, there, content, tmp_path):
    product = tmp_path / "here" / "product"
    product.mkdir(parents=True)
    for name, body in content.items():
        (product / name).write_bytes(body)

    def begin_anew():
        there.clear()
        there.forget()
        (tmp_path / "task.json").unlink(missing_ok=True)

    def check():
        assert there.files() == content
        there.check()

    arguments = [driver, str(tmp_path), there.service, WHERE]
    kill_often(lambda k: bringing("bring_out", arguments, k), begin_anew, check)


def test_what_comes_in_arrives_once_and_whole(bringing, driver, there, content, tmp_path):
    there.put(content)
    target = tmp_path / "here" / "dataset.part"

    def begin_anew():
        shutil.rmtree(target, ignore_errors=True)
        (tmp_path / "task.json").unlink(missing_ok=True)
        there.forget()

    def check():
        assert {path.name: path.read_bytes() for path in target.iterdir()} == content
        there.check()

    arguments = [driver, str(tmp_path), there.service, WHERE]
    kill_often(lambda k: bringing("bring_in", arguments, k), begin_anew, check)


def test_a_dataset_takes_its_name_once_it_is_whole(bringing, tmp_path, tmp_path_factory, globus):
    source = tmp_path_factory.mktemp("simulated") / "level1"
    simulate_level1(source, n_steps=2, n_slit=4)
    name = read_level1(source).dataset_id
    shutil.copytree(source, tmp_path / "there" / "data" / "pid_1_118" / name)
    place = tmp_path / "here" / "pid_1_118"

    def begin_anew():
        shutil.rmtree(tmp_path / "here")
        (tmp_path / "here").mkdir()
        globus.forget(submissions=True)

    def fetch(number):
        how = bringing("fetch_dataset", ["globus", str(tmp_path), globus.url, name], number)
        for directory in place.glob("*"):
            if directory.name == name:
                assert content_of(directory) == content_of(source)
        return how

    def check():
        assert [path.name for path in place.iterdir()] == [name]
        assert [task["status"] for task in globus.tasks.values()] == ["SUCCEEDED"]

    kill_often(fetch, begin_anew, check, every=3)


def content_of(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}
