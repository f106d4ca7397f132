"""What is counted of limits, tunnels, retries, names and processes, and who waits for an answer."""

import os
import time

import pytest

from harness import wait_until
from harness.figures import figures, figures_with
from harness.name_server import NameServer

METRICS = "location = /metrics { metrics; }"
LARGE = 8 << 20  # more than the sockets take: the answer stays under way


# --- limits


def test_limits_of_rates_count_their_verdicts(serve):
    server = serve(
        f"{METRICS} location /one/ {{ limit_req zone=one burst=1 nodelay; alias html/; }}"
        "location /both/ { limit_req zone=one burst=9 nodelay; limit_req zone=two burst=1 nodelay; alias html/; }"
        "location /late/ { limit_req zone=fast burst=5; alias html/; }"
        "location /dry/ { limit_req zone=dry; limit_req_dry_run on; alias html/; }",
        http="limit_req_zone $arg_k zone=one:64k rate=1r/m; limit_req_zone $arg_k zone=two:64k rate=1r/m;"
             "limit_req_zone $arg_k zone=fast:64k rate=100r/s; limit_req_zone $arg_k zone=dry:64k rate=1r/m;"
             "limit_req_zone $arg_k zone=unused:64k rate=1r/m;")

    def statuses(target, times):
        return [server.get(target.replace("/?", "/index.html?")).status for _ in range(times)]

    assert statuses("/one/?k=a", 4) == [200, 200, 503, 503]
    assert statuses("/one/", 1) == [200]  # no key, no limit
    assert statuses("/both/?k=b", 3) == [200, 200, 503]
    assert statuses("/late/?k=c", 3) == [200] * 3
    assert statuses("/dry/?k=d", 3) == [200] * 3
    now = figures(server)

    def verdicts(zone):
        sums = {verdict: now.sum("limit_req_zone_requests_total", zone=zone, verdict=verdict)
                for verdict in ("passed", "delayed", "rejected", "delayed_dry_run", "rejected_dry_run")}
        assert sum(sums.values()) == now.sum("limit_req_zone_requests_total", zone=zone)
        return {verdict: count for verdict, count in sums.items() if count}

    assert verdicts("one") == {"passed": 2 + 2, "rejected": 2}
    assert verdicts("two") == {"passed": 2, "rejected": 1}
    late = verdicts("fast")
    assert late.get("delayed", 0) >= 1 and sum(late.values()) == 3
    assert verdicts("dry") == {"passed": 1, "rejected_dry_run": 2}
    assert verdicts("unused") == {}
    assert ("ringx_limit_req_zone_requests_total", frozenset({("zone", "unused"), ("verdict", "rejected")})) \
        in now.samples
    server.reload()
    assert figures(server).sum("limit_req_zone_requests_total", zone="one", verdict="rejected") == 2
    server.expect("limiting|delaying")


def test_limits_of_connections_count_their_verdicts(serve):
    server = serve(
        f"{METRICS} listen 127.0.0.1:%PORT2% sndbuf=64k; location /held/ {{ limit_conn one 1; alias html/; }}"
        "location /dry/ { limit_conn one 1; limit_conn_dry_run on; alias html/; }",
        http="limit_conn_zone $arg_k zone=one:64k;", files={"html/large": b"x" * LARGE})
    with server.client(2, room=1 << 16) as client:
        client.send_request("GET", "/held/large?k=a")
        client.take_through(b"\r\n\r\n")
        assert server.get("/held/large?k=a").status == 503
        assert server.get("/dry/large?k=a").status == 200
    now = figures(server)
    assert now.sum("limit_conn_zone_requests_total", zone="one", verdict="passed") == 1
    assert now.sum("limit_conn_zone_requests_total", zone="one", verdict="rejected") == 1
    assert now.sum("limit_conn_zone_requests_total", zone="one", verdict="rejected_dry_run") == 1
    server.expect("limiting")


# --- who waits, tunnels, servers upstream


def test_requests_that_wait_are_seen_while_they_do(serve, backend):
    origin = backend()
    server = serve(f"status_zone site; {METRICS} location /up/ {{ proxy_pass http://{origin.address}; }}")
    of = {"zone": "site"}
    assert figures(server).sum("server_zone_processing", **of) == 1  # it sees itself
    with server.client() as client:
        client.send_request("GET", "/up/")
        peer = origin.accept()
        peer.take_through(b"\r\n\r\n")
        assert figures(server).sum("server_zone_processing", **of) == 2
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        assert client.read_response().text == "hello"
    wait_until(lambda: figures(server).sum("server_zone_processing", **of) == 1, "nobody to wait")


def test_tunnels_count_when_they_end_with_all_their_bytes(serve, backend):
    origin = backend()
    server = serve(f"status_zone site; {METRICS} location /ws/ {{ status_zone ws; proxy_pass http://app;"
                   "proxy_http_version 1.1; proxy_set_header Upgrade x; proxy_set_header Connection upgrade; }",
                   http=f"upstream app {{ server {origin.address}; }}")
    of = {"upstream": "app", "server": origin.address}
    with server.client() as client:
        client.send_request("GET", "/ws/", [("Upgrade", "x"), ("Connection", "upgrade")])
        peer = origin.accept()
        asked = peer.take_through(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        head = client.take_through(b"\r\n\r\n")
        client.send(b"u" * 1000)
        assert peer.take(1000) == b"u" * 1000
        peer.send(b"d" * 3000)
        assert client.take(3000) == b"d" * 3000
        assert figures(server).sum("location_zone_requests_total", zone="ws") == 0
        server.reload()  # the generation that began it goes
    now = figures_with(server, "location_zone_responses_total", 1, zone="ws")
    assert now.sum("location_zone_responses_total", zone="ws", **{"class": "1xx"}) == 1
    assert now.sum("location_zone_requests_total", zone="ws", method="GET") == 1
    assert now.sum("location_zone_sent_bytes_total", zone="ws") == len(head) + 3000
    assert now.sum("location_zone_received_bytes_total", zone="ws") > 1000
    assert now.sum("location_zone_request_duration_seconds_count", zone="ws") == 0
    assert now.sum("server_zone_responses_total", zone="site", **{"class": "1xx"}) == 1
    assert now.sum("http_responses_total", **{"class": "1xx"}) == 1
    assert now.sum("upstream_server_requests_total", **of) == 1
    assert now.sum("upstream_server_sent_bytes_total", **of) == len(asked) + 1000
    assert now.sum("upstream_server_header_duration_seconds_count", **of) == 1
    assert now.sum("upstream_server_response_duration_seconds_count", **of) == 0


def test_tries_that_were_followed_by_another_are_retries(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    dead = backend(b"")
    dead.refuse()
    server = serve(f"{METRICS} location /up/ {{ proxy_pass http://app; }}"
                   "location /last/ { proxy_pass http://last; }",
                   http=f"upstream app {{ server {dead.address}; server {origin.address} backup; }}"
                        f"upstream last {{ server {dead.address}; }}")
    assert server.get("/up/").status == 200
    assert server.get("/last/").status == 502
    now = figures_with(server, "upstream_server_requests_total", 1, upstream="last")
    assert now.sum("upstream_server_retries_total", upstream="app", server=dead.address) == 1
    assert now.sum("upstream_server_retries_total", upstream="app", server=origin.address) == 0
    assert now.sum("upstream_server_retries_total", upstream="last") == 0
    server.expect("Connection refused")


# --- names


@pytest.fixture
def new_name_server():
    made = []

    def make(*arguments, **how):
        made.append(NameServer(*arguments, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_questions_about_names_are_counted(serve, new_name_server, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    names = new_name_server({"known.test": "127.0.0.1"})
    failing = new_name_server({}, does="fails")
    silent = new_name_server({}, does="silent")
    server = serve(
        f"{METRICS} location /found/ {{ resolver {names.address} status_zone=found ipv6=off;"
        f"set $to known.test; proxy_pass http://$to:{origin.port}; }}"
        f"location /none/ {{ resolver {names.address} status_zone=none ipv6=off;"
        "set $to x.test; proxy_pass http://$to; }"
        f"location /bad/ {{ resolver {failing.address} status_zone=bad ipv6=off;"
        "set $to x.test; proxy_pass http://$to; }"
        f"location /late/ {{ resolver {silent.address} status_zone=late ipv6=off; resolver_timeout 100ms;"
        "set $to x.test; proxy_pass http://$to; }"
        f"location /unseen/ {{ resolver {names.address} status_zone=unseen; }}", workers=1)
    for _ in range(3):
        assert server.get("/found/").status == 200
    for target in ("/none/", "/bad/", "/late/"):
        assert server.get(target).status == 502
    now = figures(server)

    def said(zone):
        return {dict(labels)["result"]: value for (name, labels), value in now.samples.items()
                if name == "ringx_resolver_zone_responses_total" and ("zone", zone) in labels and value}

    assert now.sum("resolver_zone_requests_total", zone="found", type="ipv4") == 3
    assert now.sum("resolver_zone_requests_total", zone="found") == 3
    assert now.sum("resolver_zone_cached_total", zone="found") == 2
    assert said("found") == {"noerror": 1}
    assert said("none") == {"nxdomain": 1}
    assert said("bad") == {"servfail": 1}
    assert said("late") == {"timedout": 1}
    assert said("unseen") == {}
    assert now.sum("resolver_zone_requests_total", zone="unseen") == 0
    assert now.sum("resolver_requests_total") == 6
    assert now.sum("resolver_responses_total") == 4
    server.expect("could not be resolved|cancel")


# --- processes


def test_processes_tell_what_they_use(serve):
    started = time.time()
    server = serve(METRICS, workers=2)
    pids = {"master": server.pid}

    def of(now, figure):
        return {dict(labels)["process"]: value for (name, labels), value in now.samples.items()
                if name == f"ringx_process_{figure}"}

    now = figures(server)
    told = of(now, "pid")
    assert set(told) == {"master", "worker 0", "worker 1"}
    assert told["master"] == pids["master"]
    assert {told["worker 0"], told["worker 1"]} == set(server.workers())
    for name, pid in told.items():
        resident = int(open(f"/proc/{int(pid)}/statm", encoding="ascii").read().split()[1]) * os.sysconf("SC_PAGESIZE")
        assert resident / 2 < of(now, "resident_memory_bytes")[name] < resident * 2
        assert of(now, "open_fds")[name] >= 3
        assert started - 10 < of(now, "start_time_seconds")[name] < time.time() + 10
        assert 0 < of(now, "cpu_seconds_total")[name] < 60


def test_descriptors_and_memory_are_those_of_now(serve):
    server = serve(METRICS, workers=1)
    before = figures(server).sum("process_open_fds", process="worker 0")
    clients = [server.client() for _ in range(50)]
    wait_until(lambda: figures(server).sum("process_open_fds", process="worker 0") >= before + 50, "50 descriptors")
    for client in clients:
        client.close()
    wait_until(lambda: figures(server).sum("process_open_fds", process="worker 0") <= before + 1, "them to be closed")
