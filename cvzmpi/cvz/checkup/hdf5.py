"""HDF5: h5py, and whether a team of several ranks can write one file."""

from __future__ import annotations

import json

from cvzmpi.cvz.checkup.finding import Finding, ok, problem
from cvzmpi.cvz.checkup.python_process import printed_by
from cvzmpi.cvz.configuration import Config
from cvzmpi.other_program import ProgramError

_LOOK = """
import json, sys
import h5py
from cvzmpi.errors import LaunchError
from cvzmpi.mpi.launch import check_parallel_hdf5
lacks = ""
try:
    check_parallel_hdf5(int(sys.argv[1]), n_ranks=int(sys.argv[1]) + 1)
except LaunchError as error:
    lacks = str(error)
versions = f"h5py {h5py.version.version}, HDF5 {h5py.version.hdf5_version}"
print(json.dumps([versions, bool(h5py.get_config().mpi), lacks]))
"""


def check_hdf5(config: Config) -> Finding:
    """Look whether h5py can be loaded, and is parallel where teams need it."""
    try:
        versions, is_parallel, lacks = json.loads(printed_by(_LOOK, str(config.ranks_per_team)))
    except ProgramError as error:
        return problem(
            f"h5py cannot be loaded ({error})",
            "load the HDF5 that it is built with, or pip install h5py",
        )
    if lacks:
        return problem(f"{versions}; {lacks}", "set ranks_per_team = 1, or `make setup`")
    teams = "teams of any size" if is_parallel else "not parallel: teams of one"
    return ok(f"{versions}, {teams}")
