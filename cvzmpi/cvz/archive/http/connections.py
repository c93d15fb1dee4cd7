"""HTTP connections that are kept and used again, and that a transfer can cut."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from cvzmpi import __version__
from cvzmpi.cvz.archive.http.answers import PassingError, UnusableContentError
from cvzmpi.cvz.archive.http.transfer import Transfer
from cvzmpi.errors import ArchiveDownError, one_line

FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError)
"""The exceptions of a request and of reading its answer."""


class _CutConnection:
    """Gives its socket to the transfer of its thread before it waits for the answer."""

    sock: Any

    def getresponse(self) -> Any:
        transfer = Transfer.current()
        if transfer is not None and self.sock is not None:
            transfer.use(self.sock)
        return super().getresponse()  # type: ignore[misc]


class _Plain(_CutConnection, HTTPConnection):
    pass


class _Encrypted(_CutConnection, HTTPSConnection):
    pass


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
        super().init_poolmanager(*arguments, **settings)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}

    def proxy_manager_for(self, *arguments: Any, **settings: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **settings)
        if type(manager) is urllib3.ProxyManager:  # one of SOCKS has connections of its own
            manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
        return manager


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow nothing: `requests` would read all of the body of a redirection."""


def redirected_to(response: requests.Response) -> str | None:
    """The address that an answer redirects to; None if it does not.

    Raises
    ------
    ValueError
        If that is no address.
    """
    if not response.is_redirect:
        return None
    target = urljoin(response.url, response.headers["Location"])
    urllib3.util.parse_url(target)
    return target


def open_session(connections: int) -> requests.Session:
    """A session with so many connections for each host, which follows no redirections."""
    session = _Session()
    adapter = _Adapter(pool_maxsize=connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # compressed on the way, a file would have another length than the one it is announced with
    session.headers.update(
        {"User-Agent": f"cvzmpi/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"}
    )
    return session


def as_ours(address: str, error: Exception) -> Exception:
    """The error to raise for an exception of `requests` and urllib3."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return PassingError("no answer in time")
    if isinstance(error, urllib3.exceptions.DecodeError):
        return UnusableContentError(f"{address}: cannot be decompressed ({_cause(error)})")
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return PassingError("the transfer was cut")
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.HTTPError):
        return PassingError(f"the connection failed ({_cause(error)})")
    return ArchiveDownError(f"{address}: {one_line(error)}")


def _cause(error: BaseException) -> str:
    """The innermost reason; requests and urllib3 wrap it in long texts."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return one_line(error)
