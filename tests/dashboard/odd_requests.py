"""Requests that no browser sends: odd methods, headers, encodings, addresses and bodies."""

import random
import re
import socket
from contextlib import suppress

METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO", "get", "G\0T", "\xe9")
PARTS = (
    *("%00", "%2F", "%FF%FE", "%ED%A0%80", "%F0%9F%98%80", "%25", "..", "../../etc/passwd", "//x"),
    *("%C0%AE", "\xff", "\0", "x" * 3000, "&".join(["a=b"] * 3000), "?" * 500, "%", "[::1", "#"),
)
HEADERS = (
    *("Host: a b", "Host: \xff", "Host: [::1", "Host:", "Cookie: session=\xff.\1; =;;", "X\0: y"),
    *(
        "Content-Length: -1",
        "Content-Length: 9e9",
        "Content-Length: 99999999999",
        "Range: bytes=9-1",
    ),
    *("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", "Expect: 100-continue", "Expect: 5"),
    *("X-Forwarded-For: \xff,,", "X-Forwarded-Proto: gopher", "Authorization: Bearer \xff\0"),
    *(
        "Authorization: Basic \xff",
        "Content-Encoding: br",
        "Accept: \xff;q=x",
        "no colon",
        ": nothing",
    ),
    *("Content-Type: multipart/form-data", "Content-Type: application/json; charset=no-such"),
    *("Content-Type: multipart/form-data; boundary=" + "x" * 900, "If-Modified-Since: never"),
    *(
        "X: " + "y" * 40_000,
        "If-None-Match: \xff",
        "Upgrade: websocket",
        "Accept-Language: " + "a," * 900,
    ),
)
BODIES = (
    *(
        b"",
        b"{",
        b"[" * 50_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"by": "\\ud800"}',
        b"\xff\xfe",
    ),
    *(
        b'{"by": "\\u0000"}',
        b'{"by": ' + b"9" * 9000 + b"}",
        b'{"by": 1e999}',
        b"null",
        b"\0" * 500,
    ),
    *(b'{"by": "' + b"x" * 200_000 + b'"}', b"form_key=%ED%A0%80&name=%00&token=%FF", b"&" * 5000),
    *(
        b"a=" * 5000,
        b"name=" + b"x" * 200_000,
        b"--x\r\nContent-Disposition: form-data; name=\xff\r\n",
    ),
)


def odd_requests(seed, paths, more_headers, n=300):
    """So many requests to paths in which `*` is any odd part, as bytes."""
    draw = random.Random(seed)
    for _ in range(n):
        part = draw.choice(PARTS)
        path = draw.choice(paths).replace("*", part)
        if draw.random() < 0.3:
            path += (
                "?" + draw.choice(("q=", "state=", "text=", "name=", "since=")) + draw.choice(PARTS)
            )
        body = draw.choice(BODIES)
        headers = [*more_headers, *draw.choices(HEADERS, k=draw.randrange(3))]
        if draw.random() < 0.8:
            headers.append(f"Content-Length: {len(body)}")
        line = f"{draw.choice(METHODS)} {path} HTTP/1.{draw.choice('0112')}"
        yield "\r\n".join([line, *headers, "", ""]).encode("latin-1") + body


def raw(address, request, source="127.0.0.1"):
    """What the server answers to some bytes."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 60, (source, 0)) as connection:
        with suppress(OSError):  # it need not read all of it
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    return answer


def is_defect(answer):
    """Whether an answer has a status of 500 or more, other than 501 for what HTTP has besides."""
    return re.match(rb"HTTP/1\.\d 5(?!01)", answer) is not None
