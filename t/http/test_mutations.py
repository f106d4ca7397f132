"""Streams of requests that were damaged at random, from fixed seeds: the server answers or closes, and lives on."""

import random
import re

import pytest

REQUESTS = [
    b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,3-4,-1\r\nIf-None-Match: \"x\", W/\"y\"\r\n\r\n",
    b"POST /text HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n0123456789",
    b"POST /text HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"GET http://localhost:80/a/../%70age.txt?x=y#z HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    b"GET /folder HTTP/1.1\r\nHost: localhost\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    b"DELETE /missing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
]

PIECES = [b"\r\n", b"\n", b"\0", b" ", b"%", b"/../", b"f" * 20, b"a" * 5000, b":", b";"]

ANSWERS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def damaged(choose):
    data = bytearray(b"".join(choose.choice(REQUESTS) for _ in range(choose.randint(1, 6))))
    for _ in range(choose.randint(0, 4)):
        at = choose.randrange(len(data))
        kind = choose.randrange(5)
        if kind == 0:
            data[at] = choose.randrange(256)
        elif kind == 1:
            del data[at:at + choose.randint(1, 30)]
        elif kind == 2:
            data[at:at] = choose.choice(PIECES)
        elif kind == 3:
            data[at:at] = data[at:at + choose.randint(1, 60)]
        else:
            data[at:at] = choose.choice(REQUESTS)
        data = data or bytearray(b"\r\n")
    return bytes(data)


def send_in_pieces(client, data, choose):
    """Sends until all is sent or the server closes."""
    at = 0
    while at < len(data):
        size = choose.choice([1, 2, 7, 40, 4000, len(data)])
        try:
            client.send(data[at:at + size])
        except OSError:
            return
        at += size


@pytest.mark.parametrize("seed", range(4))
def test_damaged_streams_do_no_harm(serve, seed):
    server = serve("location /text { return 200 text; } large_client_header_buffers 4 4k; lingering_timeout 1s;",
                   files={"html/page.txt": "text\n", "html/folder/index.html": "folder\n"})
    workers = server.workers()
    choose = random.Random(seed)
    for _ in range(300):
        with server.client() as client:
            send_in_pieces(client, damaged(choose), choose)
            try:
                client.finish()
                received = client.take_all()
            except OSError:
                continue
            statuses = [int(status) for status in ANSWERS.findall(received)]
            assert all(status < 500 or status in (501, 505) for status in statuses), received
            assert not received or received.startswith(b"HTTP/1.1 "), received
    assert server.get("/page.txt").text == "text\n"
    assert server.workers() == workers
