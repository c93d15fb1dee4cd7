"""The recoveries: rows come before the count, alone and in a team, killed or not."""

import shutil

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file.layout import ANSWERS
from cvzmpi.cvz.sector_file.reading import read_progress, read_sector_data
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.errors import CvzmpiError, SectorFileError
from cvzmpi.mpi.team import Team, TeamMateError
from cvzmpi.storage import checkpoint_file
from tests.cvz.sector_content import N_INJECT, N_REPEAT, PROVENANCE, same_arrays


def test_rows_and_count_are_written_in_place(second_checkpoint):
    rng = np.random.default_rng(4)
    rows, other = rng.random((2, N_INJECT, N_REPEAT)) < 0.5
    before = read_sector_data(second_checkpoint)
    size = second_checkpoint.stat().st_size
    with RecoveryWriter(second_checkpoint) as writer:
        writer.write_rows(slice(0, 40), rows[:40], other[:40])
        writer.write_rows(slice(40, 80), rows[40:80], other[40:80])
        writer.count_down(10, 3.25)
    with h5py.File(second_checkpoint) as file:
        for name, expected in (("recovered", rows), ("recovered_significance", other)):
            np.testing.assert_array_equal(file[f"recoveries/{name}"][:80], expected[:80])
            assert not file[f"recoveries/{name}"][80:].any()
        assert file["recoveries/recovered"].attrs["units"] == "bool"
    assert read_progress(second_checkpoint).n_inject_remaining == 10
    after = read_sector_data(second_checkpoint)
    assert after.seconds["inject"] == 3.25
    same_arrays(vars(before.injections), vars(after.injections))
    assert second_checkpoint.stat().st_size == size, "all room is allocated beforehand"


def as_killed_now(path):
    """Count and rows that a kill at this instant would leave."""
    copy = path.with_name(f"copy-of-{MPI.COMM_WORLD.Get_rank()}.h5")
    shutil.copyfile(path, copy)
    with h5py.File(copy) as file:
        group = file["recoveries"]
        rows = np.stack([group[name] for name in ANSWERS])
        return int(group.attrs["n_inject_remaining"]), rows


def test_rows_are_durable_before_the_count_vouches_for_them(second_checkpoint, monkeypatch):
    """Killed at any instant, the file never counts rows that are not in it."""
    states = []
    flush, modify = h5py.File.flush, h5py.AttributeManager.modify

    def on_disk():
        remaining, recovered = as_killed_now(second_checkpoint)
        return N_INJECT - remaining, int(recovered.all(axis=(0, 2)).sum())

    def watched_flush(self):
        flush(self)
        states.append(on_disk())

    def watched_modify(self, name, value):
        states.append(on_disk())
        modify(self, name, value)

    monkeypatch.setattr(h5py.File, "flush", watched_flush)
    monkeypatch.setattr(h5py.AttributeManager, "modify", watched_modify)
    with RecoveryWriter(second_checkpoint) as writer:
        for start in range(0, N_INJECT, 30):
            rows = slice(start, start + 30)
            writer.write_rows(rows, *np.ones((2, 30, N_REPEAT), bool))
            writer.count_down(N_INJECT - start - 30, 1.0)
    assert states[-1] == (N_INJECT, N_INJECT)
    assert all(counted <= there for counted, there in states)
    assert (0, 30) in states, "rows come first"


def test_a_file_that_cannot_be_opened_for_the_recoveries_is_one_line(tmp_path):
    with pytest.raises(SectorFileError) as caught:
        RecoveryWriter(tmp_path / "none.h5")
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{tmp_path / 'none.h5'}: cannot be opened: ")


@pytest.mark.mpi(min_size=2)
def test_a_team_writes_its_rows_together(mpi_tmp_path, modelled):
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    communicator = MPI.COMM_WORLD
    rank, size = communicator.Get_rank(), communicator.Get_size()
    path = LightCurveId(261136679, 1).path(mpi_tmp_path)
    if rank == 0:
        write_sector_file(path, modelled, PROVENANCE)
    communicator.Barrier()
    both = np.random.default_rng(4).random((2, N_INJECT, N_REPEAT)) < 0.5
    both[:, :, 0] = True
    with RecoveryWriter(path, Team(communicator)) as writer:
        for half, remaining in ((range(0, 50, 10), 40), (range(50, N_INJECT, 10), 0)):
            for start in half:
                if start // 10 % size == rank:
                    writer.write_rows(slice(start, start + 10), *both[:, start : start + 10])
            writer.count_down(remaining, 1.0 + remaining)
            communicator.Barrier()
            done = N_INJECT - remaining
            counted, recovered = as_killed_now(path)
            assert counted == remaining
            np.testing.assert_array_equal(recovered[:, :done], both[:, :done])
            assert not recovered[:, done:].any()
            communicator.Barrier()
    communicator.Barrier()
    assert read_progress(path).done
    assert read_sector_data(path).seconds["inject"] == 1.0
    communicator.Barrier()


@pytest.mark.mpi(min_size=2)
def test_a_member_that_cannot_write_is_an_error_of_all_and_the_rows_stay_uncounted(
    mpi_tmp_path, modelled, monkeypatch
):
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    team = Team(MPI.COMM_WORLD)
    path = LightCurveId(261136679, 1).path(mpi_tmp_path)
    team.lead(lambda: write_sector_file(path, modelled, PROVENANCE))

    def refuse(path):
        raise OSError(5, "Input/output error")

    with RecoveryWriter(path, team) as writer:
        if team.is_leader:
            writer.write_rows(slice(0, 10), *np.ones((2, 10, N_REPEAT), bool))
        if team.rank == team.size - 1:
            monkeypatch.setattr(checkpoint_file, "synchronise", refuse)
        with pytest.raises(CvzmpiError, match=r"cannot be written: .*Input/output error") as caught:
            writer.count_down(N_INJECT - 10, 1.0)
        assert isinstance(caught.value, TeamMateError) == (team.rank < team.size - 1)
    team.agree()
    assert read_progress(path).n_inject_remaining == N_INJECT
    team.agree()


@pytest.mark.mpi(min_size=2)
def test_a_file_that_is_gone_is_an_error_of_all_members(mpi_tmp_path):
    if not h5py.get_config().mpi:
        pytest.skip("this h5py has no parallel HDF5")
    team = Team(MPI.COMM_WORLD)
    with pytest.raises(SectorFileError, match=r"none\.h5: cannot be opened: "), team.together():
        RecoveryWriter(mpi_tmp_path / "none.h5", team)
    assert team.lead(lambda: "goes on") == "goes on"
