"""The networks of the detector: the published ones, others, and none."""

import pytest

from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.checkup.models import check_models
from cvzmpi.cvz.configuration import Config, DetectorConfig


def test_the_published_networks_are_told_by_their_checksum(models):
    finding = check_models(Config())
    assert finding.level is Level.OK
    assert models.checksum[:16] in finding.says


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no stella models here"), (b"other", "not a file of converted")]
)
def test_a_file_without_them_is_a_problem(tmp_path, content, reason):
    file = tmp_path / "models.npz"
    if content is not None:
        file.write_bytes(content)
    finding = check_models(Config(detector=DetectorConfig(file=file)))
    assert finding.level is Level.PROBLEM
    assert reason in finding.says
    assert "leave detector.file out" in finding.remedy
