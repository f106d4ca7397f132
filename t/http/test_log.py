"""Access logs and error logs as administrators and their tools meet them."""

import fcntl
import gzip
import json
import os
import re
import signal
import socket
import termios

import pytest

from harness.waiting import wait_until

COMBINED = r'127\.0\.0\.1 - (\S+) \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "(.*)" (\d{3}) (\d+) "(.*)" "(.*)"$'


def lines_of(server, name="logs/access.log", count=1):
    """The lines of a log, once there are at least so many."""
    wait_until(lambda: server.read(name).count("\n") >= count, f"{count} lines in {name}")
    return server.read(name).splitlines()


def fields_of(server, count=1):
    """User, request, status, body bytes, referer and agent of the lines in the combined format."""
    return [re.fullmatch(COMBINED, line).groups() for line in lines_of(server, count=count)]


# --- what is a line


def test_a_line_says_who_asked_for_what_and_what_became_of_it(serve):
    server = serve(files={"html/a": "0123456789"})
    server.get("/a?b", {"User-Agent": 'x "y" \\', "Referer": "r", "Authorization": "Basic bWU6cHc="})
    assert fields_of(server) == [("me", "GET /a?b HTTP/1.1", "200", "10", "r", r"x \x22y\x22 \x5C")]


def test_pipelined_requests_have_a_line_each_in_their_order(serve):
    server = serve(files={"html/a": "a", "html/b": "bb"})
    with server.client() as client:
        client.send(b"".join(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % name for name in (b"a", b"b", b"a", b"none")))
        for _ in range(4):
            client.read_response()
    server.expect("error")
    assert [(line[1], line[2]) for line in fields_of(server, count=4)] == [
        ("GET /a HTTP/1.1", "200"), ("GET /b HTTP/1.1", "200"), ("GET /a HTTP/1.1", "200"),
        ("GET /none HTTP/1.1", "404")]


@pytest.mark.parametrize("bytes_sent, line, status", [
    (b"GARBAGE\r\n\r\n", "GARBAGE", "400"),
    (b"\x16\x03\x01\0x\r\n\r\n", r"\x16\x03\x01\x00x", "400"),
    (b"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1", "400"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40000 + b"\r\n\r\n", "GET / HTTP/1.1", "400"),
    (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "GET / HTTP/3.0", "505"),
], ids=["garbage", "TLS", "no Host", "too large", "unknown version"])
def test_what_cannot_be_understood_is_logged_too(serve, bytes_sent, line, status):
    server = serve()
    with server.client() as client:
        client.send(bytes_sent)
        client.take_all()
    assert fields_of(server)[0][1:3] == (line, status)


def test_a_head_that_came_in_many_pieces_is_logged_as_it_was(serve):
    server = serve(http="log_format p '$request|$http_x|$http_y';", server="access_log logs/p.log p;")
    with server.client() as client:
        for piece in ("GET /?", "a" * 3000, " HTTP/1.1\r\nX: ", "b" * 3000, "\r\n", "Y: ", "c" * 3000, "\r\nHost: a\r"):
            client.send(piece)
            wait_until(lambda: unread_bytes(client) == 0, "the piece to be read")
        client.send("\n\r\n")
        assert client.read_response().status == 200
    assert lines_of(server, "logs/p.log") == [f"GET /?{'a' * 3000} HTTP/1.1|{'b' * 3000}|{'c' * 3000}"]


def unread_bytes(client):
    """What was sent and not yet acknowledged."""
    return int.from_bytes(fcntl.ioctl(client.socket, termios.TIOCOUTQ, bytes(4)), "little")


def test_a_client_that_leaves_within_a_head_is_logged(serve):
    server = serve()
    with server.client() as client:
        client.send(b"GET /part")
        client.finish()
        client.take_all()
    assert fields_of(server)[0][1:4] == ("GET /part", "400", "0")


def test_a_connection_without_a_request_is_not_logged(serve):
    server = serve()
    server.client().close()
    server.get("/")
    assert len(lines_of(server)) == 1


def test_body_bytes_are_those_that_left(serve):
    server = serve(files={"html/a": "0123456789"})
    server.get("/a", {"Range": "bytes=2-4"})
    server.request("HEAD", "/a")
    assert sorted(line[2:4] for line in fields_of(server, count=2)) == [("200", "0"), ("206", "3")]


# --- formats


def test_a_json_format_makes_lines_that_can_be_parsed(serve):
    server = serve(http="log_format j escape=json '{\"uri\":\"$request_uri\",\"agent\":\"$http_user_agent\",'\n"
                        "  '\"user\":\"$remote_user\",\"status\":$status}';", server="access_log logs/json.log j;")
    server.get("/?\"%00", {"User-Agent": "\"\\\t\x01é".replace("\x01", "")})
    line = json.loads(lines_of(server, "logs/json.log")[0].encode("latin-1", "replace"))
    assert line["uri"] == "/?\"%00"
    assert line["status"] == 200 and line["user"] == ""


def test_captures_of_names_and_locations_are_variables(serve):
    server = serve(http="log_format c '$sub|$first|$id';", server=r"""
        server_name ~^(?<sub>\w+)\.site$;
        location ~ ^/(?<first>a+)/(?<id>\d*) { access_log logs/captures.log c; }""", files={"html/aa/17": ""})
    server.get("/aa/17", {"Host": "WWW.site"})
    assert lines_of(server, "logs/captures.log") == ["www|aa|17"]


# --- where lines go


def test_inner_logs_replace_outer_ones(serve):
    server = serve(http="log_format u $uri;", server="""
        access_log logs/one.log u; access_log logs/two.log u;
        location /in { access_log logs/in.log u; }
        location /off { access_log off; }
        location /if { access_log logs/if.log u if=$arg_log; }""",
                   files={f"html/{name}": "" for name in ("out", "in", "off", "if")})
    for target in ("/out", "/in", "/off", "/if", "/if?log=0", "/if?log=1", "/out"):
        server.get(target)
    assert lines_of(server, "logs/one.log", 2) == lines_of(server, "logs/two.log", 2) == ["/out", "/out"]
    assert lines_of(server, "logs/in.log") == ["/in"]
    assert lines_of(server, "logs/if.log") == ["/if"]
    assert server.access_log == ""


def test_a_log_may_be_named_by_the_request(serve):
    server = serve(http="log_format u $uri; open_log_file_cache max=10;", server="access_log logs/$host.log u;")
    os.chmod(server.path("logs"), 0o777)  # the workers open these
    for host in ("one", "two", "one"):
        server.get("/", {"Host": host})
    assert lines_of(server, "logs/one.log", 2) == ["/index.html"] * 2
    assert lines_of(server, "logs/two.log") == ["/index.html"]


def test_a_log_named_by_the_request_needs_a_root(serve):
    server = serve(http="log_format u $uri;", files={"html/one/index.html": ""},
                   server="location / { root html/$host; access_log logs/$host.log u; }")
    os.chmod(server.path("logs"), 0o777)
    server.expect(r"\[error\]")
    for host in ("none", "one"):
        server.get("/", {"Host": host})
    lines_of(server, "logs/one.log")
    assert not os.path.exists(server.path("logs/none.log"))


@pytest.fixture
def syslog(tmp_path):
    """A server of syslog: takes records from a socket file."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o755)  # the workers run as another user
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taker:
        taker.bind(path)
        os.chmod(path, 0o666)
        taker.settimeout(30)
        yield path, taker


def test_syslog_takes_access_and_error_lines(serve, syslog):
    path, taker = syslog
    server = serve(server=f"""
        access_log syslog:server=unix:{path},facility=local0,tag=web,nohostname;
        error_log syslog:server=unix:{path};""")
    server.get("/")
    assert re.fullmatch(r'<134>\w{3} [ \d]\d \d\d:\d\d:\d\d web: ' + COMBINED, taker.recv(4096).decode())
    server.get("/none")
    records = [taker.recv(4096).decode() for _ in range(2)]
    assert any(re.match(r"<187>\w{3} [ \d]\d \S+ \S+ nginx: \d{4}/.* \[error\] .*open\(\)", record)
               for record in records)


def test_syslog_over_udp(serve):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        taker.settimeout(30)
        server = serve(server=f"access_log syslog:server=127.0.0.1:{taker.getsockname()[1]};")
        server.get("/")
        assert taker.recv(4096).startswith(b"<190>")


# --- buffers


def test_a_buffer_is_flushed_in_time(serve):
    server = serve(http="log_format u $uri;", server="access_log logs/b.log u buffer=64k flush=100ms;")
    server.get("/")
    assert lines_of(server, "logs/b.log") == ["/index.html"]


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_a_buffer_is_flushed_at_the_end(serve, number):
    server = serve(http="log_format u $uri;", server="access_log logs/b.log u buffer=64k;")
    server.get("/")
    assert server.read("logs/b.log") == ""
    server.stop(number)
    assert server.read("logs/b.log") == "/index.html\n"


def test_a_compressed_log_is_a_gzip_file(serve):
    server = serve(http="log_format u $request_uri;", server="access_log logs/b.gz u gzip flush=1h;")
    for i in range(100):
        server.get(f"/?{i}")
    server.stop()
    with gzip.open(server.path("logs/b.gz"), "rt") as file:
        assert sorted(file.read().splitlines()) == sorted(f"/?{i}" for i in range(100))


def test_a_reload_loses_no_line(serve):
    server = serve(http="log_format u $request_uri;", server="access_log logs/b.log u buffer=4k;")
    with server.client() as client:
        for i in range(50):
            client.get(f"/?{i}")
            if i % 10 == 5:
                server.reload()
    server.stop()
    assert server.read("logs/b.log").splitlines() == [f"/?{i}" for i in range(50)]


# --- rotation


def test_usr1_moves_on_to_new_files_and_empties_buffers_into_the_old(serve):
    server = serve(http="log_format u $request_uri;",
                   server="access_log logs/a.log u; access_log logs/b.log u buffer=64k;")
    with server.client() as client:
        client.get("/?old")
        lines_of(server, "logs/a.log")
        for name in ("a", "b"):
            os.rename(server.path(f"logs/{name}.log"), server.path(f"logs/{name}.old"))
        server.send_signal(signal.SIGUSR1)
        wait_until(lambda: server.read("logs/b.old"), "the buffer in the old file")
        wait_until(lambda: os.path.exists(server.path("logs/a.log")), "the new file")
        client.get("/?new")
    server.stop()
    assert (server.read("logs/a.old"), server.read("logs/b.old")) == ("/?old\n", "/?old\n")
    assert (server.read("logs/a.log"), server.read("logs/b.log")) == ("/?new\n", "/?new\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_link_in_a_folder_of_somebody_else_is_not_followed(new_server):
    server = new_server(server="access_log theirs/a.log;")
    os.mkdir(server.path("theirs"))
    server.start()
    os.unlink(server.path("theirs/a.log"))
    os.symlink(server.path("secret"), server.path("theirs/a.log"))
    os.chown(server.path("theirs"), 65534, 65534)
    server.expect(r"a\.log")
    server.send_signal(signal.SIGUSR1)
    server.wait_for_log(r'open\(\) "\S*theirs/a\.log" failed \(40: Too many levels of symbolic links\)')
    assert not os.path.exists(server.path("secret"))
    assert server.get("/").status == 200


# --- the error log


def test_an_error_line_has_nginx_form_and_tail(serve):
    server = serve()
    server.get("/none", {"Host": "second", "Referer": "r"})
    line = server.wait_for_log(r".*failed.*$")[0].group()
    assert re.fullmatch(
        r'\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[error\] (\d+)#\1: \*\d+ open\(\) "\S+/html/none" failed '
        r'\(2: No such file or directory\), client: 127\.0\.0\.1, server: localhost, request: "GET /none HTTP/1\.1", '
        r'host: "second", referrer: "r"', line)


def test_each_block_has_its_error_log_and_level(serve):
    server = serve(server="""
        error_log logs/server.log;
        location /in { error_log logs/in.log error; error_log logs/json.log error json; }
        location /quiet { error_log logs/quiet.log crit; }""")
    for target in ("/none", "/in/none", "/quiet/none"):
        server.get(target)
    assert "/html/none" in lines_of(server, "logs/server.log")[0]
    assert "/html/in/none" in lines_of(server, "logs/in.log")[0]
    entry = json.loads(lines_of(server, "logs/json.log")[0])
    assert entry["level"] == "error" and entry["client"] == "127.0.0.1" and entry["server"] == "localhost"
    assert entry["message"].endswith('/html/in/none" failed') and entry["error"] == "2: No such file or directory"
    assert server.read("logs/quiet.log") == "" and "none" not in server.error_log


def test_no_request_can_write_lines_of_its_own(serve):
    server = serve()
    server.get("/%0a2026/01/01%1b[31m")
    assert r"/html/\x0A2026/01/01\x1B[31m" in server.wait_for_log(r".*failed.*$")[0].group()


def test_debug_is_accepted_and_files_are_there_from_the_start(serve):
    server = serve(server="error_log logs/debug.log debug;")
    assert os.path.exists(server.path("logs/debug.log")) and os.path.exists(server.path("logs/access.log"))
