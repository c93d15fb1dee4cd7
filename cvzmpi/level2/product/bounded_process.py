"""A function in a process of its own, with limits of time and memory and without a network.

For files that others made: what their readers do with them cannot be foreseen. The processes are
forked from a server that has imported what is slow to import.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from cvzmpi.errors import CvzmpiError, one_line

Result = TypeVar("Result")

_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
_MAX_LENGTH = 1000  # characters of an error


class LimitError(CvzmpiError):
    """It took longer, or more memory, than it may, or its process failed."""


def call_bounded(
    function: Callable[..., Result], *arguments: Any, seconds: float, gigabytes: float
) -> Result:
    """Call a function within limits.

    Parameters
    ----------
    function : callable
        Of a module; it and its arguments must pickle, and so must its result and its `CvzmpiError`.
    *arguments
    seconds, gigabytes : float
        The limits.

    Raises
    ------
    LimitError
    CvzmpiError
        What the function raised.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dkist", function.__module__])
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_answer, args=(sender, gigabytes, function, arguments), daemon=True
    )
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise LimitError(f"not done within {seconds:g} s")
        result, error = receiver.recv()
    except EOFError as ended:
        raise LimitError(
            f"ended by the system: does it need more than {gigabytes:g} GB?"
        ) from ended
    finally:
        process.kill()
        process.join()
        receiver.close()
    if error is not None:
        raise error
    found: Result = result
    return found


def _answer(
    sender: Connection, gigabytes: float, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """What the process does."""
    sys.addaudithook(_refuse_network)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(gigabytes * 1e9)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        sender.send((function(*arguments), None))
    except CvzmpiError as error:
        sender.send((None, error))
    except MemoryError:
        sender.send((None, LimitError(f"needs more than {gigabytes:g} GB")))
    except Exception as error:  # a reader met what it did not expect: that is the file's fault
        sender.send((None, LimitError(f"{type(error).__name__}: {one_line(error)[:_MAX_LENGTH]}")))


def _refuse_network(event: str, _: tuple[Any, ...]) -> None:
    if event in _NETWORK:
        raise PermissionError("no file of a product may ask the network")
