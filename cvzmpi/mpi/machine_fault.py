"""Errors by a fault of the machine, not of the unit that met them.

A unit that meets one is put off: the next job works on it, and no attempt is used up.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from cvzmpi.errors import MachineError, PutOffError

# Of whatever file it is: EIO and EACCES may be about one file alone, and are not here.
_ERRNOS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),  # no room
        *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),  # no resources
        errno.ENOLCK,
        *(errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESHUTDOWN),  # gone
        *(errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
    }
)


def is_put_off(error: BaseException) -> bool:
    """Tell whether the work that met this error is to be done later, and has not failed."""
    return any(isinstance(one, PutOffError) for one in _chain(error)) or is_machine_fault(error)


def is_machine_fault(error: BaseException) -> bool:
    """Tell whether the machine is at fault, so that other units will meet the same error."""
    return any(
        isinstance(one, MachineError) or (isinstance(one, OSError) and one.errno in _ERRNOS)
        for one in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from, and so on; one may have been raised from itself."""
    one: BaseException | None = error
    seen: list[BaseException] = []
    while one is not None and one not in seen:
        yield one
        seen.append(one)
        one = one.__cause__
