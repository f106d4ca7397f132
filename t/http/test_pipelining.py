"""Several requests at once: every answer comes whole, in order, however the bytes were divided."""

import pytest

LARGE = bytes(range(256)) * 8192  # more than a socket takes at once

FILES = {
    "html/page.txt": "text\n",
    "html/medium": bytes(range(256)) * 64,
    "html/large": LARGE,
    "html/empty": "",
    "html/folder/index.html": "folder\n",
    **{f"html/{n}": f"file {n}\n" for n in range(16)},
}

# What is asked for, and what it gets: method, target, status, body.
MIX = [
    ("GET", "/page.txt", 200, b"text\n"),
    ("GET", "/large", 200, LARGE),
    ("HEAD", "/large", 200, b""),
    ("GET", "/missing", 404, None),
    ("HEAD", "/missing", 404, b""),
    ("GET", "/empty", 200, b""),
    ("GET", "/medium", 200, FILES["html/medium"]),
    ("GET", "/folder", 301, None),
    ("GET", "/folder/", 200, b"folder\n"),
    ("DELETE", "/page.txt", 405, None),
    ("GET", "/returned", 200, b"returned"),
    ("GET", "/nothing", 204, b""),
    ("POST", "/returned", 200, b"returned"),
    ("HEAD", "/page.txt", 200, b""),
]


@pytest.fixture
def server(serve):
    return serve("location /returned { return 200 returned; } location /nothing { return 204; }", files=FILES)


def message(method, target):
    body = "body of the request" if method == "POST" else ""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{body}".encode()


def check_answers(client, requests):
    for number, (method, target, status, body) in enumerate(requests):
        answer = client.read_response(method)
        assert answer.status == status, f"request {number}, {method} {target}"
        assert body is None or answer.body == body, f"request {number}, {method} {target}"
    client.send("GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert client.read_response().text == "text\n"
    assert client.is_closed()


def test_sixteen_requests_at_once_are_answered_in_order(server):
    with server.client() as client:
        client.send(b"".join(message("GET", f"/{n}") for n in range(16)))
        for n in range(16):
            assert client.read_response().text == f"file {n}\n"


def test_answers_of_all_kinds_follow_each_other(server):
    with server.client() as client:
        client.send(b"".join(message(method, target) for method, target, *_ in MIX))
        check_answers(client, MIX)


def test_any_order_of_kinds(server):
    # Each kind follows each other kind once.
    order = [kind for first in MIX for second in MIX for kind in (first, second) if LARGE not in (first[3], second[3])]
    with server.client() as client:
        client.send(b"".join(message(method, target) for method, target, *_ in order))
        check_answers(client, order)


def test_a_pipeline_may_be_split_at_every_byte(server):
    kinds = [kind for kind in MIX if kind[3] != LARGE]
    data = b"".join(message(method, target) for method, target, *_ in kinds)
    for at in range(1, len(data), 7):
        with server.client() as client:
            client.send(data[:at])
            client.send(data[at:])
            check_answers(client, kinds)


def test_a_pipeline_may_come_byte_by_byte(server):
    kinds = [kind for kind in MIX if kind[3] != LARGE]
    with server.client() as client:
        for byte in b"".join(message(method, target) for method, target, *_ in kinds):
            client.send(bytes([byte]))
        check_answers(client, kinds)


def test_a_head_that_is_not_complete_does_not_hold_back_answers(server):
    with server.client() as client:
        client.send(message("GET", "/1") + message("GET", "/2") + message("GET", "/3")[:-10])
        assert client.read_response().text == "file 1\n"
        assert client.read_response().text == "file 2\n"
        client.send(message("GET", "/3")[-10:])
        assert client.read_response().text == "file 3\n"


def test_a_pipeline_longer_than_any_buffer(serve):
    server = serve("keepalive_requests 10000;", files=FILES)
    count = 5000
    with server.client() as client:
        client.send(b"".join(message("GET", f"/{n % 16}") for n in range(count)))
        for n in range(count):
            assert client.read_response().text == f"file {n % 16}\n"


def test_a_pipeline_of_large_files(server):
    with server.client() as client:
        client.send(message("GET", "/large") * 8)
        for _ in range(8):
            assert client.read_response().body == LARGE


def test_a_client_that_sends_much_and_reads_late_costs_no_memory(serve):
    server = serve("keepalive_requests 10000;", files=FILES)
    count = 2000
    with server.client() as client:
        client.send(message("GET", "/medium") * count)
        for _ in range(count):
            assert client.read_response().body == FILES["html/medium"]
    assert max(peak_megabytes(pid) for pid in server.workers()) < 100


def peak_megabytes(pid):
    """The most memory a process has had; that of sanitizers is not counted."""
    with open(f"/proc/{pid}/status") as status, open(f"/proc/{pid}/maps") as maps:
        if "libasan" in maps.read():
            return 0
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def test_each_request_of_a_pipeline_is_logged_in_order(server):
    with server.client() as client:
        client.send(b"".join(message("GET", f"/{n}") for n in range(16)))
        for _ in range(16):
            client.read_response()
    matches = server.wait_for_log(r'"GET /(\d+) HTTP/1\.1" 200', "logs/access.log", 16)
    assert [int(match.group(1)) for match in matches] == list(range(16))


def test_the_client_may_finish_sending_before_it_reads(server):
    with server.client() as client:
        client.send(b"".join(message(method, target) for method, target, *_ in MIX))
        client.finish()
        for method, _, status, body in MIX:
            answer = client.read_response(method)
            assert answer.status == status
            assert body is None or answer.body == body
        assert client.is_closed()
