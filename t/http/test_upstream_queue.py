"""Requests that wait until a server of a group has room: in order, not too many, not too long, and for whom."""

import pytest

from harness import wait_until
from harness.backend import response, unread

LOG = 'log_format times "$uri $status $upstream_queue_time"; access_log logs/times.log times;'


@pytest.fixture
def queued(serve, backend):
    """Starts a server before an origin that is played by hand and has room for one request."""
    def start(queue="queue 10 timeout=1h;", workers=1, more=""):
        origin = backend()
        server = serve("location / { proxy_pass http://u; }", workers=workers, http=f"{LOG} upstream u {{ "
                       f"server {origin.address} max_conns=1; {more} keepalive 0; {queue} }}")
        return server, origin
    return start


def begin(server, target):
    client = server.client()
    client.send_request("GET", target)
    return client


def begin_in_order(server, *targets):
    """One after the other, each when the worker has taken the one before it."""
    clients = []
    for target in targets:
        clients.append(begin(server, target))
        wait_until(lambda: all(unread(client.socket) == 0 for client in clients), "the requests to be received")
    return clients


def serve_next(origin, body="ok"):
    connection = origin.accept()
    request = connection.read_request()
    connection.send(response(body, "Connection: close"))
    connection.close()
    return request.target


def test_requests_wait_in_order_and_each_that_ends_lets_the_next_in(queued):
    server, origin = queued()
    clients = begin_in_order(server, "/1", "/2", "/3", "/4")
    assert [serve_next(origin) for _ in clients] == ["/1", "/2", "/3", "/4"]
    assert [client.read_response().status for client in clients] == [200] * 4
    first, *others = server.wait_for_log(r"^/\d 200 (\S+)$", "logs/times.log", 4)
    assert first.group(1) == "-"
    assert all(float(other.group(1)) >= 0 for other in others)


def test_no_more_wait_than_are_allowed(queued):
    server, origin = queued("queue 1;")
    clients = begin_in_order(server, "/1", "/2")
    assert server.get("/3").status == 502
    server.wait_for_log("upstream queue is full while connecting to upstream")
    assert [serve_next(origin) for _ in clients] == ["/1", "/2"]
    assert [client.read_response().status for client in clients] == [200] * 2


def test_nobody_waits_for_longer_than_is_said(queued):
    server, origin = queued("queue 10 timeout=60ms;")
    first, = begin_in_order(server, "/1")
    assert server.get("/2").status == 502
    server.wait_for_log(r"\[error\].* upstream timed out \(110: .*\) while waiting in upstream queue, .*\"GET /2 ")
    waited, = server.wait_for_log(r"^/2 502 (\S+)$", "logs/times.log")
    assert 0.05 <= float(waited.group(1)) < 20  # two clocks, of which one ticks by the millisecond
    assert serve_next(origin) == "/1"
    assert first.read_response().status == 200


def test_a_client_that_leaves_leaves_the_queue(queued):
    server, origin = queued("queue 2;")
    first, second, third = begin_in_order(server, "/1", "/2", "/3")
    second.close()
    server.wait_for_log(r"^/2 499 ", "logs/times.log")
    fourth, = begin_in_order(server, "/4")
    assert [serve_next(origin) for _ in range(3)] == ["/1", "/3", "/4"]
    assert [client.read_response().status for client in (first, third, fourth)] == [200] * 3
    assert "timed out" not in server.error_log


def test_without_hope_nobody_waits(queued):
    server, origin = queued(more="server 127.0.0.1:1 down;")
    server.expect(r"connect\(\) failed|temporarily disabled")
    origin.refuse()
    assert [server.get("/").status for _ in range(2)] == [502, 502]


def test_room_that_another_worker_makes_is_noticed(queued):
    server, origin = queued(workers=2, more="zone u 64k;")
    clients = [begin(server, f"/{n}") for n in range(8)]
    assert sorted(serve_next(origin) for _ in clients) == [f"/{n}" for n in range(8)]
    assert [client.read_response().status for client in clients] == [200] * 8


def test_those_in_the_queue_outlive_a_reload(queued):
    server, origin = queued()
    clients = begin_in_order(server, "/1", "/2")
    server.reload()
    assert [serve_next(origin) for _ in clients] == ["/1", "/2"]
    assert [client.read_response().status for client in clients] == [200] * 2
