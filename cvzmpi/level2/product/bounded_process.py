"""A function in a process of its own, with limits of time and memory and without a network.

It reads files that others made, since nobody can foresee what the readers do with them. The
processes are forked from a server that has imported the function's module, which may be slow.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from cvzmpi.errors import CvzmpiError, one_line

_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.sendto")
_MAX_LENGTH = 1000  # characters of an error


_preloaded: set[str] = set()


class LimitError(CvzmpiError):
    """The function needed more time or memory than allowed, or its process failed."""


def preload(*modules: str) -> None:
    """Let the server of processes import some modules as well; before the first call only."""
    _preloaded.update(modules)


def call_bounded(function: str, *arguments: Any, seconds: float, gigabytes: float) -> Any:
    """Call a function within limits.

    Parameters
    ----------
    function : str
        As `module:function`; this process does not import the module.
    *arguments
        They must pickle, and so must the result and any `CvzmpiError`.
    seconds, gigabytes : float
        The limits.

    Raises
    ------
    LimitError
    CvzmpiError
        Any that the function raised.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(sorted({*_preloaded, function.partition(":")[0]}))
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
    return result


def _answer(
    sender: Connection, gigabytes: float, function: str, arguments: tuple[Any, ...]
) -> None:
    """Call the function in its process, and send its result or its error."""
    sys.addaudithook(_refuse_network)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(gigabytes * 1e9)
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        module, _, name = function.partition(":")
        sender.send((getattr(import_module(module), name)(*arguments), None))
    except CvzmpiError as error:
        sender.send((None, error))
    except MemoryError:
        sender.send((None, LimitError(f"needs more than {gigabytes:g} GB")))
    except Exception as error:  # a reader met something unexpected in the file
        sender.send((None, LimitError(f"{type(error).__name__}: {one_line(error)[:_MAX_LENGTH]}")))


def _refuse_network(event: str, _: tuple[Any, ...]) -> None:
    if event in _NETWORK:
        raise PermissionError("no file of a product may ask the network")
