"""One thread for linear algebra, as every rank of a campaign has.

With more threads, BLAS cuts its products in other places, and the last bits of an answer differ.
For products as small as these it is slower as well.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def one_thread() -> AbstractContextManager[object]:
    """Have BLAS and OpenMP use one thread in this context, and as many as before after it."""
    return threadpool_limits(limits=1)
