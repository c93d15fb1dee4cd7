"""A real light curve as a file, and as lightkurve reads it: the answers of a campaign."""

import shutil
import warnings

import numpy as np
import pytest

import cvzmpi
from tests.cvz.in_memory.campaign_of_one import run_campaign
from tests.cvz.in_memory.test_search import columns_of
from tools.harness.hdf5_content import content

FITS = "tess2018206045859-s0001-0000000425933644-0120-s_lc.fits"
SETTINGS = {"inject.n_inject": 60, "inject.n_repeat": 3}

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def fits(shared_data, tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / FITS
    shutil.copyfile(shared_data / "tess" / FITS, path)
    return path


@pytest.fixture(scope="module")
def campaign_file(fits, models, tmp_path_factory):
    (path,), _ = run_campaign(models, fits.parent, tmp_path_factory.mktemp("output"), SETTINGS)
    return path


def read_by_lightkurve(fits, quality_bitmask):
    lightkurve = pytest.importorskip("lightkurve")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lightkurve.read(fits, quality_bitmask=quality_bitmask)


def test_the_file_gives_the_campaigns_sector_file(fits, campaign_file, tmp_path):
    done = cvzmpi.inject(fits, settings=SETTINGS)
    assert len(done.flares) == 34
    assert content(done.write(tmp_path)) == content(campaign_file)


def test_all_rows_of_lightkurve_give_the_campaigns_answers(fits, campaign_file):
    done = cvzmpi.inject(read_by_lightkurve(fits, "none"), settings=SETTINGS)
    ours, theirs = columns_of(done), columns_of(cvzmpi.read(campaign_file))
    # of rows without a time, which lightkurve leaves out, nobody knows the quality
    assert {name for name in theirs if ours[name] != theirs[name]} == {"lc/quality"}


def test_lightkurves_default_loses_the_brightest_cadences_and_is_told(fits, campaign_file):
    found = cvzmpi.search(read_by_lightkurve(fits, "default"), settings=SETTINGS)
    whole = cvzmpi.read(campaign_file)
    assert "quality_bitmask='none' keeps them" in found.header["input_note"]
    assert found.header["input_note"] in found._repr_html_().replace("&#x27;", "'")
    assert len(found.flares) < len(whole.flares)
    # rows are counted from the first that is there, and in the file from its beginning
    first = np.flatnonzero(whole.data.light_curve.time == found.data.light_curve.time[0])[0]
    assert np.isin(found.flares["peak"] + first, whole.flares["peak"]).mean() > 0.8
