"""A team inverts a map: tickets, checkpoints, and going on after a stop."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.errors import CvzmpiError, DamagedMapFileError, MapFileError
from cvzmpi.level2.inversion import begun_map, inversion_file
from cvzmpi.level2.inversion.map_inversion import (
    PIXELS_PER_TICKET,
    MapTickets,
    Tools,
    invert_map,
    origin_of,
)
from cvzmpi.level2.maps.model_of_map import model_of_map, table_from_text
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team, TeamMateError
from cvzmpi.scheduler.campaign import Control, UnitStopped
from cvzmpi.storage import checkpoint_file
from tests.edited_hdf5 import edited
from tests.mpi_marks import one_or_all
from tools.harness.hdf5_content import content
from tools.harness.invented_programs import WAVELENGTH

SHAPE = (3, 100)  # two tickets a scan position, the second smaller


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


@pytest.fixture(scope="module")
def alone():
    return Team(MPI.COMM_SELF.Dup())


@pytest.fixture
def directory(team, tmp_path):
    """The leader's, on all ranks."""
    return team.lead(lambda: tmp_path)


@pytest.fixture(scope="module")
def prepared(team, tmp_path_factory):
    return team.lead(
        lambda: simulate_prepared(
            tmp_path_factory.mktemp("prepared"), "map", SHAPE, wavelength=WAVELENGTH
        )[0]
    )


@pytest.fixture(scope="module")
def expected(alone, team, prepared, tmp_path_factory):
    """The content of the file that one rank makes by itself."""

    def invert():
        path = tmp_path_factory.mktemp("expected") / "map.inverted.h5"
        invert_map(tools(interval=1e9), prepared, path, alone, silent())
        return content(path)

    return team.lead(invert)


def tools(interval=0.0, fsync=False, **settings):
    return Tools(
        settings=InversionSettings(**settings),
        software={},
        checkpoint_interval=interval,
        fsync=fsync,
    )


def silent(stop=None):
    return Control(stop or StopRequest(), lambda steps: None)


def stopping_after(n_checkpoints):
    """A control that counts pixels, and asks to stop after so many checkpoints."""
    stop, steps = StopRequest(), []

    def steps_done(n):
        steps.append(n)
        if len(steps) == n_checkpoints:
            stop.ask("a test")

    return Control(stop, steps_done), steps


# ----------------------------------------------------------------- tickets


@pytest.mark.parametrize("shape", [(1, 1), (2, 64), (3, 65), (4, 200)])
def test_the_tickets_cover_each_pixel_once_and_in_order(shape):
    tickets = MapTickets(shape)
    count = np.zeros(shape, int)
    for ticket in range(len(tickets)):
        assert count.sum() == tickets.n_items(ticket)
        count[tickets.place(ticket)] += 1
    assert (count == 1).all()
    assert tickets.n_items(len(tickets)) == count.size


def test_a_ticket_is_never_larger_than_it_should_be():
    tickets = MapTickets((2, 1000))
    sizes = [s.stop - s.start for _, s in map(tickets.place, range(len(tickets)))]
    assert max(sizes) == PIXELS_PER_TICKET


# ----------------------------------------------------------------- the same, whoever does it


@one_or_all
def test_the_map_is_that_of_one_rank_to_the_last_bit(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    result = invert_map(tools(), prepared, path, team, silent())
    assert result == {"path": str(path)}
    assert content(path) == expected


@one_or_all
def test_all_pixels_are_counted_as_steps(team, directory, prepared, kind):
    steps = []
    control = Control(StopRequest(), steps.append)
    invert_map(tools(), prepared, directory / "map.inverted.h5", team, control)
    assert sum(steps) == (SHAPE[0] * SHAPE[1] if team.is_leader else 0)


@one_or_all
def test_a_stopped_inversion_goes_on_where_it_was(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    control, steps = stopping_after(1)
    with pytest.raises(UnitStopped):
        invert_map(tools(), prepared, path, team, control)
    progress = inversion_file.read_progress(path)
    assert 0 < progress.n_tickets_remaining < 6
    n_before = team.lead(lambda: sum(steps))
    control, steps = stopping_after(-1)
    invert_map(tools(), prepared, path, team, control)
    assert content(path) == expected
    if team.is_leader:
        assert n_before + sum(steps) == SHAPE[0] * SHAPE[1]


@one_or_all
def test_pixels_beyond_the_count_are_computed_again(team, directory, prepared, expected, kind):
    """What a kill may leave: rows that were written, or half of them, and not vouched for."""
    path = directory / "map.inverted.h5"
    invert_map(tools(), prepared, path, team, silent())

    def spoil():
        with edited(path) as file:
            file.attrs["n_tickets_remaining"] = np.int64(3)
            file["parameters/velocity"][1, 80:] = 99
            file["status"][2] = 0

    team.lead(spoil)
    invert_map(tools(), prepared, path, team, silent())
    assert content(path) == expected


def test_a_count_that_vouches_for_pixels_that_nobody_inverted_is_damage(
    alone, tmp_path, prepared, expected
):
    path = tmp_path / "map.inverted.h5"
    invert_map(tools(), prepared, path, alone, silent())
    with edited(path) as file:
        file["status"][1, 3] = 0
    with pytest.raises(DamagedMapFileError, match="counts pixels that are not inverted"):
        inversion_file.read(path)
    result = invert_map(tools(), prepared, path, alone, silent())
    assert "counts pixels that are not inverted; kept as" in result["note"]
    assert content(path) == expected


@one_or_all
def test_a_damaged_file_is_kept_under_another_name(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    team.lead(lambda: path.write_bytes(b"damaged"))
    result = invert_map(tools(), prepared, path, team, silent())
    assert "kept as map.inverted.h5.damaged, started anew" in result["note"]
    assert content(path) == expected
    assert (directory / "map.inverted.h5.damaged").read_bytes() == b"damaged"


# ----------------------------------------------------------------- what is refused


@one_or_all
def test_other_settings_are_refused_with_the_difference(team, directory, prepared, kind):
    path = directory / "map.inverted.h5"
    invert_map(tools(), prepared, path, team, silent())
    before = path.read_bytes()
    team.agree()
    with pytest.raises(CvzmpiError, match=r"noise: None -> 0.002"):
        invert_map(tools(noise=0.002), prepared, path, team, silent())
    assert path.read_bytes() == before


def test_other_profiles_are_refused(alone, tmp_path, prepared):
    path = tmp_path / "map.inverted.h5"
    invert_map(tools(), prepared, path, alone, silent())
    other, _ = simulate_prepared(tmp_path, "other", SHAPE, seed=2, wavelength=WAVELENGTH)
    with pytest.raises(MapFileError, match="made with other profiles"):
        invert_map(tools(), other, path, alone, silent())


def test_profiles_that_changed_on_disk_are_not_inverted(alone, tmp_path, prepared):
    copy = tmp_path / "copy.prepared.h5"
    shutil.copy(prepared, copy)
    with edited(copy) as file:
        file["stokes"][0, 0, 0, 0] += 1
    with pytest.raises(MapFileError, match="do not have their checksum"):
        invert_map(tools(), copy, tmp_path / "map.inverted.h5", alone, silent())
    assert not (tmp_path / "map.inverted.h5").exists()


def test_the_filling_factor_is_fitted_with_the_quiet_profile_as_stray_light(
    alone, tmp_path, prepared
):
    path = tmp_path / "map.inverted.h5"
    invert_map(tools(fit_filling_factor=True), prepared, path, alone, silent())
    uncertainty = inversion_file.read(path).uncertainties["filling_factor"]
    assert np.nanmedian(uncertainty) > 0
    assert PreparedMap.read(prepared).quiet_profile.max() > 0.5


# ----------------------------------------------------------------- the instrument


def instrument(directory):
    """Settings with all that blurs: a table, read by the leader only, and macroturbulence."""
    table = directory / "profile.csv"
    table.write_text("offset,transmission\n-4,0\n-2,0.5\n0,1\n2,0.6\n5,0\n")
    return {"spectral_profile": table, "macroturbulence": 0.8, "fit_filling_factor": True}


@one_or_all
def test_a_map_with_an_instrument_is_that_of_one_rank_also_after_a_stop(
    team, alone, directory, prepared, kind
):
    settings = team.lead(lambda: instrument(directory))

    def by_one():
        path = directory / "one.inverted.h5"
        invert_map(tools(interval=1e9, **settings), prepared, path, alone, silent())
        return content(path)

    expected = team.lead(by_one)
    path = directory / "map.inverted.h5"
    control, _ = stopping_after(1)
    with pytest.raises(UnitStopped):
        invert_map(tools(**settings), prepared, path, team, control)
    invert_map(tools(**settings), prepared, path, team, silent())
    assert content(path) == expected


def test_a_map_goes_on_with_the_same_table_wherever_that_is_and_with_no_other(
    alone, tmp_path, prepared
):
    path, settings = tmp_path / "map.inverted.h5", instrument(tmp_path)
    control, _ = stopping_after(1)
    with pytest.raises(UnitStopped):
        invert_map(tools(**settings), prepared, path, alone, control)
    moved = settings["spectral_profile"].rename(tmp_path / "moved.csv")
    settings["spectral_profile"] = moved
    control, _ = stopping_after(1)
    with pytest.raises(UnitStopped):
        invert_map(tools(**settings), prepared, path, alone, control)
    moved.write_text(moved.read_text().replace("0.6", "0.7"))
    with pytest.raises(MapFileError, match=r"spectral_profile: sha256:.* -> sha256:"):
        invert_map(tools(**settings), prepared, path, alone, silent())


def test_the_file_has_the_table_from_which_its_profiles_are_made_again(alone, tmp_path, prepared):
    path, settings = tmp_path / "map.inverted.h5", instrument(tmp_path)
    invert_map(tools(**settings), prepared, path, alone, silent())
    settings["spectral_profile"].unlink()
    origin = inversion_file.read(path).origin
    table = table_from_text(origin.spectral_profile)
    assert table.transmission.tolist() == [0, 0.5, 1, 0.6, 0]
    model = model_of_map(PreparedMap.read(prepared), origin.settings_json, origin.spectral_profile)
    assert model.stray_light is not None
    assert len(model.spectral_profile.taps) > 5


def test_a_map_that_was_begun_before_there_were_instruments_goes_on_without_one(
    alone, tmp_path, prepared
):
    path = tmp_path / "map.inverted.h5"
    origin = origin_of(PreparedMap.read(prepared), tools())
    earlier = json.loads(origin.settings_json)
    for name in ("spectral_profile_fwhm", "spectral_profile", "macroturbulence"):
        del earlier[name]
    origin = replace(origin, settings_json=json.dumps(earlier, sort_keys=True))
    inversion_file.create(path, SHAPE, len(MapTickets(SHAPE)), origin, fsync=False)
    with pytest.raises(MapFileError, match=r"spectral_profile_fwhm: 0\.0 -> 4\.2\)"):
        invert_map(tools(spectral_profile_fwhm=4.2), prepared, path, alone, silent())
    invert_map(tools(), prepared, path, alone, silent())
    assert inversion_file.read_progress(path).done


def test_uneven_wavelengths_are_refused_where_a_profile_needs_even_ones(alone, tmp_path):
    uneven = WAVELENGTH[0] + 0.2 * np.linspace(0, 1, len(WAVELENGTH)) ** 1.1
    prepared, _ = simulate_prepared(tmp_path, "uneven", (1, 2), wavelength=uneven)
    path = tmp_path / "map.inverted.h5"
    with pytest.raises(MapFileError, match=r"uneven.*steps of .* pm between its wavelengths"):
        invert_map(tools(spectral_profile_fwhm=4.2), prepared, path, alone, silent())
    invert_map(tools(), prepared, path, alone, silent())


# ----------------------------------------------------------------- what only one member has


@pytest.fixture
def of_the_last(team, monkeypatch):
    """Replace something on the last member of the team only."""

    def of_the_last(module, name, value):
        if team.rank == team.size - 1:
            monkeypatch.setattr(module, name, value)

    return of_the_last


def raised_by_all(team, prepared, path, tools):
    """The error that every member of the team raises, after which the team can go on."""
    with pytest.raises((CvzmpiError, ValueError)) as caught, team.together():
        invert_map(tools, prepared, path, team, silent())
    assert isinstance(caught.value, TeamMateError) == (team.rank < team.size - 1)
    assert team.lead(lambda: "goes on") == "goes on"
    return caught.value


@pytest.mark.parametrize("n_good", [0, 1], ids=["the rows", "the count"])
@one_or_all
def test_a_member_that_cannot_make_something_durable_is_an_error_of_all(
    team, directory, prepared, of_the_last, n_good, kind
):
    path, synchronised = directory / "map.inverted.h5", []
    map_of = PreparedMap.read(prepared)
    origin = origin_of(map_of, tools())
    n_tickets = len(MapTickets(map_of.shape))
    team.lead(lambda: inversion_file.create(path, map_of.shape, n_tickets, origin, fsync=False))

    def refuse(path):
        synchronised.append(path)
        if len(synchronised) > n_good:
            raise OSError(5, "Input/output error")

    of_the_last(checkpoint_file, "synchronise", refuse)
    error = raised_by_all(team, prepared, path, tools(fsync=True))
    assert "cannot be written: [Errno 5] Input/output error" in str(error)
    if n_good == 0:
        assert inversion_file.read_progress(path).n_tickets_done == 0, "no row is vouched for"
    team.agree()


@one_or_all
def test_a_defect_of_one_member_is_an_error_of_all_and_no_damage_of_the_file(
    team, directory, prepared, of_the_last, kind
):
    def defect(*given):
        raise ValueError("too many values")

    of_the_last(begun_map, "invert", defect)
    error = raised_by_all(team, prepared, directory / "map.inverted.h5", tools())
    assert "too many values" in str(error)
    assert "inconsistent" not in str(error)
