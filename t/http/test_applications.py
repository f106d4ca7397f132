"""Real applications behind the server: Python's WebSocket and WSGI servers, and Node's http module. What frameworks do
is done by the real thing here; each side's finer points have tests of their own elsewhere."""

import asyncio
import hashlib
import os
import select
import shutil
import sys

import pytest

from harness.program import Program

PROGRAMS = os.path.join(os.path.dirname(__file__), "programs")
NODE = shutil.which("node") or shutil.which("nodejs")
BYTES = bytes(number * number >> 3 & 255 for number in range(10 << 20))

TUNNEL = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
KEPT = "keepalive 16;"


@pytest.fixture
def program():
    """Starts programs of the folder: `program("node_server.js", …)`."""
    started = []

    def start(name, *arguments):
        if name.endswith(".js") and not NODE:
            pytest.skip("no node here")
        interpreter = NODE if name.endswith(".js") else sys.executable
        started.append(Program(interpreter, os.path.join(PROGRAMS, name), *map(str, arguments)))
        return started[-1]

    yield start
    wrong = [fault for each in started for fault in each.close()]
    assert not wrong, "\n".join(wrong[:20])


# --- WebSocket


@pytest.fixture
def chat(serve, program):
    """A server before the chat, and before a WSGI application; `server.connect("/path")` is a client's connection."""
    websockets = pytest.importorskip("websockets")
    tunnel, pages = program("websocket_server.py"), program("wsgi_server.py")
    server = serve(f"location / {{ proxy_pass http://{tunnel.address}; {TUNNEL} }} "
                   f"location /pages {{ proxy_pass http://{pages.address}; }}")

    def connect(path, **how):
        return websockets.connect(f"ws://127.0.0.1:{server.port()}{path}", max_size=None, **how)
    return server, tunnel, connect


async def exchange(connection, *messages):
    for message in messages:
        await connection.send(message)
    return [await connection.recv() for _ in messages]


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("path", ["/echo", "/fragments"])
def test_messages_of_all_kinds_go_there_and_back(chat, path, compression):
    _, _, connect = chat
    messages = ["short", "äöü\u20ac" * 1000, b"\x00\xff", BYTES[:1 << 20], "x" * (1 << 20)]

    async def client():
        async with connect(path, compression=compression) as connection:
            assert [each.name for each in connection.extensions] == ["permessage-deflate"] * (compression is not None)
            assert await exchange(connection, *messages) == messages
    asyncio.run(client())


def test_a_message_in_fragments_is_whole_at_the_other_end(chat):
    _, _, connect = chat

    async def client():
        async with connect("/echo") as connection:
            await connection.send(["a", "bc", "", "d"])
            assert await connection.recv() == "abcd"
    asyncio.run(client())


def test_both_sides_ping(chat):
    _, _, connect = chat

    async def client():
        async with connect("/ping") as connection:
            answered = await connection.ping(b"and you?")
            await answered
            assert await connection.recv() == "you are"
    asyncio.run(client())


def test_a_client_that_closes_says_why(chat):
    _, tunnel, connect = chat

    async def client():
        async with connect("/echo") as connection:
            await exchange(connection, "a")
            await connection.close(4001, "bye")
            assert connection.close_code == 4001  # which the server has repeated
    asyncio.run(client())
    tunnel.wait_for_line("closed 4001 bye")


def test_a_server_that_closes_says_why(chat):
    _, tunnel, connect = chat

    async def client():
        async with connect("/leave") as connection:
            await connection.wait_closed()
            assert (connection.close_code, connection.close_reason) == (4002, "enough")
    asyncio.run(client())
    tunnel.wait_for_line("closed 4002 enough")


def test_a_side_that_leaves_without_a_word_is_missed_by_the_other(chat):
    _, tunnel, connect = chat

    async def client():
        async with connect("/drop") as connection:
            await connection.wait_closed()
            assert connection.close_code == 1006  # there was no close frame
        tunnel.wait_for_line("closed 1006 ")
        async with connect("/echo") as connection:
            await exchange(connection, "a")
            connection.transport.abort()
        tunnel.wait_for_line("closed 1006 ")
    asyncio.run(client())


def test_a_hundred_talk_at_once(chat):
    _, _, connect = chat
    there = []

    async def client(number, all_there):
        async with connect("/echo") as connection:
            await exchange(connection, str(number))
            there.append(number)
            if len(there) == 100:
                all_there.set()
            await all_there.wait()
            messages = [f"{number} {turn} " + "x" * 1000 for turn in range(10)]
            assert await exchange(connection, *messages) == messages

    async def crowd():
        all_there = asyncio.Event()
        await asyncio.gather(*(client(number, all_there) for number in range(100)))
    asyncio.run(crowd())


def test_they_outlive_reloads(chat):
    server, _, connect = chat

    async def client():
        async with connect("/echo") as connection:
            for turn in range(3):
                assert await exchange(connection, f"{turn}") == [f"{turn}"]
                server.reload()
            assert await exchange(connection, BYTES[:100_000]) == [BYTES[:100_000]]
    asyncio.run(client())


def test_a_plain_request_is_told_what_is_wanted(chat):
    server, _, _ = chat
    answer = server.get("/echo")
    assert (answer.status, answer.header("Upgrade")) == (426, "websocket")


# --- WSGI


def test_pages_of_a_wsgi_application(chat):
    server, tunnel, connect = chat
    with server.client() as client:
        for method, body in (("GET", b""), ("POST", BYTES[:300_000]), ("PUT", b"x"), ("DELETE", b"")):
            answer = client.request(method, "/pages/a%20b?c=d", {"X-Forwarded-For": "1.2.3.4"}, body)
            want = [method, "/pages/a b", "c=d", "1.2.3.4", hashlib.sha256(body).hexdigest()]
            assert (answer.status, answer.text.split("\n")) == (200, want)
        head = client.request("HEAD", "/pages")
        assert (head.status, head.header("Content-Type")) == (200, "text/plain")


def test_a_body_that_ends_with_the_connection(serve, program):
    pages = program("wsgi_server.py")
    server = serve(f"location / {{ proxy_pass http://{pages.address}; }}")
    with server.client() as client:
        for _ in range(3):
            assert client.get("/unknown_length").text.startswith("GET\n/unknown_length\n")


# --- Node


@pytest.fixture
def node(serve, program):
    """Starts a server before Node; gives both."""
    def start(directives="", idle_ms=0, upstream=KEPT, **how):
        application = program("node_server.js", idle_ms)
        server = serve("location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ''; "
                       f"{directives} }}", http=f"upstream u {{ server {application.address}; {upstream} }}", **how)
        return server, application
    return start


@pytest.mark.parametrize("directives", ["", "proxy_buffering off;", "gzip on; gzip_types *;"])
def test_a_stream_of_chunks(node, directives):
    server, _ = node(directives)
    want = "".join(f"part {number}\n" for number in range(200))
    with server.client() as client:
        for _ in range(3):
            assert client.get("/chunked").text == want
        assert client.get("/chunked", version="1.0").text == want


def test_events_come_when_they_are_sent(node):
    """Buffering is on, and the application says that it is not for this one."""
    server, application = node("proxy_buffering on;")
    with server.client() as client:
        client.send_request("GET", "/events")
        head = client.take_through(b"\r\n\r\n").decode()
        assert "text/event-stream" in head and "X-Accel" not in head
        assert b"data: welcome\n\n" in client.take_through(b"\n\n")
        for text in ("first", "second", "third"):
            assert server.get("/tell", {"X-Text": text}).status == 200
            assert f"data: {text}\n\n".encode() in client.take_through(b"\n\n")
    application.wait_for_line("listener left")


@pytest.mark.parametrize("directives", ["", "proxy_request_buffering off;", "proxy_buffering off;",
                                        "proxy_request_buffering off; proxy_buffering off;"])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_of_ten_megabytes(node, directives, chunked):
    server, _ = node("client_max_body_size 20m; " + directives)
    with server.client() as client:
        if chunked:
            client.send_request("POST", "/hash", {"Transfer-Encoding": "chunked"})
            for at in range(0, len(BYTES), 100_000):
                part = BYTES[at:at + 100_000]
                client.send(b"%x\r\n%s\r\n" % (len(part), part))
            client.send(b"0\r\n\r\n")
            answer = client.read_response("POST")
        else:
            answer = client.request("POST", "/hash", body=BYTES)
        assert (answer.status, answer.text) == (200, hashlib.sha256(BYTES).hexdigest())


def test_what_is_piped_back_is_what_came(node):
    server, _ = node("client_max_body_size 20m;")
    with server.client() as client:
        assert client.request("POST", "/echo", body=BYTES).body == BYTES
        assert client.get("/plain").text == "plain\n"


def test_heads_and_what_has_not_changed(node):
    server, _ = node()
    with server.client() as client:
        for _ in range(3):
            assert client.request("HEAD", "/plain").status == 200
            whole = client.get("/cached")
            assert (whole.status, whole.text, whole.header("ETag")) == (200, "cached\n", '"v1"')
            same = client.get("/cached", {"If-None-Match": '"v1"'})
            assert (same.status, same.header("ETag")) == (304, '"v1"')
        assert int(client.get("/connections").text) == 1  # none of these ends a connection of the upstream's


def test_fields_that_come_twice(node):
    server, _ = node()
    answer = server.get("/cookies", [("Cookie", "x=y; z=1")])
    assert (answer.header_values("Set-Cookie"), answer.text) == (["a=1", "b=2"], "x=y; z=1")


def test_trailers(node):
    server, _ = node("proxy_pass_trailers on; proxy_set_header TE trailers; proxy_set_header Connection te;")
    with server.client() as client:
        client.send_request("GET", "/trailers")
        assert b"X-Sum" in client.take_through(b"\r\n\r\n")
        client.take_through(b"\r\n0\r\n")
        assert client.take_through(b"\r\n\r\n") == b"X-Sum: 5\r\n\r\n"


@pytest.mark.parametrize("directives", ["", "proxy_request_buffering off;"])
def test_a_client_that_waits_for_100_is_told_to_go_on(node, directives):
    server, _ = node(directives)
    with server.client() as client:
        client.send_request("POST", "/hash", {"Expect": "100-continue", "Content-Length": "5"})
        assert client.read_response().status == 100
        client.send("hello")
        assert client.read_response("POST").text == hashlib.sha256(b"hello").hexdigest()
        assert client.get("/plain").text == "plain\n"


@pytest.mark.parametrize("path", ["/too_large", "/too_large/close"])
def test_an_answer_that_does_not_wait_for_the_body(node, path):
    server, _ = node("client_max_body_size 0; proxy_request_buffering off;")
    with server.client() as client:
        client.send_request("POST", path, {"Content-Length": str(len(BYTES))})
        client.send(BYTES[:50_000])  # the rest never comes
        answer = client.read_response("POST")
        assert (answer.status, answer.text) == (413, "too large\n")


@pytest.mark.parametrize("directives", ["", "proxy_request_buffering off;"])
def test_an_early_answer_to_one_who_sends_all(node, directives):
    server, _ = node("client_max_body_size 0; " + directives)
    with server.client() as client:
        answer = client.request("POST", "/too_large", body=BYTES)
        assert (answer.status, answer.text) == (413, "too large\n")


def test_connections_that_node_ends_cost_no_request(node):
    """It does so every few milliseconds, whenever the next request may be on its way."""
    server, _ = node(idle_ms=3, workers=1)
    with server.client() as client:
        for number in range(300):
            assert client.get("/plain").status == 200
            select.select([], [], [], number % 16 / 4000)  # at all distances from its next time
        assert int(client.get("/connections").text) > 10
