"""`cvzmpi.search` and `cvzmpi.inject`: the stages of a campaign, for one light curve in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cvzmpi.cvz.configuration import LATER, Config, load
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.in_memory.checkpoints import CheckpointsInMemory
from cvzmpi.cvz.in_memory.given_light_curve import GivenLightCurve
from cvzmpi.cvz.in_memory.one_thread import one_thread
from cvzmpi.cvz.in_memory.progress import SearchProgress
from cvzmpi.cvz.in_memory.stages import begin, draw_anew, seen, setup_of, work
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.results.views.reading import chosen_search
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.sector_file.layout import FORMAT_VERSION
from cvzmpi.cvz.work.starting_point import StartingPoint
from cvzmpi.errors import ConfigError

_ALONE = "inject."
_NOT_ALONE = "inject.peak_tolerance"
"""Of the settings that begin so, the search itself depends on one; it depends on all others."""


def search(
    light_curve: GivenLightCurve,
    *,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Search one light curve for flares, in memory and in this process.

    The stages are those of a campaign, and so are the answers, for the same settings, TIC number
    and sector: to the last bit, where BLAS computes with the same kernels. A campaign chooses them
    before NumPy is loaded; so does this, if it is. `cvzmpi.inject` goes on from what is returned.

    Parameters
    ----------
    light_curve : path-like, TimeSeries, or tuple
        One star in one sector, at cadences of 20 s to 30 min:

        - the path of a FITS file of SPOC, TESS-SPOC, QLP or Kepler, or of a table;
        - a light curve of lightkurve, or another `TimeSeries` of astropy, with the columns `flux`
          and `flux_err` (or those of the archive, `pdcsap_flux` and `pdcsap_flux_err`), and perhaps
          `quality` and `cadenceno`. Facts about the star are taken from its `meta`, by the keywords
          of the archive's headers (`TEFF`, `RADIUS`, `TESSMAG`, ...); without them there are no
          energies;
        - `(time, flux, flux_error)`, or `(time, flux)`: arrays, quantities or columns. Times are
          BTJD or JD in days, or a `Time` of any kind, which is taken as barycentric.

        Values that are masked, NaN or infinite are not used. The flux may have any unit, for all
        that is found is relative to its median. Where no error is known, one for all cadences is
        estimated from the differences of neighbouring ones (their median absolute value, as of a
        normal distribution). Rows that were left out are restored without values, so `start`,
        `stop` and `peak` of a flare count all cadences from the first.

        lightkurve's reader leaves out the cadences of its `quality_bitmask`, by default also the
        brightest ones of flares: with `quality_bitmask="none"` the answers are those for the file.
    tic, sector : int, optional
        TIC number and sector, where the light curve does not say them, or others are meant; 0 where
        nobody does. What is drawn at random depends on them.
    search : str, optional
        The search whose flares, completeness and time are shown: `significance` (by default),
        `stella`, `either` or `both`. Both are always made; stella looks at cadences of 120 s
        only, so that `stella` and `both` refuse others.
    settings : mapping, optional
        Settings by dotted key as in `cvzmpi.toml`, as `{"detect.threshold": 0.6}`.
    progress : bool, optional
        Whether to show a bar once it has taken two seconds; by default on a terminal, and in a
        notebook where ipywidgets is installed.

    Returns
    -------
    SectorFile
        As `cvzmpi.read` returns it of a sector file, into which nothing was injected yet.

    Raises
    ------
    LightCurveError
        If it cannot be read or searched: another exposure than that of the search chosen, times
        that are not in order, too few cadences.
    ConfigError
        If a setting is unknown or wrong.

    Examples
    --------
    A star with noise of 0.1 % and one flare of 5 %, which decays within ten minutes:

    >>> import numpy as np
    >>> import cvzmpi
    >>> time = 2000 + np.arange(6000) / 720  # BTJD, every 2 minutes
    >>> noise = np.random.default_rng(1).normal(0, 0.001, len(time))
    >>> flare = np.where(time >= time[3000], 0.05 * np.exp((time[3000] - time) * 144), 0)
    >>> error = np.full(len(time), 0.001)
    >>> found = cvzmpi.search((time, 1 + noise + flare, error), tic=1, sector=1)
    >>> print(found.flares["peak", "found_by"])
    peak found_by
    ---- --------
    3000        3
    """
    config = _configured(settings or {})
    with _in_memory(config, progress) as checkpoints:
        setup = setup_of(config)
        start = begin(light_curve, tic, sector, config, _chosen(search, config))
        work(setup, start, checkpoints, last=Stage.MODEL)
        return seen(checkpoints, setup.provenance, _chosen(search, config))


def inject(
    light_curve: GivenLightCurve | SectorFile,
    *,
    n_inject: int | None = None,
    n_repeat: int | None = None,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Inject flares into one light curve and search for them, in memory and in this process.

    Parameters
    ----------
    light_curve : SectorFile, or as of `cvzmpi.search`
        What `cvzmpi.search` returned, or `cvzmpi.read` of a file that is not done: it is gone on
        from, without searching again. Or a light curve, which is searched first.
    n_inject : int, optional
        Flares, 2000 by default.
    n_repeat : int, optional
        Places at which each is tried, 10 by default.
    tic, sector, search, settings, progress
        As of `cvzmpi.search`. Of a search that was made, the settings hold: `settings` may change
        those of `inject` but for `inject.peak_tolerance`.

    Returns
    -------
    SectorFile
        A new one; what was given stays as it is.

    Raises
    ------
    LightCurveError
        If the light curve cannot be read or searched.
    ConfigError
        If a setting is unknown or wrong, or the search was made with another value of it.

    Examples
    --------
    >>> import numpy as np
    >>> import cvzmpi
    >>> time = 2000 + np.arange(6000) / 720
    >>> flux = np.random.default_rng(1).normal(1, 0.001, len(time))
    >>> found = cvzmpi.search((time, flux, np.full(len(time), 0.001)))
    >>> done = cvzmpi.inject(found, n_inject=200, n_repeat=5)
    >>> done
    <TIC 0, sector 0: done, 200 of 200 flares injected>
    >>> done.limits().colnames
    ['level', 'equivalent_duration', 'relation', 'low', 'high']
    """
    numbers = {"inject.n_inject": n_inject, "inject.n_repeat": n_repeat}
    changed = dict(settings or {}) | {key: n for key, n in numbers.items() if n is not None}
    if isinstance(light_curve, SectorFile):
        if tic is not None or sector is not None:
            raise ConfigError("tic and sector are those of the search that was given")
        return _go_on(light_curve, changed, search, progress)
    config = _configured(changed)
    with _in_memory(config, progress) as checkpoints:
        setup = setup_of(config)
        start = begin(light_curve, tic, sector, config, _chosen(search, config))
        work(setup, start, checkpoints)
        return seen(checkpoints, setup.provenance, _chosen(search, config))


def _go_on(
    found: SectorFile, changed: Mapping[str, Any], search: str | None, progress: bool | None
) -> SectorFile:
    """Go on from a search, whose own settings hold but for what is injected."""
    _check_changes(found, changed)
    if found.format_version != FORMAT_VERSION:
        raise ConfigError(
            f"{found.described}: made by an earlier version (format {found.format_version}), "
            "search its light curve anew"
        )
    config = _configured(found.config | dict(changed))
    chosen = chosen_search(search, found.search)
    with _in_memory(config, progress) as checkpoints:
        setup = setup_of(config)
        if setup.provenance.models_checksum != found.models_checksum:
            raise ConfigError(f"{found.described}: searched with other networks")
        data, n_remaining = _copied(found.data), found.n_inject_remaining
        if found.checkpoint is Stage.MODEL:
            if config.science_json() == found.config_json:
                checkpoints.go_on_from(data, found.answers)
            else:
                draw_anew(setup, data)
                setup.write(checkpoints, data)
                n_remaining = config.inject.n_inject
        work(setup, StartingPoint(data, found.checkpoint, n_remaining), checkpoints)
        return seen(checkpoints, setup.provenance, chosen)


@contextmanager
def _in_memory(config: Config, progress: bool | None) -> Iterator[CheckpointsInMemory]:
    """Checkpoints of which a bar is told, where linear algebra has one thread."""
    with one_thread(), SearchProgress(progress, config.inject.n_inject) as bar:
        yield CheckpointsInMemory(bar.reached, bar.flares_done)


def _configured(settings: Mapping[str, Any]) -> Config:
    """The settings, those of a campaign by default."""
    return load(None, values_by_key=settings)


def _chosen(search: str | None, config: Config) -> Search:
    return chosen_search(search, Search(config.detect.search))


def _check_changes(found: SectorFile, changed: Mapping[str, Any]) -> None:
    """Refuse settings that the search itself depends on.

    Raises
    ------
    ConfigError
        Naming the setting.
    """
    known = LATER | found.config
    for key, value in changed.items():
        alone = key.startswith(_ALONE) and key != _NOT_ALONE
        if not alone and key in known and known[key] != value:
            raise ConfigError(
                f"{key}: the search was made with {known[key]!r}: give the light curve "
                "itself, to search it anew"
            )


def _copied(data: SectorData) -> SectorData:
    """The same, whose change leaves what was given as it is."""
    return replace(data, seconds=dict(data.seconds), gp_facts=dict(data.gp_facts))
