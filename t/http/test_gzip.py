"""Compressed answers: streams, slow readers, damaged files, what the log says."""

import gzip
import os
import random
import zlib

import pytest

from harness import wait_until

GZIP = {"Accept-Encoding": "gzip"}
LARGE = os.urandom(3 << 20)


def test_a_large_file_arrives_whole(serve):
    server = serve("gzip on; gzip_types *;", files={"html/large": LARGE})
    for _ in range(2):
        answer = server.get("/large", GZIP)
        assert answer.header("Content-Encoding") == "gzip"
        assert gzip.decompress(answer.body) == LARGE


@pytest.mark.parametrize("how", ["", "sendfile off;", "directio 1;", "open_file_cache max=10;"])
def test_however_a_file_is_read(serve, how):
    text = b"a line of a file\n" * 30000
    server = serve(f"gzip on; gzip_types *; {how}",
                   files={"html/a": text, "html/b": text[:4000], "html/c": text[:40000]})
    with server.client() as client:
        for _ in range(3):
            for name, size in (("a", len(text)), ("b", 4000), ("c", 40000)):
                assert gzip.decompress(client.get(f"/{name}", GZIP).body) == text[:size]


def test_levels_and_windows_all_decompress(serve):
    choose = random.Random(1)
    text = " ".join(choose.choice(["a", "few", "words", "again"]) for _ in range(60000)).encode()
    sizes = [(level, window, table) for level in (1, 6, 9) for window in ("512", "32k") for table in ("512", "128k")]
    server = serve("gzip on; gzip_types *;" + "".join(
        f"location /{n}/ {{ alias html/; gzip_comp_level {level}; gzip_window {window}; gzip_hash {table}; }}"
        for n, (level, window, table) in enumerate(sizes)), files={"html/t": text})
    with server.client() as client:
        for number in range(len(sizes)):
            assert gzip.decompress(client.get(f"/{number}/t", GZIP).body) == text


def test_the_log_tells_the_ratio(serve):
    server = serve("gzip on; gzip_types *; access_log logs/ratio.log ratio;",
                   http='log_format ratio "$uri $gzip_ratio $sent_http_content_encoding";',
                   files={"html/zeros": b"0" * 10000, "html/large": b"0" * 1000000, "html/tiny": b"0"})
    with server.client() as client:
        sizes = [len(client.get(f"/{name}", GZIP).body) for name in ("zeros", "large", "tiny")]
    lines = server.wait_for_log(r"^/(\w+) (\S+) (\S+)$", "logs/ratio.log", 3)
    assert [line.group(1, 2, 3) for line in lines] == [
        ("zeros", f"{10000 / sizes[0]:.2f}", "gzip"), ("large", f"{1000000 / sizes[1]:.2f}", "gzip"),
        ("tiny", "-", "-")]


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_stalled_reader_costs_no_memory(serve):
    """Nobody reads a body that would not fit into memory twice; the worker waits, and serves others."""
    server = serve("gzip on; gzip_types *;", files={"html/small": "small\n" * 9})
    with open(server.path("html/huge"), "wb") as file:
        for _ in range(64):
            file.write(os.urandom(1 << 20))
        file.truncate(1 << 30)
    resident = lambda: sum(resident_bytes(worker) for worker in server.workers())
    with server.client() as client:
        client.send("GET /huge HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        client.take(1 << 20)
        before = resident()
        for _ in range(50):
            assert gzip.decompress(server.get("/small", GZIP).body) == b"small\n" * 9
        assert resident() < before + (32 << 20)


def test_a_client_that_leaves_ends_the_compression(serve):
    server = serve("gzip on; gzip_types *;", files={"html/large": LARGE})
    for _ in range(10):
        client = server.client()
        client.send("GET /large HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        client.take(1000)
        client.close()
    assert gzip.decompress(server.get("/large", GZIP).body) == LARGE


def test_pipelined_answers_keep_their_order(serve):
    server = serve("gzip on; gzip_types *;", files={"html/a": b"a" * 5000, "html/b": LARGE, "html/c": b"c" * 30})
    with server.client() as client:
        for name in "abcabc":
            client.send(f"GET /{name} HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        for want in (b"a" * 5000, LARGE, b"c" * 30) * 2:
            assert gzip.decompress(client.read_response().body) == want


def test_gunzip_reads_members_one_after_the_other(serve):
    server = serve("gzip_static always; gunzip on;", files={
        "html/two.gz": gzip.compress(b"first ") + gzip.compress(b"second"), "html/large.gz": gzip.compress(LARGE)})
    assert server.get("/two").body == b"first second"
    assert server.get("/large").body == LARGE
    assert server.get("/two", GZIP).header("Content-Encoding") == "gzip"


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: data[:2000] + b"x" * 50 + data[2050:],
                                   lambda data: b"no gzip at all" * 10])
def test_a_damaged_file_does_not_look_whole(serve, spoil):
    data = spoil(gzip.compress(os.urandom(5000)))
    server = serve("gzip_static always; gunzip on;", files={"html/bad.gz": data})
    server.expect("inflate")
    with server.client() as client:
        client.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n")
        assert not client.take_all().endswith(b"0\r\n\r\n")
    server.wait_for_log(r"the response ended early \(74: Bad message\)")


def test_a_compressed_file_that_changes_is_found(serve):
    server = serve("gzip_static on;", files={"html/a": "plain"})
    assert server.get("/a", GZIP).text == "plain"
    server.write("html/a.gz", gzip.compress(b"compressed"))
    wait_until(lambda: server.get("/a", GZIP).header("Content-Encoding") == "gzip", "the compressed file")
    assert zlib.decompress(server.get("/a", GZIP).body, 31) == b"compressed"
