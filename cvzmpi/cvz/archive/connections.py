"""HTTP connections that are kept and used again, and that a transfer can cut.

Takes a while to import: for the functions of `client` that need it.
"""

from __future__ import annotations

from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from cvzmpi import __version__
from cvzmpi.cvz.archive.transfer import Transfer


class _CutConnection:
    """Tells the transfer of its thread that it is used, before it waits for the answer."""

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


def open_session(connections: int) -> requests.Session:
    """Connections, at most so many for each host."""
    session = requests.Session()
    adapter = _Adapter(pool_maxsize=connections, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    # compressed on the way, a file would have another length than the one it is announced with
    session.headers.update(
        {"User-Agent": f"cvzmpi/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"}
    )
    return session
