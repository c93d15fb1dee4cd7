"""A forwarder between a client and an HTTP service on loopback, which sees each request."""

from __future__ import annotations

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from tools.harness.moments import LostError, Moments

_OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "expect", "content-length"}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong, but not that a client was killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def forwarding_http(target: str, name: str, moments: Moments) -> Iterator[str]:
    """Forward to a service; the address to use in place of `target`."""
    to = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            what = f"{name} {self.command}"
            try:
                moments.reached(f"{what} arrives")
                status, headers, content = self._ask(body)
                moments.reached(f"{what} is answered")
                self.send_response(status)
                for key, value in headers:
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)
            except (LostError, ConnectionError):
                self.close_connection = True

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            assert to.hostname is not None
            body_is_left_out = self.command == "HEAD"
            connection = http.client.HTTPConnection(to.hostname, to.port)
            kept = {k: v for k, v in self.headers.items() if k.lower() not in _OF_CONNECTION}
            connection.request(self.command, self.path, body, kept)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            headers = [(k, v) for k, v in answer.getheaders() if k.lower() not in _OF_CONNECTION]
            # An answer to HEAD has the length of the content that it leaves out.
            length = answer.headers.get("Content-Length", "0") if body_is_left_out else None
            return (
                answer.status,
                [*headers, ("Content-Length", length or str(len(content)))],
                content,
            )

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = forward  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{to.path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
