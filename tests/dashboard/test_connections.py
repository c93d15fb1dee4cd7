"""Slow clients and odd requests at the real server: they cost only themselves."""

import contextlib
import socket
import threading
import time

import pytest
import requests

from cvzmpi.dashboard.connections import ConnectionLimits, listen
from cvzmpi.ledger import Ledger
from tests.dashboard.odd_requests import is_defect, odd_requests, raw
from tests.dashboard.served import SECRET, served
from tests.dashboard.slow_clients import slow_clients

BEARER = {"Authorization": f"Bearer {SECRET}"}
MANY = [f"127.0.0.{n}" for n in range(2, 100)]


def test_with_500_slow_clients_the_dashboard_answers_others_at_once(tmp_path):
    Ledger.open(tmp_path / "ledger.sqlite").close()
    with served(tmp_path, "--output", str(tmp_path)) as address:
        for sources in (["127.0.0.1"], MANY):
            with slow_clients(address, 500, sources):
                for _ in range(3):
                    for page in ("/", "/units", "/failures", "/api/status", "/metrics"):
                        assert requests.get(address + page, timeout=10).status_code == 200
                    reply = requests.post(
                        f"{address}/api/retry",
                        json={"by": "Jane", "all": True},
                        headers=BEARER,
                        timeout=10,
                    )
                    assert reply.status_code == 200
                    form = {"name": "Jane", "token": SECRET}
                    reply = requests.post(f"{address}/sign-in", data=form, timeout=10)
                    assert reply.status_code == 200
                    time.sleep(1)


def test_300_odd_requests_are_no_defect_of_the_dashboard(tmp_path, capfd):
    Ledger.open(tmp_path / "ledger.sqlite").close()
    paths = (
        "/",
        "/*",
        "/unit",
        "/units",
        "/api/*",
        "/assets/web/*",
        "/sign-in",
        "/sign-out",
        "/retry",
    )
    token = f"Authorization: Bearer {SECRET}"
    with served(tmp_path, "--output", str(tmp_path)) as address:
        for i, request in enumerate(odd_requests(1, (*paths, "/api/retry"), [token])):
            answer = raw(address, request, MANY[i % len(MANY)])
            assert not is_defect(answer), (request[:200], answer[:200])
        assert requests.get(address, timeout=60).status_code == 200
    assert "Traceback" not in capfd.readouterr().err


# ----------------------------------------------------------------- one limit at a time


@contextlib.contextmanager
def listening(application=None, proxy="", threads=2, **limits):
    """A server with these limits, in a thread; its host and port."""
    settings = {}
    if proxy:
        settings = {"trusted_proxy": proxy, "trusted_proxy_headers": {"x-forwarded-for"}}
    server = listen(
        application or answer,
        "127.0.0.1",
        0,
        ConnectionLimits(**limits),
        threads=threads,
        **settings,
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server.effective_host, int(server.effective_port)
    finally:
        server.asyncore.close_all(server._map)
        thread.join()
        server.task_dispatcher.shutdown()


def answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]


def long_answer(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"x" * 1_000_000] * 40


def connect(address, sent=b""):
    connection = socket.create_connection(address, 60)
    connection.sendall(sent)
    return connection


def read(connection):
    """All that comes until the server closes."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx"]
)
def test_a_request_that_does_not_arrive_in_time_ends_its_connection(sent):
    with listening(arrival=0.5) as address, connect(address, sent) as slow:
        assert read(slow).startswith(b"HTTP/1.1 408 ")


def test_bytes_one_by_one_are_no_request_in_time():
    with listening(arrival=0.5) as address, connect(address) as slow:
        ends = time.monotonic() + 60
        with contextlib.suppress(ConnectionError):  # it is closed while there are bytes to read
            while time.monotonic() < ends:
                slow.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() < ends


def test_an_answer_that_nobody_takes_ends_its_connection():
    with listening(long_answer, taking=0.5) as address:
        slow = [connect(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(4)]
        # no thread waits for them: the next client has its answer, although it is long as well
        with connect(address, b"GET / HTTP/1.0\r\n\r\n") as other:
            taken = read(other)
        assert taken.startswith(b"HTTP/1.0 200 ")
        time.sleep(2)
        for connection in slow:
            assert len(read(connection)) < 40_000_000
            connection.close()


def test_requests_that_are_sent_at_once_are_answered_one_after_another():
    requests_at_once = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20
    with listening() as address, connect(address, requests_at_once) as one:
        one.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read(one).count(b"here") == 21


def test_no_further_answer_is_made_before_the_last_one_is_taken():
    made = []

    def counting(environ, start_response):
        made.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"x" * 1_500_000]

    requests_at_once = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20
    with listening(counting) as address, connect(address, requests_at_once) as slow:
        with connect(address, b"GET /other HTTP/1.0\r\n\r\n") as other:
            assert read(other).endswith(b"x")
        time.sleep(1)
        assert made.count("/") < 5
        slow.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read(slow).count(b"HTTP/1.") == 21


def test_a_connection_that_asks_nothing_further_ends():
    with (
        listening(idle=0.5) as address,
        connect(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") as one,
    ):
        assert read(one).endswith(b"here")


def test_requests_one_after_another_on_a_connection_are_not_slow():
    with listening(arrival=3.0, idle=3.0) as address, connect(address) as connection:
        for _ in range(9):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not connection.recv(65536).endswith(b"here"):
                pass
            time.sleep(0.5)


def test_a_further_connection_of_a_client_takes_the_place_of_its_longest_waiting():
    with listening(per_client=5) as address:
        waiting = [connect(address, b"GET / HT") for _ in range(5)]
        with connect(address, b"GET / HTTP/1.0\r\n\r\n") as other:
            assert read(other).endswith(b"here")
        assert read(waiting[0]).startswith(b"HTTP/1.1 408 ")
        waiting[1].sendall(b"TP/1.0\r\n\r\n")
        assert read(waiting[1]).endswith(b"here")
        for connection in waiting:
            connection.close()


def test_the_newest_connection_takes_the_place_of_one_that_has_just_got_its_answer():
    with listening(per_client=3) as address:
        answered = [connect(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        for connection in answered:
            while not connection.recv(4096).endswith(b"here"):
                pass
        with connect(address) as newest:
            time.sleep(0.2)  # it is accepted before its request is there
            newest.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert read(newest).endswith(b"here")
        for connection in answered:
            connection.close()


def test_a_further_connection_takes_the_place_of_one_that_asks_many_things_at_once():
    may_answer, at_work = threading.Event(), threading.Semaphore(0)

    def waiting(environ, start_response):
        at_work.release()
        may_answer.wait(60)
        return answer(environ, start_response)

    with listening(waiting, threads=4, per_client=3) as address:
        asking = [connect(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 5) for _ in range(3)]
        assert all(at_work.acquire(timeout=60) for _ in asking)
        with connect(address) as newest:
            time.sleep(0.2)  # it is accepted while the others are being answered
            newest.sendall(b"GET / HTTP/1.0\r\n\r\n")
            may_answer.set()
            assert read(newest).endswith(b"here")
        for connection in asking:
            connection.close()


def test_of_too_many_connections_the_client_with_most_of_them_loses_one():
    with listening(in_all=6, per_client=5) as address:
        few = socket.create_connection(address, 60, ("127.0.0.2", 0))
        many = [connect(address) for _ in range(5)]
        with socket.create_connection(address, 60, ("127.0.0.3", 0)) as other:
            other.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert read(other).endswith(b"here")
        assert read(many[0]).startswith(b"HTTP/1.1 408 ")
        few.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert read(few).endswith(b"here")
        for connection in (few, *many):
            connection.close()


def test_a_web_server_in_front_may_have_many_connections_and_its_clients_few_requests():
    may_answer, at_work = threading.Event(), threading.Semaphore(0)

    def waiting(environ, start_response):
        at_work.release()
        may_answer.wait(60)
        return answer(environ, start_response)

    def request_of(client):
        return f"GET / HTTP/1.0\r\nX-Forwarded-For: 192.0.2.9, {client}\r\n\r\n".encode()

    with listening(waiting, proxy="127.0.0.1", threads=4, per_client=3) as address:
        first = [connect(address, request_of("192.0.2.1")) for _ in range(3)]
        assert all(at_work.acquire(timeout=60) for _ in first)
        with connect(address, request_of("192.0.2.1")) as fourth:
            assert read(fourth).startswith(b"HTTP/1.0 429 ")
        others = [connect(address, request_of(f"192.0.2.{n}")) for n in range(2, 5)]
        may_answer.set()
        for connection in (*first, *others):
            assert read(connection).endswith(b"here")
            connection.close()


def test_a_name_of_several_addresses_is_served_at_once():
    server = listen(answer, "localhost", 0, threads=1)
    try:
        assert server.effective_host in {"127.0.0.1", "::1"}
    finally:
        server.asyncore.close_all(server._map)
        server.task_dispatcher.shutdown()
