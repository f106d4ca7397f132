"""`api`: what it answers, whom it refuses, and that every mistake is JSON with a code and a sentence."""

import json
import re
import signal

import pytest

from harness import wait_until

JSON = [("Content-Type", "application/json")]
READING = "location /api/ { api; }"
WRITING = "location /api/ { api write=on; }"


def no_duplicates(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), f"a name is there twice: {[name for name, _ in pairs]}"
    return dict(pairs)


def read_json(answer, status=200):
    assert answer.status == status, answer
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    return json.loads(answer.body, object_pairs_hook=no_duplicates)


def code_of(answer, status):
    error = read_json(answer, status)
    assert set(error) == {"error"} and set(error["error"]) == {"code", "message"}
    assert error["error"]["message"].endswith(".")
    return error["error"]["code"]


def test_health_is_good(serve):
    server = serve(READING)
    assert read_json(server.get("/api/health"))["status"] == "ok"


def test_health_tells_clients_of_a_server_that_is_stopped(serve):
    server = serve(READING, workers=1)
    with server.client() as client:
        client.send("GET /api/health HTTP/1.1\r\n")
        wait_until(lambda: server.connections() == 1, "the connection")
        first = server.client()
        with first:
            first.get("/api/health")  # what was sent before has been read by now
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down")
        client.send("Host: a\r\n\r\n")
        assert read_json(client.read_response(), 503)["status"] == "leaving"
        assert client.is_closed()


def test_stats_have_what_was_counted(serve, backend):
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    server = serve("status_zone site;" + READING + """
        location /a { status_zone a; return 200 text; }
        location /up/ { proxy_pass http://app; }
    """, http=f"upstream app {{ server {origin.address}; server 127.0.0.1:1 down; }}")
    server.get("/a")
    server.request("POST", "/a", [("Content-Length", "0")])
    server.get("/up/")

    def counted():
        stats = read_json(server.get("/api/stats"))
        ours = stats["upstreams"]["app"]["servers"][origin.address]
        all_there = stats["location_zones"]["a"]["responses"]["2xx"] == 2 and ours["responses"]["2xx"] == 1
        return stats if all_there else None

    stats = wait_until(counted, "the requests to be counted")
    assert stats["api_version"] == 1
    assert set(stats["server"]) >= {"version"}
    assert set(stats["workers"]) == {"0", "1"}
    assert stats["server_zones"]["site"]["responses"]["2xx"] >= 3
    seconds = stats["location_zones"]["a"]["duration_seconds"]
    assert seconds["count"] == 2
    assert 0 <= seconds["p50"] <= seconds["p99"] <= seconds["max"] < 10
    servers = stats["upstreams"]["app"]["servers"]
    assert servers[origin.address]["state"] == "up"
    assert servers["127.0.0.1:1"]["state"] == "down"
    assert servers["127.0.0.1:1"]["weight"] == 1


def test_stats_have_the_steps_of_histograms_for_those_who_ask(serve):
    server = serve(READING + "location /a { status_zone a; return 200 text; }")
    for _ in range(20):
        server.get("/a")

    def counted():
        seconds = read_json(server.get("/api/stats?steps=on"))["location_zones"]["a"]["duration_seconds"]
        return seconds if seconds["count"] == 20 else None

    seconds = wait_until(counted, "the requests to be counted")
    steps = seconds["steps"]
    assert sum(count for _, count in steps) == 20
    assert [at for at, _ in steps] == sorted({at for at, _ in steps})
    total = sum(at * count for at, count in steps)
    assert abs(total - seconds["sum"]) <= seconds["sum"] / 8 + 20 * 2e-6
    assert "steps" not in read_json(server.get("/api/stats"))["location_zones"]["a"]["duration_seconds"]


def test_stats_say_whether_orders_are_taken(serve):
    server = serve(READING + "location /steer/ { api write=on; }")
    assert read_json(server.get("/api/stats"))["writable"] is False
    assert read_json(server.get("/steer/stats"))["writable"] is True


def test_metrics_are_those_of_the_directive(serve):
    server = serve(READING + "location = /metrics { metrics; }")
    ours, theirs = server.get("/api/metrics"), server.get("/metrics")
    assert ours.header("Content-Type") == theirs.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    families = [line for line in ours.text.splitlines() if line.startswith("# ")]
    assert families == [line for line in theirs.text.splitlines() if line.startswith("# ")] and len(families) > 30
    assert ours.header("Cache-Control") == "no-store"
    answer = server.request("GET", "/api/metrics", [("Accept", "application/openmetrics-text;version=1.0.0")])
    assert answer.header("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("# EOF\n")


def test_requests_are_counted_because_the_api_tells(serve):
    server = serve(READING)
    server.get("/")
    wait_until(lambda: sum(w["responses"]["2xx"] for w in read_json(server.get("/api/stats"))["http"].values()) > 1,
               "requests in the statistics")


@pytest.mark.parametrize("path", ["health", "stats", "metrics"])
def test_head_is_get_without_the_body(serve, path):
    server = serve(READING)
    answer = server.request("HEAD", "/api/" + path)
    assert answer.status == 200 and int(answer.header("Content-Length")) >= 15 and not answer.body


@pytest.mark.parametrize("path", ["/api/health/", "/api/%68ealth", "/api//health", "/api/x/../health", "/api/health?a"])
def test_paths_are_what_they_mean(serve, path):
    assert read_json(serve(READING).get(path))["status"] == "ok"


@pytest.mark.parametrize("path", ["/api/", "/api/healthy", "/api/health/x", "/api/%00", "/api/Health"])
def test_what_is_not_there_is_told_as_json(serve, path):
    answer = serve(READING).get(path)
    if path == "/api/%00":
        assert answer.status == 400
    else:
        assert code_of(answer, 404) == "unknown_path"


def test_error_pages_are_not_for_programs(serve):
    server = serve("error_page 404 /index.html;" + READING)
    assert code_of(server.get("/api/none"), 404) == "unknown_path"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "BREW"])
def test_a_method_that_is_not_known_there_is_told_which_are(serve, method):
    server = serve(WRITING)
    answer = server.request(method, "/api/health", [("Content-Length", "0")])
    if method == "TRACE":
        assert answer.status == 405
    else:
        assert code_of(answer, 405) == "method_not_allowed"
        assert answer.header("Allow") == "GET, HEAD"


@pytest.mark.parametrize("location", ["/a/b/", "/a/b", "^~ /a/b/", "/"])
def test_paths_begin_behind_the_name_of_the_location(serve, location):
    server = serve(f"location {location} {{ api; }}")
    prefix = location.split()[-1].rstrip("/")
    assert read_json(server.get(prefix + "/health"))["status"] == "ok"
    assert code_of(server.get(prefix + "/"), 404) == "unknown_path"


def test_no_path_begins_within_a_segment(serve):
    server = serve("location /api { api; }")
    assert code_of(server.get("/apihealth"), 404) == "unknown_path"
    assert code_of(server.get("/api"), 404) == "unknown_path"


def test_an_if_and_limited_methods_go_on_with_it(serve):
    server = serve("location /api/ { api; if ($arg_a) { add_header A b; } limit_except GET { deny 127.0.0.2; } }")
    assert server.get("/api/health?a=1").header("A") == "b"
    assert code_of(server.request("POST", "/api/health", [("Content-Length", "0")]), 405) == "method_not_allowed"


@pytest.mark.parametrize("location, argument, mistake", [
    ("= /api", "", '"api" directive needs a location with a prefix'),
    ("~ ^/api", "", '"api" directive needs a location with a prefix'),
    ("@api", "", '"api" directive needs a location with a prefix'),
    ("/api/", "write", 'invalid parameter "write"'),
    ("/api/", "write=maybe", 'invalid parameter "write=maybe"'),
    ("/api/", "on", 'invalid parameter "on"'),
    ("/api/", "; api", '"api" directive is duplicate'),
])
def test_mistakes_of_the_configuration_are_told(new_server, location, argument, mistake):
    server = new_server(server=f"location {location} {{ api {argument}; }}")
    server.expect(re.escape(mistake))
    done = server.run("-t")
    assert done.returncode == 1 and mistake in done.stderr
