"""open_file_cache: what is remembered; files that change while they are known or sent; directio.

Each worker has a cache of its own, so one connection is used for what has to meet the same one.
"""

import os
import threading

import pytest

CACHE = "open_file_cache max=100 inactive=60s; open_file_cache_valid 60s;"
UNCHECKED = "open_file_cache max=100; open_file_cache_valid 0s;"
NONE = ""


def replace(server, name, data):
    """Puts a new file in the place of the old in one step."""
    server.write(name + ".new", data)
    os.rename(server.path(name + ".new"), server.path(name))


def test_a_known_file_is_not_looked_at_again(serve):
    server = serve(CACHE, files={"html/file": "first"})
    with server.client() as client:
        etag = client.get("/file").header("ETag")
        replace(server, "html/file", "second")
        answer = client.get("/file")
        assert (answer.text, answer.header("ETag")) == ("first", etag)


def test_what_is_valid_for_no_time_is_looked_at_each_time(serve):
    server = serve(UNCHECKED, files={"html/file": "first"})
    with server.client() as client:
        assert client.get("/file").text == "first"
        replace(server, "html/file", "second")
        assert client.get("/file").text == "second"
        os.unlink(server.path("html/file"))
        assert client.get("/file").status == 404


def test_a_reload_forgets(serve):
    server = serve(CACHE, files={"html/file": "first"})
    with server.client() as client:
        assert client.get("/file").text == "first"
        replace(server, "html/file", "second")
        server.reload()
        assert client.get("/file").text == "second"


def test_errors_are_remembered_on_demand_only(serve):
    server = serve(CACHE + "location /keep/ { open_file_cache_errors on; }", files={"html/keep/x": "", "html/x": ""})
    with server.client() as client:
        for folder in ("", "/keep"):
            assert client.get(folder + "/file").status == 404
            server.write(f"html{folder}/file", "there")
        assert client.get("/file").text == "there"
        assert client.get("/keep/file").status == 404


def test_a_file_that_has_rested_is_served_from_memory_as_it_is(serve):
    server = serve(CACHE + "location /etc/ { root /; }")
    with open("/etc/passwd", "rb") as file:
        want = file.read()
    with server.client() as client:
        for _ in range(3):
            assert client.get("/etc/passwd").body == want
            assert client.get("/etc/passwd", {"Range": "bytes=1-4"}).body == want[1:5]
            assert client.request("HEAD", "/etc/passwd").header("Content-Length") == str(len(want))


def test_directories_and_redirects_are_remembered_too(serve):
    server = serve(CACHE, files={"html/folder/index.html": "index"})
    with server.client() as client:
        for _ in range(3):
            assert client.get("/folder").status == 301
            assert client.get("/folder/").text == "index"


def test_more_files_than_the_cache_holds(serve):
    files = {f"html/{number}": str(number) * 10 for number in range(50)}
    server = serve("open_file_cache max=7; open_file_cache_min_uses 2;", files=files)
    with server.client() as client:
        for turn in range(4):
            for number in range(50):
                assert client.get(f"/{number}").text == str(number) * 10


@pytest.mark.parametrize("cache", [NONE, CACHE, UNCHECKED])
def test_body_and_etag_belong_together_while_files_are_replaced(serve, cache):
    def version(number):
        return f"{number} " * (1000 + number)

    server = serve(cache, files={"html/file": version(0)})
    over = threading.Event()

    def writer():
        number = 0
        while not over.is_set():
            number += 1
            replace(server, "html/file", version(number % 50))

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        with server.client() as client:
            for _ in range(300):
                answer = client.get("/file")
                number = int(answer.text.split(" ", 1)[0])
                assert answer.text == version(number)
                size = answer.header("ETag").strip('"').split("-")[1]
                assert int(size, 16) == len(version(number))
    finally:
        over.set()
        thread.join()


# --- files that change while they are sent

def large_file(server, size):
    path = server.path("html/large")
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def test_a_file_cut_short_while_it_is_sent_ends_the_connection(new_server):
    server = new_server()
    size = 64 << 20  # more than all buffers hold
    path = large_file(server, size)
    server.start()
    server.expect(r"\[(alert|crit|error)\]")
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take_through(b"\r\n\r\n")
        os.truncate(path, 1000)
        got = client.take_all()
        assert len(got) < size
        assert not got.strip(b"\0"), "something else was sent in the file's place"
    assert server.get("/large").header("Content-Length") == "1000"


def test_a_file_that_grows_while_it_is_sent_keeps_its_length(new_server):
    server = new_server()
    size = 6 << 20
    path = large_file(server, size)
    server.start()
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take_through(b"\r\n\r\n")
        with open(path, "ab") as file:
            file.write(b"more")
        assert not client.take(size).strip(b"\0")
        assert client.get("/large").header("Content-Length") == str(size + 4)


# --- directio

@pytest.mark.parametrize("alignment", [512, 4096, 65536])
def test_direct_reads_give_the_same_bytes(serve, alignment):
    data = os.urandom((3 << 20) + 12345)
    server = serve(f"directio 1m; directio_alignment {alignment};", files={"html/large": data, "html/small": "small"})
    with server.client() as client:
        assert client.get("/large").body == data
        assert client.get("/large", {"Range": "bytes=1000001-2000002"}).body == data[1000001:2000003]
        answer = client.get("/large", {"Range": "bytes=0-9,3000000-3000009"})
        assert data[3000000:3000010] in answer.body and len(answer.body) == int(answer.header("Content-Length"))
        assert client.get("/large", {"Range": "bytes=-1"}).body == data[-1:]
        assert client.request("HEAD", "/large").header("Content-Length") == str(len(data))
        assert client.get("/small").text == "small"


# --- many at once

def test_concurrent_downloads_are_whole(serve):
    files = {f"html/{number}": os.urandom(number * 70_001) for number in range(12)}
    server = serve(UNCHECKED, files=files)
    failures = []

    def download(number):
        with server.client() as client:
            for step in range(12):
                name = str((number + step) % 12)
                if client.get(f"/{name}").body != files[f"html/{name}"]:
                    failures.append(name)

    threads = [threading.Thread(target=download, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
