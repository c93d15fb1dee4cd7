"""The start of a job: one core per rank, the MPI world, and how its ranks form teams."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cvzmpi.errors import CvzmpiError, LaunchError
from cvzmpi.extras import needs
from cvzmpi.mpi.launcher import check_size
from cvzmpi.mpi.library import NoMpiError, mpi
from cvzmpi.mpi.mpi_files import find_room_for_mpi
from cvzmpi.mpi.one_rank import OneRank
from cvzmpi.mpi.stopping import DEFECT, JobStopped, StopRequest, abort_job

if TYPE_CHECKING:
    from cvzmpi.mpi.library import MPI
    from cvzmpi.mpi.team import Team

T = TypeVar("T")
R = TypeVar("R")

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def pin_to_one_core() -> None:
    """Have BLAS and OpenMP use one thread in this process, whatever the environment says.

    To be called before NumPy is imported: the libraries read these variables once. OpenBLAS knows
    some newer processors with AVX-512 only as their AVX2 ancestors and computes at half their
    speed; it is told to use its AVX-512 kernels there, unless somebody chose its kernels already.
    """
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    choose_blas_kernels()


def choose_blas_kernels() -> None:
    """Have OpenBLAS use the kernels of `pin_to_one_core`: before NumPy is imported, or in vain."""
    if _has_avx512():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")


def _has_avx512(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether the processor has all instructions of OpenBLAS's SkylakeX kernels."""
    try:
        with cpuinfo.open() as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False  # no Linux: OpenBLAS chooses
    return {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= set(flags.split())


class World:
    """All ranks of the job, and whether it is to `stop`, as far as this rank knows."""

    def __init__(
        self, communicator: MPI.Intracomm | OneRank, stop: StopRequest | None = None
    ) -> None:
        # mypy: of a world with one rank, nobody uses more than `OneRank` can do.
        self.communicator: MPI.Intracomm = communicator  # type: ignore[assignment]
        self.stop = StopRequest() if stop is None else stop
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()

    @classmethod
    def start(cls, stop: StopRequest | None = None) -> World:
        """Initialise MPI; where there is none, a process that nobody launched is a world alone.

        Parameters
        ----------
        stop : StopRequest, optional
            Of a job that listens to signals already.

        Raises
        ------
        LaunchError
            If the launcher started another number of ranks than MPI sees: then every rank is a
            world of its own, and all would do the same work. Or if there is no MPI for them, or no
            room on this machine for the messages of its ranks.
        """
        find_room_for_mpi()
        try:
            world = cls(mpi().COMM_WORLD, stop)
        except NoMpiError as lack:
            _check_alone(lack)
            return cls.alone(stop)
        check_size(world.size)
        return world

    @classmethod
    def alone(cls, stop: StopRequest | None = None) -> World:
        """The world of this process alone; loads no MPI."""
        return cls(OneRank(), stop)

    def first(self, work: Callable[[], T]) -> T:
        """Let rank 0 do something alone, and tell all.

        Raises
        ------
        CvzmpiError, JobStopped
            What `work` raised, on all ranks.
        """
        result: Any = None
        error: CvzmpiError | JobStopped | None = None
        if self.rank == 0:
            try:
                with needs():
                    result = work()
            except (CvzmpiError, JobStopped) as caught:
                error = caught
        result, error = self.communicator.bcast((result, error))
        if error is not None:
            raise error
        return result

    def scatter(
        self,
        items: Sequence[T],
        work: Callable[[T], R],
        show: Callable[[int, int], None] | None = None,
    ) -> list[R]:
        """Apply `work` to each item on one of the ranks: collective.

        Every rank takes each size-th item, so the items should be about alike.

        Parameters
        ----------
        items : sequence
            The same on all ranks.
        work : callable
            Its results must be small: they go to rank 0.
        show : callable, optional
            Is told on rank 0, before each of its items, how many of all items are done if the
            other ranks are as fast, and how many there are.

        Returns
        -------
        list
            The results in the order of the items on rank 0; empty on the others.

        Raises
        ------
        CvzmpiError
            The first one that `work` raised, on all ranks; the others have finished their items.
        """
        results: list[R] = []
        error: CvzmpiError | None = None
        try:
            for number in range(self.rank, len(items), self.size):
                if show is not None and self.rank == 0:
                    show(number, len(items))
                results.append(work(items[number]))
        except CvzmpiError as caught:
            error = caught
        errors = [e for e in self.communicator.allgather(error) if e is not None]
        if errors:
            raise errors[0]
        gathered = self.communicator.gather(results)
        if gathered is None:
            return []
        return [gathered[i % self.size][i // self.size] for i in range(len(items))]

    def n_nodes(self) -> int:
        """On how many machines the ranks are: collective."""
        return len(set(self.communicator.allgather(socket.gethostname())))

    def form_team(self, ranks_per_team: int) -> Team | None:
        """Form the teams: collective. Rank 0 is in none, unless it is alone.

        Teams do not cross nodes. Where the ranks of a node do not divide evenly, its last team is
        smaller, which the results do not depend on.
        """
        from cvzmpi.mpi.team import Team

        if self.size == 1:
            return Team(self.communicator)
        scheduler = self.rank == 0
        workers = self.communicator.Split(mpi().UNDEFINED if scheduler else 0, self.rank)
        if scheduler:
            return None
        node: Any = workers.Split_type(mpi().COMM_TYPE_SHARED, self.rank)
        members = node.Split(node.Get_rank() // ranks_per_team, self.rank)
        leader = members.bcast(self.rank)
        return Team(members, name=f"rank {leader}")

    def abort(self, reason: str | None = None, status: int = DEFECT) -> None:
        """End the whole job at once, after a defect as a rule."""
        abort_job(self.communicator, reason or f"a defect on rank {self.rank}", status)


def _check_alone(lack: NoMpiError) -> None:
    """Check that no launcher started this process as one of several.

    Raises
    ------
    LaunchError
        If one did, for which there is no MPI.
    """
    try:
        check_size(1)
    except LaunchError as mismatch:
        # in a batch script, outside of srun, Slurm tells of ranks that it did not start
        in_batch_script = "SLURM_NTASKS is" in str(mismatch)
        remedy = "; to run as one rank, unset SLURM_NTASKS" if in_batch_script else ""
        raise LaunchError(f"several ranks need MPI, and {lack}{remedy}", mismatch.rank) from lack


def check_parallel_hdf5(ranks_per_team: int, n_ranks: int) -> None:
    """Check that the ranks of a team can write one file together.

    Parameters
    ----------
    ranks_per_team : int
        The setting.
    n_ranks : int
        Of the job: as rank 0 is in no team, there must be three for a team of two.

    Raises
    ------
    LaunchError
        If teams are larger than one and h5py is not built with parallel HDF5.
    """
    import h5py

    if min(ranks_per_team, n_ranks - 1) > 1 and not h5py.get_config().mpi:
        raise LaunchError(
            f"ranks_per_team = {ranks_per_team} needs h5py built with parallel HDF5 (`make setup` "
            "does it), and this h5py is not; teams of one (ranks_per_team = 1) work without"
        )
