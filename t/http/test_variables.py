"""Every variable of the core, beside nginx: while a request is answered, and when it is logged."""

import re
import socket

import pytest

from harness import Client, wait_until
from harness.pairs import compare

# Equal in both servers when they are told the same.
SAME = """
    arg_a arg_b arg_A arg_none args binary_remote_addr body_bytes_sent bytes_sent connection_requests content_length
    content_type cookie_a cookie_A cookie_none document_root document_uri host hostname http_host http_user_agent
    http_x_test http_x_forwarded_for http_none https is_args limit_rate pipe proxy_protocol_addr proxy_protocol_port
    proxy_protocol_server_addr proxy_protocol_server_port query_string realpath_root remote_addr remote_user request
    request_body request_body_file request_completion request_filename request_length request_method request_uri scheme
    sent_http_content_type sent_http_content_length sent_http_location sent_http_etag sent_http_last_modified
    sent_http_none sent_trailer_x server_addr server_name server_protocol status uri http_cookie
""".split()

# Of each server's or moment's own: only their form is known.
FORMS = {
    "connection": r"\d+", "connection_time": r"\d+\.\d{3}", "msec": r"\d{10}\.\d{3}", "pid": r"\d+",
    "remote_port": r"\d+", "server_port": r"\d+", "request_id": r"[0-9a-f]{32}", "request_time": r"\d+\.\d{3}",
    "tcpinfo_rtt": r"\d+", "tcpinfo_rttvar": r"\d+", "tcpinfo_snd_cwnd": r"\d+", "tcpinfo_rcv_space": r"\d+",
    "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
    "time_local": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", "nginx_version": r"\d+\.\d+\.\d+",
}

# Newer than the nginx compared with, or of its commercial build.
NEWER = {"request_port": "", "is_request_port": "", "time_iso8601_ms":
         r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"}

SITE = """
server_tokens off;
log_format all escape=none "%LINES%";
server {
    listen 127.0.0.1:%PORT%;
    server_name variables.example other;
    root html;
    access_log logs/%PORT%.log all;
    location /shown { access_log off; return 200 "%LINES%"; }
    location /forms { access_log off; return 200 "%FORMS%"; }
    location /alias/ { alias html/folder/; }
    location /alias/shown { access_log off; alias html/folder; return 200 "$document_root $request_filename"; }
    location ~ ^/regex/(.*)$ { access_log off; alias html/$1; return 200 "$document_root $request_filename $1"; }
    location /redirect { return 302 /elsewhere; }
    location /gone { return 410; }
    location /empty { return 204; }
}
"""
SITE = SITE.replace("%LINES%", "".join(f"{name}=[${name}]|" for name in SAME))
SITE = SITE.replace("%FORMS%", "".join(f"{name}=[${name}]|" for name in FORMS))

FILES = {"html/folder/file.txt": "a file", "html/index.html": "index", "html/x": "x" * 20000}

BASIC = {"Authorization": "Basic dXNlcjpwYXNz"}
REQUESTS = [
    "/shown", "/shown?", "/shown?a=1", "/shown?A=2&a=3", "/shown?b=&a", "/shown?a=%20b+c&b=x=y", "/shown/%41/../b?a",
    "/shown//x", ("GET", "http://Other:81/shown?a=1"), ("GET", "/shown", {"Host": "VARIABLES.example:8080"}),
    ("GET", "/shown", {"Host": "unknown."}), ("GET", "/shown", {"Cookie": "a=1; b=2; A=3"}),
    ("GET", "/shown", [("Cookie", "b=1"), ("Cookie", "a=2")]), ("GET", "/shown", {"Cookie": "a = 5 ; a=6"}),
    ("GET", "/shown", {"User-Agent": "an agent", "X-Test": "one"}),
    ("GET", "/shown", [("X-Forwarded-For", "a"), ("X-Forwarded-For", "b")]),
    ("GET", "/shown", BASIC), ("GET", "/shown", {"Authorization": "Basic x"}),
    ("GET", "/shown", {"Authorization": "Bearer dXNlcjpwYXNz"}), ("GET", "/shown", {"Content-Type": "a/b"}),
    ("HEAD", "/shown"), ("DELETE", "/shown"), ("OPTIONS", "/shown"), ("GET", "/shown", {}, "1.0"),
    "/alias/shown", "/alias/shown/x", "/regex/folder/file.txt", "/regex/",
]


def test_variables_have_the_values_of_nginx(beside_nginx):
    compare(beside_nginx(SITE, FILES), REQUESTS)


@pytest.mark.parametrize("request_text", [
    "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost: a\r\nRange: bytes=5-10\r\nConnection: close\r\n\r\n",
    "GET /alias/file.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /missing HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    "GET /redirect HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    "GET /gone HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    "GET /empty HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /gone HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /empty HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
], ids=lambda text: re.sub(r"\s+", " ", text)[:40])
def test_log_lines_are_those_of_nginx(beside_nginx, request, request_text):
    ports = beside_nginx(SITE, FILES)
    server = request.node.servers[0]
    lines = []
    for port in ports:
        with Client(port) as client:
            client.send(request_text)
            client.take_all()
        count = request_text.count(" HTTP/1.")
        wait_until(lambda port=port, count=count: server.read(f"logs/{port}.log").count("\n") >= count, "the log")
        lines.append(server.read(f"logs/{port}.log").replace(f":{port}", ":PORT"))
    assert lines[1].split("|") == lines[0].split("|")


def test_what_differs_has_the_form_it_has_in_nginx(beside_nginx):
    for port in beside_nginx(SITE, FILES):
        with Client(port) as client:
            text = client.get("/forms").text
        got = dict(re.findall(r"(\w+)=\[([^]]*)\]\|", text))
        assert got.keys() == FORMS.keys()
        wrong = {name: value for name, value in got.items() if not re.fullmatch(FORMS[name], value)}
        assert not wrong
        assert got["server_port"] == str(port)


def test_newer_variables(serve):
    server = serve("return 200 '" + "".join(f"{name}=[${name}]|" for name in NEWER) + "';")
    got = dict(re.findall(r"(\w+)=\[([^]]*)\]\|", server.get("/", {"Host": "a"}).text))
    for name, form in NEWER.items():
        assert re.fullmatch(form, got[name]), name
    assert "request_port=[8080]|is_request_port=[:]" in server.get("/", {"Host": "a:8080"}).text


def test_fields_of_one_name_are_joined(serve):
    """As nginx does it since 1.23; the one compared with shows the first."""
    server = serve("return 200 $http_x_test;")
    assert server.get("/", [("X-Test", "one"), ("x-test", "two")]).text == "one, two"


def test_ids_and_numbers_tell_requests_apart(serve):
    server = serve(http="log_format ids '$request_id $connection $connection_requests';",
                   server="access_log logs/ids.log ids; return 200 '$request_id $connection $connection_requests';")
    with server.client() as first, server.client() as second:
        texts = [client.get("/").text for client in (first, first, second)]
    ids, connections, numbers = zip(*(text.split() for text in texts))
    assert len(set(ids)) == 3
    assert connections[0] == connections[1] != connections[2]
    assert numbers == ("1", "2", "1")
    server.wait_for_log(r"^\w+ ", "logs/ids.log", count=3)
    assert sorted(server.read("logs/ids.log").splitlines()) == sorted(texts)


def test_the_host_name_is_the_machines(serve):
    assert serve("return 200 $hostname;").get("/").text == socket.gethostname().lower()


def test_args_and_other_variables_can_be_assigned(beside_nginx):
    compare(beside_nginx("""server_tokens off;
        map $arg_x $mapped { default "map $arg_x"; }
        server { listen 127.0.0.1:%PORT%;
            location /args { set $args "x=new"; return 200 "$args $arg_x $is_args $query_string $request_uri"; }
            location /none { set $args ""; return 200 "[$args$is_args]"; }
            location /before { set $y $mapped; set $args x=new; return 200 "$mapped $y"; }
            location /mapped { set $mapped set; return 200 "$mapped"; }
            location /later { set $later "$mapped$arg_x"; return 200 "$later"; }
            location /http { set $http_x_mine set; return 200 "$http_x_mine"; }
            location ~ ^/(?<name>[a-z]+)/re { set $before $name; set $name set; return 200 "$before $name $1"; }
            location / { return 200 "[$later][$name][$http_x_mine]"; }
        }""", {}), [("GET", target, {"X-Mine": "sent"}) for target in (
            "/args?x=old", "/none?x=old", "/before?x=old", "/mapped?x=old", "/later?x=old", "/http", "/captured/re",
            "/other")])
