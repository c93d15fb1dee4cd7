"""The service in a process of its own."""

from contextlib import contextmanager

from cvzmpi.dashboard.access import SERVE_TOKEN
from cvzmpi.level2.configuration import STORE_AUTHORIZATION
from tests.dashboard.served import SECRET, serving
from tests.level2.stand_in_store import TOKEN


@contextmanager
def served(location, store, directory, token=SECRET, interval=60.0, proxy=""):
    """`cvzmpi level2 serve` in a process of its own; its address, and the process."""
    url = location if "://" in location else f"sqlite:///{location}"
    (directory / "cvzmpi.toml").write_text(
        f'[ledger]\nurl = "{url}"\n[store]\nurl = "{store.url}"\nretries = 0\n'
        f'[serve]\nport = 0\ninterval = {interval}\nproxy = "{proxy}"\n'
    )
    variables = {STORE_AUTHORIZATION: TOKEN, SERVE_TOKEN: token}
    with serving(directory, "level2", "serve", **variables) as serves:
        yield serves
