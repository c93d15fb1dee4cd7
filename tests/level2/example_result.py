"""Results as the science team hands them in."""

import h5py
import numpy as np

SHAPE = (3, 4)
N_WAVELENGTHS = 5
QUANTITIES = {
    "mag_strength": "G",
    "mag_inclination": "deg",
    "mag_azimuth": "deg",
    "velocity": "m/s",
}


def write_result(path, lines=("FeI630",), quantities=QUANTITIES, shape=SHAPE, **changed):
    """A small result that passes; `changed` replaces arrays, by name with `__` for `/`.

    None leaves one out.
    """
    rng = np.random.default_rng(1)
    arrays = {f"quantities/{name}": rng.normal(size=shape) for name in quantities}
    for line in lines:
        arrays[f"wavelengths/{line}"] = np.linspace(630.0, 630.4, N_WAVELENGTHS)
        for kind in ("orig", "fit"):
            arrays[f"profiles/{line}_{kind}"] = rng.normal(size=(*shape, N_WAVELENGTHS, 4))
    arrays |= {name.replace("__", "/"): array for name, array in changed.items()}
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file[name] = array
        for name, units in quantities.items():
            if f"quantities/{name}" in file:
                file[f"quantities/{name}"].attrs["units"] = units
    return path
