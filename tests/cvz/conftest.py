"""A sector file with random content, at each of its checkpoints."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.stella.changed_windows import ChangedWindows
from cvzmpi.cvz.injection.injection import Injections
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.cvz.sector_file.layout import TABLES
from cvzmpi.cvz.sector_file.writing import write_sector_file
from tests.cvz.sector_content import HEADER, N_INJECT, N_REPEAT, N_TEMPLATES, PROVENANCE, N


@pytest.fixture
def light_curve():
    rng = np.random.default_rng(1)
    time = 1325.3 + np.arange(N) / 720
    flux = rng.normal(1000, 1, N).astype(np.float32)
    time[7], flux[5:9] = np.nan, np.nan
    return LightCurve(
        tic=261136679,
        sector=1,
        time=time,
        flux=flux,
        flux_err=np.full(N, 1.5, np.float32),
        quality=rng.integers(0, 2**15, N).astype(np.int32),
        exposure=120 / 86400,
        header=HEADER,
    )


@pytest.fixture
def detected(light_curve):
    """The data of checkpoint 1."""
    rng = np.random.default_rng(2)
    probability = rng.random(N).astype(np.float32)
    probability[:100] = np.nan
    mask = np.zeros(N, bool)
    mask[120:130] = True
    return SectorData(light_curve, probability, mask, seconds={"download": 0.5, "detect": 1.5})


@pytest.fixture
def modelled(detected):
    """The data of checkpoint 2."""
    rng = np.random.default_rng(3)
    detected.gp_mu = rng.normal(1000, 1, N)
    detected.gp_sigma = rng.random(N)
    detected.gp_facts = {"gp_kernel": "rotation", "gp_converged": True, "gp_period": 3.5}
    detected.flares, detected.mirror_events = (
        {name: np.array([120, 121]).astype(column.dtype) for name, column in TABLES[table].items()}
        for table in ("flares", "mirror_events")
    )
    detected.significance = rng.normal(size=N).astype(np.float32)
    detected.significance_mask, detected.left_out = rng.random((2, N)) < 0.5
    detected.event_model = rng.random(N).astype(np.float32)
    detected.noise_raised = rng.random(N_TEMPLATES)
    detected.injections = Injections(
        amplitude=rng.random(N_INJECT),
        fwhm=rng.random(N_INJECT),
        cadence=rng.integers(0, N, (N_INJECT, N_REPEAT)),
        time=rng.random((N_INJECT, N_REPEAT)),
    )
    detected.equivalent_duration = rng.random(N_INJECT)
    detected.seconds["model"] = 2.5
    return detected


@pytest.fixture
def path(tmp_path):
    return LightCurveId(261136679, 1).path(tmp_path)


@pytest.fixture
def first_checkpoint(path, detected):
    write_sector_file(path, detected, PROVENANCE)
    return path


@pytest.fixture
def second_checkpoint(path, modelled):
    write_sector_file(path, modelled, PROVENANCE)
    return path


@pytest.fixture
def n_asked(monkeypatch):
    """How many answers about injected flares a network gave, one after the other."""
    numbers = []
    by_model = ChangedWindows.by_model

    def counting(self, model, question):
        answers = by_model(self, model, question)
        numbers.append(answers.size)
        return answers

    monkeypatch.setattr(ChangedWindows, "by_model", counting)
    return numbers
