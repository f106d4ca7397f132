"""`metrics` and `status_zone`: what was asked is counted once, where it belongs, and outlives workers and reloads."""

import os
import signal

import pytest

from harness import wait_until
from harness.figures import Figures, figures, figures_with

PLACES = """
    location = /metrics { metrics; }
    location /a/ { status_zone a; return 200 text; }
    location /b/ { status_zone b; return 404; location /b/off/ { status_zone off; return 204; } }
    location /elsewhere/ { status_zone elsewhere; rewrite ^ /a/x last; }
    location /closed/ { status_zone closed; return 444; }
"""


def test_requests_count_in_their_server_and_location(serve):
    server = serve("status_zone site;" + PLACES)
    with server.client() as client:
        for target in ("/a/1", "/a/2", "/b/", "/b/off/", "/elsewhere/"):
            client.get(target)
        client.request("POST", "/a/", [("Content-Length", "5")], b"hello")
        client.request("HEAD", "/a/")
    now = figures_with(server, "location_zone_requests_total", 1, zone="a", method="HEAD")
    assert now.sum("location_zone_responses_total", zone="a", **{"class": "2xx"}) == 5
    assert now.sum("location_zone_responses_total", zone="b", **{"class": "4xx"}) == 1
    assert now.sum("location_zone_responses_total", zone="b") == 1
    assert now.sum("location_zone_responses_total", zone="elsewhere") == 0
    assert now.sum("location_zone_requests_total", zone="a", method="GET") == 3
    assert now.sum("location_zone_requests_total", zone="a", method="POST") == 1
    assert now.sum("location_zone_requests_total", zone="a", method="HEAD") == 1
    # Scrapes count when they are over.
    scrapes = now.sum("server_zone_responses_total", zone="site") - 7
    assert now.sum("server_zone_responses_total", zone="site", **{"class": "2xx"}) == 6 + scrapes
    assert now.sum("server_zone_responses_total", zone="site", **{"class": "4xx"}) == 1
    assert now.sum("http_responses_total") == 7 + scrapes
    assert now.sum("server_zone_request_duration_seconds_count", zone="site") == 7 + scrapes
    assert now.sum("server_zone_request_duration_seconds_bucket", zone="site", le="+Inf") == 7 + scrapes
    figures_with(server, "server_zone_responses_total", 8 + scrapes, zone="site")


def test_bytes_are_those_of_the_wire(serve):
    server = serve("status_zone site;" + PLACES)
    with server.client() as client:
        request = b"GET /a/ HTTP/1.1\r\nHost: a\r\n\r\n"
        client.send(request)
        client.read_response()
        before = figures_with(server, "location_zone_responses_total", 1, zone="a")
        asked = before.sum("location_zone_received_bytes_total", zone="a")
        answered = before.sum("location_zone_sent_bytes_total", zone="a")
        assert asked == len(request)
        client.send(request * 3)
        answers = [client.read_response() for _ in range(3)]
    lengths = sum(len(answer.head) + 4 + len(answer.body) for answer in answers)
    now = figures_with(server, "location_zone_responses_total", 4, zone="a")
    assert now.sum("location_zone_received_bytes_total", zone="a") == 4 * len(request)
    assert now.sum("location_zone_sent_bytes_total", zone="a") == answered + lengths


def test_what_was_closed_without_an_answer_is_counted_as_such(serve):
    server = serve("status_zone site;" + PLACES)
    with server.client() as client:
        client.send(b"GET /closed/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.is_closed()
    now = figures_with(server, "location_zone_discarded_total", 1, zone="closed")
    assert now.sum("location_zone_discarded_total", zone="closed") == 1
    assert now.sum("location_zone_responses_total", zone="closed") == 0


def test_broken_requests_count(serve):
    server = serve("status_zone site;" + PLACES)
    with server.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
        assert client.read_response().status == 400
    figures_with(server, "server_zone_responses_total", 1, zone="site", **{"class": "4xx"})


def test_open_metrics_is_spoken_when_asked_for(serve):
    server = serve("status_zone site;" + PLACES)
    answer = server.request("GET", "/metrics", [("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")])
    assert answer.header("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("\n# EOF\n")
    types = Figures(answer.text).types
    assert types["ringx_server_zone_responses"] == "counter"
    assert types["ringx_server_zone_request_duration_seconds"] == "histogram"
    assert not any(name.endswith("_total") for name in types)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_figures_are_only_read(serve, method):
    server = serve(PLACES)
    assert server.request(method, "/metrics", [("Content-Length", "0")]).status == 405


def test_head_has_the_length_of_get(serve):
    server = serve(PLACES)
    answer = server.request("HEAD", "/metrics")
    assert answer.status == 200 and int(answer.header("Content-Length")) > 1000


def test_what_was_counted_outlives_reloads_and_workers(serve):
    server = serve("status_zone site;" + PLACES)
    for _ in range(10):
        server.get("/a/")
    server.reload()
    assert figures_with(server, "location_zone_responses_total", 10, zone="a")
    before = set(server.workers())
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - before) == len(before), "successors of the workers")
    server.expect("signal 9|SIGKILL|killed|exited on signal")
    now = figures(server)
    assert now.sum("location_zone_responses_total", zone="a") == 10
    assert now.sum("worker_connections", state="active") >= 1
    server.get("/a/")
    now = figures_with(server, "location_zone_responses_total", 11, zone="a")
    assert now.sum("location_zone_responses_total", zone="a") == 11


def test_a_name_may_be_shared(serve):
    server = serve("location /x { status_zone same; return 200; } location /y { status_zone same; return 200; }"
                   "location = /metrics { metrics; }")
    server.get("/x")
    server.get("/y")
    figures_with(server, "location_zone_responses_total", 2, zone="same")


def test_zones_without_room_are_counted_together(serve):
    last = 9300
    server = serve("location = /metrics { metrics; }" + "".join(
        f"location = /{number} {{ status_zone z{number}; return 204; }}" for number in range(last + 1)))
    for target in ("/0", f"/{last}", f"/{last - 1}"):
        assert server.get(target).status == 204
    now = figures_with(server, "location_zone_requests_total", 3)
    assert now.sum("location_zone_requests_total", zone="z0") == 1
    assert now.sum("location_zone_requests_total", zone="(others)") == 2
    zones = {dict(labels)["zone"] for name, labels in now.samples if name == "ringx_location_zone_discarded_total"}
    assert "(others)" in zones and f"z{last}" not in zones


def test_servers_upstream_are_counted(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    server = serve(PLACES + "location /up/ { proxy_pass http://app; }",
                   http=f"upstream app {{ server {origin.address}; server 127.0.0.1:1 down; }}")
    for _ in range(3):
        assert server.get("/up/").status == 200
    of = {"upstream": "app", "server": origin.address}
    now = figures_with(server, "upstream_server_requests_total", 3, **of)
    assert now.sum("upstream_server_requests_total", **of) == 3
    assert now.sum("upstream_server_responses_total", **of, **{"class": "2xx"}) == 3
    assert now.sum("upstream_server_header_duration_seconds_count", **of) == 3
    assert now.sum("upstream_server_state", **of, state="up") == 1
    assert now.sum("upstream_server_state", upstream="app", server="127.0.0.1:1", state="down") == 1
    sent = sum(len(request.raw) for request in origin.requests)
    assert now.sum("upstream_server_sent_bytes_total", **of) == sent


def test_a_server_that_fails_is_counted_with_each_try(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    dead = backend(b"")
    dead.refuse()
    server = serve(PLACES + "location /up/ { proxy_pass http://app; }",
                   http=f"upstream app {{ zone app 1m; server {dead.address}; server {origin.address} backup; }}")
    assert server.get("/up/").status == 200
    now = figures_with(server, "upstream_server_responses_total", 1, server=origin.address)
    assert now.sum("upstream_server_failed_total", server=dead.address) == 1
    assert now.sum("upstream_server_responses_total", server=dead.address) == 0
    assert now.sum("upstream_server_state", server=dead.address, state="unavailable") == 1
    assert now.sum("upstream_server_responses_total", server=origin.address) == 1
    server.expect("connect|Connection refused")


def test_zones_of_upstreams_count_what_their_servers_do_together(serve, backend):
    origins = [backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") for _ in range(2)]
    dead = backend(b"")
    dead.refuse()
    server = serve(PLACES + "".join(f"location /{name}/ {{ proxy_pass http://{name}; }}" for name in "klmn"), http=f"""
        upstream k {{ status_zone both; zone k 256k; server {dead.address}; server {origins[0].address} backup; }}
        upstream l {{ status_zone both; server {origins[1].address}; }}
        upstream m {{ status_zone off; server {origins[1].address}; }}
        upstream n {{ server {origins[1].address}; }}
        upstream o {{ status_zone idle; server 127.0.0.1:1; }}""")
    for target in ("/k/", "/l/", "/l/", "/m/", "/n/"):
        assert server.get(target).status == 200
    now = figures_with(server, "upstream_server_responses_total", 5)
    assert now.sum("upstream_zone_requests_total", zone="both") == 4
    assert now.sum("upstream_zone_failed_total", zone="both") == 1
    assert now.sum("upstream_zone_retries_total", zone="both") == 1
    assert now.sum("upstream_zone_responses_total", zone="both", **{"class": "2xx"}) == 3
    assert now.sum("upstream_zone_header_duration_seconds_count", zone="both") == 3
    assert now.sum("upstream_zone_requests_total") == 4
    zones = {dict(labels)["zone"] for name, labels in now.samples if name == "ringx_upstream_zone_requests_total"}
    assert zones == {"both", "idle"}
    for figure in ("sent_bytes_total", "received_bytes_total"):
        parts = [now.sum(f"upstream_server_{figure}", upstream=upstream) for upstream in "kl"]
        assert now.sum(f"upstream_zone_{figure}", zone="both") == sum(parts) > 0
    server.expect("connect|Connection refused")


def test_checks_of_health_are_counted(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    dead = backend(b"")
    dead.refuse()
    server = serve(PLACES + "location /up/ { proxy_pass http://app; health_check interval=100ms; }", http=f"""
        upstream app {{ zone app 256k; status_zone app; server {origin.address}; server {dead.address}; }}""")
    figures_with(server, "upstream_server_checks_total", 2, server=origin.address)
    now = figures_with(server, "upstream_server_checks_total", 2, server=dead.address)
    assert now.sum("upstream_server_checks_failed_total", server=dead.address) >= 2
    assert now.sum("upstream_server_checks_failed_total", server=origin.address) == 0
    for figure in ("checks_total", "checks_failed_total"):
        low, high = now.sum(f"upstream_server_{figure}"), figures(server).sum(f"upstream_server_{figure}")
        assert low <= now.sum(f"upstream_zone_{figure}", zone="app") <= high
    server.expect("connect|Connection refused|unhealthy")


def test_a_zone_of_upstreams_outlives_its_servers(serve, backend):
    origins = [backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") for _ in range(2)]
    server = serve(PLACES + "location /up/ { proxy_pass http://app; }",
                   http=f"upstream app {{ status_zone app; server {origins[0].address}; }}")
    server.get("/up/")
    config = server.read("conf/server.conf")
    server.write("conf/server.conf", config.replace(origins[0].address, origins[1].address))
    server.reload()
    server.get("/up/")
    now = figures_with(server, "upstream_zone_responses_total", 2, zone="app")
    assert now.sum("upstream_zone_requests_total", zone="app") == 2
    assert now.sum("upstream_server_requests_total", upstream="app") == 1


def test_engines_tell_what_they_do(serve):
    server = serve(PLACES)
    server.get("/a/")
    now = figures(server)
    assert now.sum("engine_waits_total") > 0
    assert now.sum("engine_completions_total") > 0
    assert now.sum("engine_busy_turns_total") > 0
    # All turns but the one that tells this.
    assert now.sum("engine_turn_duration_seconds_count") == now.sum("engine_waits_total") - len(server.workers())
    assert now.sum("engine_overflows_total") == 0


def test_names_that_are_no_text_are_made_text(serve):
    server = serve("include odd.conf;" + PLACES, files={"conf/odd.conf": b"status_zone caf\xc3\xa9\xff\xc3;"})
    text = server.get("/metrics").body.decode()
    assert 'ringx_server_zone_requests_total{zone="café\\\\xFF\\\\xC3",method="GET"} ' in text
