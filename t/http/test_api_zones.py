"""`api`: zones are listed, and begin anew for all workers at once; what costs requests is refused."""

import json
import os
import socket

import pytest

WRITING = "location /api/ { api write=on; }"
RATE = "limit_req_zone $arg_key zone=rate:1m rate=1r/m;"
LIMITED = "location = /limited { limit_req zone=rate; limit_req_status 429; empty_gif; }"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def zone(server, name):
    answer = server.get("/api/zones/" + name)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def reset(server, name):
    return server.request("DELETE", "/api/zones/" + name)


def ask(server, key):
    return server.get("/limited?key=" + key).status


def test_zones_tell_what_is_in_them(serve):
    server = serve(WRITING + LIMITED, http=RATE + "limit_conn_zone $arg_a zone=c:64k;")
    empty = zone(server, "rate")
    assert (empty["name"], empty["use"], empty["size"]) == ("rate", "limit_req", 1 << 20)
    assert (empty["entries"], empty["emptied"], empty["may_be_reset"]) == (0, 0, True)
    for key in range(200):
        server.get(f"/limited?key={key}")
    full = zone(server, "rate")
    assert full["entries"] == 200
    assert full["used_bytes"] > empty["used_bytes"] and full["free_bytes"] < empty["free_bytes"]
    assert full["used_bytes"] + full["free_bytes"] <= full["size"]
    zones = json.loads(server.get("/api/zones").body)["zones"]
    assert [one["name"] for one in zones] == ["rate", "c"] and zones[0] == full


def test_a_zone_begins_anew_in_all_workers(serve):
    server = serve(WRITING + LIMITED, http=RATE, workers=4)
    assert ask(server, "a") == 200
    assert [ask(server, "a") for _ in range(8)] == [429] * 8
    answer = reset(server, "rate")
    assert answer.status == 200
    after = json.loads(answer.body)
    assert (after["entries"], after["emptied"]) == (0, 1)
    assert [ask(server, "a"), *(ask(server, "a") for _ in range(8))] == [200] + [429] * 8
    assert zone(server, "rate")["entries"] == 1


@pytest.mark.parametrize("name", ["peers", "connections"])
def test_a_zone_that_is_needed_is_kept(serve, name):
    server = serve(WRITING, http="upstream app { zone peers 1m; server 127.0.0.1:1; }"
                                 "limit_conn_zone $arg_a zone=connections:64k;")
    assert zone(server, name)["may_be_reset"] is False
    answer = reset(server, name)
    assert answer.status == 409
    assert json.loads(answer.body)["error"]["code"] == "zone_in_use"
    assert zone(server, name)["emptied"] == 0


def test_names_of_zones_may_have_slashes(serve):
    server = serve(WRITING, http="limit_req_zone $arg_key zone=a/b:1m rate=1r/m;")
    for name in ("a/b", "a%2Fb", "a/b/"):
        assert zone(server, name)["name"] == "a/b"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_unknown_zones_are_not_there(serve, method):
    answer = serve(WRITING, http=RATE).request(method, "/api/zones/rat")
    assert answer.status == 404
    if method != "HEAD":
        assert json.loads(answer.body)["error"]["code"] == "unknown_zone"


@pytest.mark.parametrize("location, fields, status, code", [
    ("api", [], 403, "read_only"),
    ("api write=off", [], 403, "read_only"),
    ("api write=on", [("Sec-Fetch-Site", "cross-site")], 403, "cross_site"),
    ("api write=on", [("Sec-Fetch-Site", "same-site")], 403, "cross_site"),
    ("api write=on", [("Origin", "http://evil.example")], 403, "cross_site"),
    ("api write=on", [("Origin", "null")], 403, "cross_site"),
    ("api write=on", [("Content-Length", "2"), ("Content-Type", "text/plain")], 415, "not_json"),
    ("api write=on", [("Content-Length", "2")], 415, "not_json"),
    ("api write=on", [("Content-Length", "70000"), ("Content-Type", "application/json")], 413, "too_large"),
])
def test_orders_are_not_taken_from_everybody(serve, location, fields, status, code):
    server = serve(f"location /api/ {{ {location}; }}" + LIMITED, http=RATE)
    ask(server, "a")
    length = int(dict(fields).get("Content-Length", 0))
    answer = server.request("DELETE", "/api/zones/rate", fields, b"{}" + b" " * (length - 2) if length else b"")
    assert answer.status == status
    assert json.loads(answer.body)["error"]["code"] == code
    assert zone(server, "rate")["entries"] == 1


def test_a_browser_uses_a_name_of_the_server(serve):
    server = serve(WRITING + " server_name ours.example;", http=RATE)
    for host, status in (("ours.example", 200), ("evil.example", 403), ("127.0.0.1", 200), ("localhost", 200)):
        fields = [("Host", f"{host}:{server.port()}"), ("Origin", f"http://{host}:{server.port()}")]
        answer = server.request("DELETE", "/api/zones/rate", fields)
        assert answer.status == status, host
        if status == 403:
            assert json.loads(answer.body)["error"]["code"] == "unknown_host"
    assert server.request("DELETE", "/api/zones/rate", [("Host", "evil.example")]).status == 200, "it is no browser"


def test_orders_of_the_same_site_are_taken_and_noted(serve):
    server = serve(WRITING, http=RATE)
    same = [("Origin", f"http://localhost:{server.port()}"), ("Sec-Fetch-Site", "same-origin")]
    answer = server.request("DELETE", "/api/zones/rate", [("Host", f"localhost:{server.port()}"), *same])
    assert answer.status == 200
    server.wait_for_log(r"\[notice\].*an order came through the api.*DELETE /api/zones/rate")


def test_the_installed_configuration_answers_this_machine_only(new_server):
    with open(f"{TOP}/conf/server.conf") as file:
        config = file.read()
    assert "write=on" not in config
    config = config.replace("listen      80;", "listen 127.0.0.1:%PORT%; listen unix:%PREFIX%/socket;")
    server = new_server(config=config.replace("pid  ", "daemon off; pid  "))
    server.start()
    assert json.loads(server.get("/api/health").body)["status"] == "ok"
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(server.path("socket"))
        other.sendall(b"GET /api/health HTTP/1.0\r\n\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 403 ")
    server.expect("access forbidden by rule")
