"""The contents of a Level 2 product: what `dkist` reads from its files, and what must be in them.

`check` calls `look_into` in a process of its own: the files may have been made by others.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dkist
from astropy.io import fits

from cvzmpi.errors import one_line
from cvzmpi.level2.inversion.inverted_datasets import WEAK_FIELD_MODEL
from cvzmpi.level2.product.asdf_tree import check_tree
from cvzmpi.level2.product.checked_product import INVERSION_ID, CheckedProduct, ProductError
from cvzmpi.level2.product.extensions import PROFILE_KINDS, QUANTITIES, UNCERTAINTY
from cvzmpi.level2.programs.spectral_lines import KNOWN_LINES
from cvzmpi.messages.foreign_json import plain

KNOWN_QUANTITIES = tuple(QUANTITIES)
"""The quantities of DKIST's own inversions."""

REQUIRED_QUANTITIES = ("mag_strength", "mag_inclination", "mag_azimuth", "velocity")
"""Every map of the magnetic field has these, but those by the weak-field approximation."""

_REQUIRED_OF_WEAK_FIELD = ("velocity",)
_LONGITUDINAL = "weak_field_longitudinal_magnetic_field_core"

_N_STOKES = 4


def look_into(asdf: Path, files: Mapping[str, Path]) -> CheckedProduct:
    """Check the contents of a product's files; the checksums are still to be taken.

    Parameters
    ----------
    files : mapping of Path
        All files of the product, by name.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected.
    """
    inversion = _load(asdf)
    profiles = inversion.profiles or {}
    maps = _further_maps(inversion)
    is_weak_field = _is_weak_field(asdf, inversion, maps)
    quantities = _check_quantities(asdf, list(inversion), is_weak_field)
    lines = _check_lines(asdf, list(profiles), is_weak_field)
    shape = _check_shapes(asdf, inversion, profiles, maps)
    fits_files = _check_fits(asdf, files, [*inversion.items(), *profiles.items(), *maps.items()])
    inversion_id, dataset_ids = _check_inventory(asdf, inversion.meta.get("inventory", {}))
    return CheckedProduct(
        inversion_id=inversion_id,
        dataset_ids=dataset_ids,
        shape=shape,
        quantities=quantities,
        lines=lines,
        asdf=str(asdf),
        checksums={str(path): "" for path in [*fits_files, asdf]},
    )


def _load(asdf: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_tree(asdf)
            inversion = dkist.load_dataset(asdf)
        except OSError as error:
            raise ProductError(f"{asdf}: cannot be read: {error.strerror}") from error
        except Exception as error:  # also whatever a converter of one of the parts raises
            text = plain(one_line(error))
            raise ProductError(f"{asdf}: dkist cannot load it: {text}") from error
    if not isinstance(inversion, dkist.Inversion):
        raise ProductError(f"{asdf}: a {type(inversion).__name__}, not a dkist.Inversion")
    return inversion


def _further_maps(inversion: Any) -> dict[str, Any]:
    """The maps beside the members, as our own products have them: chi squared, status and more."""
    maps = inversion.meta.get("maps")
    if not isinstance(maps, Mapping):
        return {}
    return {str(name): cube for name, cube in maps.items() if isinstance(cube, dkist.Dataset)}


def _is_weak_field(asdf: Path, inversion: Any, maps: Mapping[str, Any]) -> bool:
    """True of a product by the weak-field approximation, which fits no profiles."""
    if inversion.meta.get("inventory", {}).get("model") != WEAK_FIELD_MODEL:
        return False
    if _LONGITUDINAL not in maps:
        raise ProductError(f"{asdf}: there is no {_LONGITUDINAL}: expected by its model")
    return True


def _check_quantities(asdf: Path, names: Sequence[str], is_weak_field: bool) -> list[str]:
    """The quantities; each other member is the uncertainty of a quantity."""
    for name in names:
        if name.removesuffix(UNCERTAINTY) not in KNOWN_QUANTITIES:
            known = ", ".join(KNOWN_QUANTITIES)
            raise ProductError(f"{asdf}: quantity {name!r} is not known; known: {known}")
    for name in _REQUIRED_OF_WEAK_FIELD if is_weak_field else REQUIRED_QUANTITIES:
        if name not in names:
            raise ProductError(f"{asdf}: there is no {name}, which every product needs")
    return [name for name in names if name in KNOWN_QUANTITIES]


def _check_lines(asdf: Path, names: Sequence[str], is_weak_field: bool) -> list[str]:
    """The lines of the profiles; each line has a profile of each kind, unless none is fitted."""
    lines: dict[str, set[str]] = {}
    for name in names:
        line, _, kind = name.rpartition("_")
        if line not in KNOWN_LINES or kind not in PROFILE_KINDS:
            known = ", ".join(f"{line}_{kind}" for line in KNOWN_LINES for kind in PROFILE_KINDS)
            raise ProductError(f"{asdf}: profile {name!r} is not known; known: {known}")
        lines.setdefault(line, set()).add(kind)
    if not lines:
        raise ProductError(f"{asdf}: there are no profiles of any line")
    for line, kinds in lines.items():
        for kind in ("orig",) if is_weak_field else PROFILE_KINDS:
            if kind not in kinds:
                raise ProductError(f"{asdf}: there is no profile {line}_{kind}")
    return list(lines)


def _check_shapes(
    asdf: Path,
    quantities: Mapping[str, Any],
    profiles: Mapping[str, Any],
    maps: Mapping[str, Any],
) -> list[int]:
    """The scan positions and pixels along the slit of all maps and profiles, which are the same."""
    first = next(iter(quantities))
    expected = tuple(quantities[first].shape)
    if len(expected) not in (2, 3):
        raise ProductError(
            f"{asdf}: {first} has shape {expected}: expected scan positions, slit, perhaps depths"
        )
    for name, cube in quantities.items():
        if tuple(cube.shape) != expected:
            shape = tuple(cube.shape)
            raise ProductError(f"{asdf}: {name} has shape {shape}, {first} has {expected}")
    for name, cube in maps.items():
        if tuple(cube.shape) != expected[:2]:
            shape = tuple(cube.shape)
            raise ProductError(f"{asdf}: {name} has shape {shape}: expected {expected[:2]}")
    for name, cube in profiles.items():
        shape = tuple(cube.shape)
        if len(shape) != 4 or shape[:2] != expected[:2] or shape[3] != _N_STOKES:
            wanted = f"({expected[0]}, {expected[1]}, wavelengths, {_N_STOKES})"
            raise ProductError(f"{asdf}: {name} has shape {shape}: expected {wanted}")
    for line in {name.rpartition("_")[0] for name in profiles}:
        there = [f"{line}_{kind}" for kind in PROFILE_KINDS if f"{line}_{kind}" in profiles]
        shapes = [tuple(profiles[name].shape) for name in there]
        if len(set(shapes)) != 1:
            raise ProductError(
                f"{asdf}: profiles of {line} have shapes {shapes}: expected the same"
            )
    return list(expected[:2])


def _check_fits(
    asdf: Path, files: Mapping[str, Path], cubes: Sequence[tuple[str, Any]]
) -> list[Path]:
    """The FITS files; each has its part of every map and profile that names it."""
    parts: dict[str, dict[str, tuple[Any, tuple[int, ...]]]] = {}
    for name, cube in cubes:
        # dkist has no public name for the extension that a cube is in.
        array = cube.files._fm._striped_external_array
        for file in cube.files.filenames:
            parts.setdefault(file, {})[name] = (array.target, tuple(array.shape))
    more = files.keys() - parts.keys() - {asdf.name}
    if more:
        raise ProductError(f"{files[min(more)]}: {asdf.name} does not name it")
    for name, expected in parts.items():
        if name not in files:
            raise ProductError(f"{asdf.parent / name}: missing; {asdf.name} names it")
        _check_extensions(files[name], expected)
    return [files[name] for name in parts]


def _check_extensions(path: Path, expected: Mapping[str, tuple[Any, tuple[int, ...]]]) -> None:
    try:
        with fits.open(path, memmap=True) as units:
            for name, (target, shape) in expected.items():
                found = tuple(units[target].shape)
                if found != shape:
                    raise ProductError(
                        f"{path}: {name} in extension {target} has shape {found}: expected {shape}"
                    )
    except (OSError, IndexError, KeyError, AttributeError) as error:
        text = plain(one_line(error))
        raise ProductError(f"{path}: no FITS file of this product: {text}") from error


def _check_inventory(asdf: Path, inventory: Mapping[str, Any]) -> tuple[str, list[str]]:
    inversion_id = str(inventory.get("inversionId", ""))
    if not INVERSION_ID.fullmatch(inversion_id):
        raise ProductError(
            f"{asdf}: inversionId {inversion_id!r}: expected inv. and six of A-Z and 0-9"
        )
    dataset_ids = [str(dataset) for dataset in inventory.get("datasetIds") or ()]
    if not dataset_ids:
        raise ProductError(f"{asdf}: datasetIds: expected the datasets that were inverted")
    return inversion_id, dataset_ids
