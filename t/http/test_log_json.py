"""The format `json`: a line for each request, and each line an object of the same names and types."""

import json
import re

import pytest

from harness.backend import Answer, response
from harness.certificates import self_signed
from harness.tls import LISTEN, OWN, pair
from harness.waiting import wait_until

LOG = "access_log logs/requests.json json;"

TEXTS = {"time", "remote_addr", "remote_user", "method", "scheme", "host", "uri", "protocol", "request", "referer",
         "user_agent", "forwarded_for", "request_id", "server_name", "tls_protocol", "tls_cipher", "upstream_addr"}
NUMBERS = {"status", "bytes_received", "bytes_sent", "body_bytes_sent", "request_time", "connection",
           "connection_requests", "upstream_tries", "upstream_status", "upstream_connect_time", "upstream_header_time",
           "upstream_response_time"}
NEVER_NULL = {"time", "remote_addr", "status", "bytes_received", "bytes_sent", "body_bytes_sent", "request_time",
              "request_id", "connection"}


def unknown_constant(name):
    raise ValueError(f"{name} is no JSON")


def objects_of(server, count=1):
    """What the lines say, each of them checked."""
    def data():
        with open(server.path("logs/requests.json"), "rb") as file:
            return file.read()
    wait_until(lambda: data().count(b"\n") >= count, f"{count} lines")
    objects = [json.loads(line.decode("utf-8"), parse_constant=unknown_constant) for line in data().splitlines()]
    assert len(objects) == count
    for one in objects:
        assert set(one) == TEXTS | NUMBERS
        for name, value in one.items():
            kind = str if name in TEXTS else (int, float)
            assert isinstance(value, kind) or (value is None and name not in NEVER_NULL), f"{name}: {value!r}"
    return objects


def test_an_ordinary_request(serve):
    server = serve(LOG, files={"html/a": "0123456789"})
    server.get("/a?b", {"Host": "site.test", "User-Agent": 'x "y" \\', "Referer": "r", "X-Forwarded-For": "192.0.2.1",
                        "Authorization": "Basic bWU6cHc="})
    (line,) = objects_of(server)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", line["time"])
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    expected = {"remote_addr": "127.0.0.1", "remote_user": "me", "method": "GET", "scheme": "http", "host": "site.test",
                "uri": "/a?b", "protocol": "HTTP/1.1", "request": "GET /a?b HTTP/1.1", "status": 200,
                "body_bytes_sent": 10, "referer": "r", "user_agent": 'x "y" \\', "forwarded_for": "192.0.2.1",
                "connection_requests": 1, "server_name": "localhost", "tls_protocol": None, "upstream_addr": None,
                "upstream_tries": None, "upstream_status": None, "upstream_response_time": None}
    assert {name: line[name] for name in expected} == expected
    assert line["bytes_sent"] > line["body_bytes_sent"] and 0 <= line["request_time"] < 60


def test_requests_of_one_connection(serve):
    server = serve(LOG, files={"html/a": ""})
    server.expect("error")
    with server.client() as client:
        for target in ("/", "/a", "/none"):
            client.get(target)
    lines = objects_of(server, 3)
    assert [(line["uri"], line["status"], line["connection_requests"]) for line in lines] == [
        ("/", 200, 1), ("/a", 200, 2), ("/none", 404, 3)]
    assert len({line["connection"] for line in lines}) == 1
    assert len({line["request_id"] for line in lines}) == 3


@pytest.mark.parametrize("sent, status, line_sent", [
    (b"GARBAGE\r\n\r\n", 400, "GARBAGE"),
    (b"\x16\x03\x01\0x\xfe\r\n\r\n", 400, "\x16\x03\x01\0x\\xFE"),
    (b"GET / HTTP/1.1\r\n\r\n", 400, "GET / HTTP/1.1"),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "GET / HTTP/3.0"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40000 + b"\r\n\r\n", 400, "GET / HTTP/1.1"),
    (b"G\"E\\T\xff\r\n\r\n", 400, "G\"E\\T\\xFF"),
    (b"\r\n\r\n\xff\xff\xff\xff\r\n\r\n", 400, "\\xFF\\xFF\\xFF\\xFF"),
], ids=["garbage", "TLS", "no Host", "unknown version", "too large", "no method", "bytes"])
def test_what_cannot_be_understood(serve, sent, status, line_sent):
    server = serve(LOG)
    with server.client() as client:
        client.send(sent)
        client.take_all()
    (line,) = objects_of(server)
    assert (line["status"], line["request"]) == (status, line_sent)


@pytest.mark.parametrize("target, uri", [
    (b"/\xc3\xa9", "/é"),
    (b"/\xe9", "/\\xE9"),
    (b"/\xff\xfe?\xc0\xaf", "/\\xFF\\xFE?\\xC0\\xAF"),
    (b"/\"\\", "/\"\\"),
], ids=["UTF-8", "Latin-1", "bytes", "quotes"])
def test_bytes_of_a_target_and_of_fields(serve, target, uri):
    server = serve(LOG)
    server.expect("error")
    with server.client() as client:
        client.send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nUser-Agent: a\xffz\t\r\nConnection: close\r\n\r\n")
        client.take_all()
    (line,) = objects_of(server)
    assert (line["uri"], line["user_agent"]) == (uri, "a\\xFFz")


def test_a_client_that_leaves_within_a_head(serve):
    server = serve(LOG)
    with server.client() as client:
        client.send(b"GET /part")
        client.finish()
        client.take_all()
    (line,) = objects_of(server)
    assert (line["request"], line["method"], line["protocol"]) == ("GET /part", None, None)
    assert (line["status"], line["body_bytes_sent"]) == (400, 0)


def test_a_proxied_request(proxied):
    server, origin = proxied(response("hello"), server=f"{LOG} location / {{ proxy_pass http://%BACKEND%; }}")
    assert server.get("/").text == "hello"
    (line,) = objects_of(server)
    assert (line["upstream_addr"], line["upstream_tries"], line["upstream_status"]) == (origin.address, 1, 200)
    times = [line[f"upstream_{name}_time"] for name in ("connect", "header", "response")]
    assert all(isinstance(time, float) for time in times) and times == sorted(times)


def test_several_tries(proxied, backend):
    good = backend(response("hello"))
    server, _ = proxied(Answer(b"", "close"), server=f"{LOG} location / {{ proxy_pass http://app; }}",
                        http=f"upstream app {{ server %BACKEND% weight=100; server {good.address}; }}")
    assert server.get("/").text == "hello"
    (line,) = objects_of(server)
    assert (line["upstream_addr"], line["upstream_tries"], line["upstream_status"]) == (good.address, 2, 200)


def test_an_origin_that_says_nothing(proxied):
    server, _ = proxied(Answer(b"", "close"), server=f"{LOG} location / {{ proxy_pass http://%BACKEND%; }}")
    server.expect("error")
    assert server.get("/").status == 502
    (line,) = objects_of(server)
    assert (line["status"], line["upstream_status"], line["upstream_header_time"]) == (502, 502, None)


def test_a_tunnel(proxied):
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    server, origin = proxied(None, server=f"""{LOG} location / {{
        proxy_pass http://%BACKEND%; proxy_set_header Upgrade x; proxy_set_header Connection upgrade; }}""")
    with server.client() as client:
        client.send_request("GET", "/chat", {"Upgrade": "x", "Connection": "Upgrade"})
        peer = origin.accept()
        peer.read_request()
        peer.send(agreed + b"down")
        assert client.read_response().status == 101
        assert client.take(4) == b"down"
    (line,) = objects_of(server)
    assert (line["uri"], line["status"], line["upstream_status"]) == ("/chat", 101, 101)
    assert line["upstream_response_time"] is not None and line["bytes_sent"] > 4


def test_over_tls(serve):
    server = serve(f"{LISTEN} {OWN} {LOG}", files=pair("own", self_signed()))
    with server.client(2, tls=True) as client:
        client.get("/")
        protocol, cipher = client.socket.version(), client.socket.cipher()[0]
    (line,) = objects_of(server)
    assert (line["scheme"], line["tls_protocol"], line["tls_cipher"]) == ("https", protocol, cipher)


@pytest.mark.parametrize("name", ["json", "JSON"])
def test_a_declared_json_is_the_one_that_was_declared(serve, name):
    server = serve(LOG, http=f"log_format {name} escape=json '{{\"own\":\"$uri\"}}';")
    server.get("/index.html")
    line = server.wait_for_log("^.+$", "logs/requests.json")[0].group()
    assert line == '{"own":"/index.html"}'


def test_its_name_takes_the_parameters_of_others(serve):
    server = serve("access_log logs/requests.json json buffer=64k flush=10ms if=$arg_log;")
    server.get("/?log=1")
    server.get("/")
    assert objects_of(server)[0]["uri"] == "/?log=1"
