"""Lists that are made once for all readers, as long as nothing changes.

The list of hundreds of programs takes a good part of a second, and many may ask for it at once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from flask import Response, make_response, request, session

from cvzmpi.level2.programs.catalogue import Catalogue

_SECONDS = 5.0
"""For so long at most: an embargo ends, and a transaction may become visible late."""

_MOST = 16


class KeptPages:
    """The last pages and JSON that readers who are not signed in have asked for.

    Parameters
    ----------
    others : callable
        What changes beside the catalogue, as a value that can be compared.
    """

    def __init__(self, catalogue: Catalogue, others: Callable[[], object]) -> None:
        self._catalogue = catalogue
        self._others = others
        self._kept: OrderedDict[str, tuple[object, float, bytes, str]] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, make: Callable[[], Any]) -> Any:
        """The answer to the request; made anew for who is signed in, and after any change."""
        if session:
            return make()
        with self._lock:  # so that many who ask at once get the same
            now_there = self._catalogue.newest_rows(), self._others()
            found = self._kept.get(request.full_path)
            if found is None or found[0] != now_there or time.monotonic() > found[1]:
                made = make_response(make())
                until = time.monotonic() + _SECONDS
                found = now_there, until, made.get_data(), made.content_type or ""
                self._kept[request.full_path] = found
                while len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
        return Response(found[2], content_type=found[3])
