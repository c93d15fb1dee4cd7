"""The main job as it is, with an exception raised on rank 0 at some instant.

    python -m tools.torture.broken_job SECONDS run ...

SECONDS after it was started, a thread has the main thread of rank 0 raise `Defect`, wherever it is.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time

BEGUN = time.monotonic()


class Defect(Exception):  # noqa: N818 - stands for any exception that nobody expects
    """Nobody's fault."""


def raise_in_main_thread(seconds: float) -> None:
    """Raise `Defect` in the main thread, so long after the process began."""
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def wait_and_raise() -> None:
        time.sleep(max(seconds - (time.monotonic() - BEGUN), 0.0))
        set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
        set_exception(ctypes.c_ulong(main_thread), ctypes.py_object(Defect))

    threading.Thread(target=wait_and_raise, daemon=True).start()


if __name__ == "__main__":
    from cvzmpi.cli import main
    from cvzmpi.mpi.launcher import rank_by_launcher

    seconds = float(sys.argv.pop(1))
    if rank_by_launcher() == 0:
        raise_in_main_thread(seconds)
    main()
