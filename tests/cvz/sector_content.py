"""What a sector file with random content holds; the fixtures that make it are in conftest.py."""

import numpy as np

from cvzmpi.cvz.sector_file.data import Provenance
from cvzmpi.cvz.sector_file.layout import TABLES

N, N_INJECT, N_REPEAT, N_TEMPLATES = 300, 90, 4, 5
PROVENANCE = Provenance(
    config_json='{"inject.n_inject": 90, "seed": 5}',
    config_hash="c0ffee",
    seed=5,
    models_checksum="42cf",
    software={"numpy": "2.0", "cvzmpi": "0.1.0"},
)
HEADER = {"TESSMAG": 9.25, "OBJECT": "TIC 261136679", "CAMERA": 4, "input_sha256": "ab" * 32}

# Type and shape of each dataset.
LC = {
    "time": "f8",
    "flux": "f4",
    "flux_err": "f4",
    "quality": "i4",
    "flare_probability": "f4",
    "flare_mask": "bool",
    "gp_mu": "f4",
    "gp_sigma": "f4",
    "significance": "f4",
    "significance_mask": "bool",
    "left_out": "bool",
    "event_model": "f4",
}
INJECTIONS = {
    "amplitude": ("f8", (N_INJECT,)),
    "fwhm": ("f8", (N_INJECT,)),
    "equivalent_duration": ("f8", (N_INJECT,)),
    "cadence": ("i4", (N_INJECT, N_REPEAT)),
    "time": ("f8", (N_INJECT, N_REPEAT)),
}
DATASETS = [
    *(f"lc/{name}" for name in LC),
    *(f"{table}/{name}" for table in ("flares", "mirror_events") for name in TABLES[table]),
    "templates/noise_raised",
    *(f"injections/{name}" for name in INJECTIONS),
    "recoveries/recovered",
    "recoveries/recovered_significance",
    "recoveries/checksum",
]


def same_arrays(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        assert values.dtype == second[name].dtype, name
        np.testing.assert_array_equal(values, second[name], err_msg=name)
