"""Logs that nobody reads: requests go on being served, and what fits into memory is written in the end.

A FIFO stands for the slow disk: it takes 64 KB, then nothing until the test reads.
"""

import os
import signal

import pytest

from harness import wait_until


class Fifo:
    """A log that is open for reading and not read."""

    def __init__(self, server, name):
        self.path = server.path(name)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        os.mkfifo(self.path)
        os.chmod(self.path, 0o666)
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.data = b""

    def fill(self):
        try:
            while True:
                os.write(self.fd, b"x" * 4096)
        except BlockingIOError:
            pass

    def read_until(self, text):
        def there():
            try:
                self.data += os.read(self.fd, 1 << 16)
            except BlockingIOError:
                pass
            return text in self.data
        wait_until(there, f"{text!r} in {self.path}")

    def close(self):
        os.close(self.fd)


@pytest.fixture
def slow(new_server, request):
    """Starts a server of which one log is a full FIFO: `server, fifo = slow("logs/a", server="…")`."""
    def start(name, **configuration):
        server = new_server(**configuration)
        server.expect("failed")
        fifo = Fifo(server, name)
        request.addfinalizer(fifo.close)
        server.start()
        fifo.fill()
        return server, fifo
    return start


def test_an_error_log_that_nobody_reads(slow):
    server, fifo = slow("logs/fifo", http="error_log logs/fifo info; error_log logs/other info;")
    with server.client() as client:
        for number in range(500):
            assert client.get(f"/missing{number}").status == 404
        assert client.get("/").text == "hello\n"
    server.wait_for_log("missing499", "logs/other")
    fifo.read_until(b"missing499")


def test_an_error_log_that_nobody_reads_does_not_stop_the_master(slow):
    server, fifo = slow("logs/fifo", main="error_log logs/fifo info;")
    server.expect("exited on signal 9")
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
    server.wait_for_log("exited on signal 9", count=2)
    wait_until(lambda: len(server.workers()) == 2, "successors")
    assert server.get("/").text == "hello\n"
    server.reload()
    fifo.read_until(b"the configuration is in force")


def test_an_error_log_that_nobody_reads_does_not_put_off_the_end_for_each_line(slow, monkeypatch):
    # What the search for leaks has to say of the ring's threads would go to this log, too, and wait for ever.
    monkeypatch.setenv("LSAN_OPTIONS", "detect_leaks=0")
    server, fifo = slow("logs/fifo", main="error_log logs/fifo info;", http="error_log logs/fifo info;")
    with server.client() as client:
        for number in range(100):
            assert client.get(f"/missing{number}").status == 404
    assert server.stop() == 0
    del fifo


@pytest.mark.parametrize("how", ["", " combined buffer=1k", " combined gzip=1 flush=1s"])
def test_an_access_log_that_nobody_reads(slow, how):
    server, fifo = slow("logs/fifo", server=f"access_log logs/fifo{how}; access_log logs/other;")
    with server.client() as client:
        for number in range(500):
            assert client.get(f"/?{number}").text == "hello\n"
    server.wait_for_log(r"\?499 ", "logs/other")
    if not how:
        fifo.read_until(b"?499 ")


@pytest.mark.parametrize("cache", ["", "open_log_file_cache max=10;"])
def test_a_log_with_a_variable_in_its_path_that_nobody_reads(slow, cache):
    server, fifo = slow("logs/named/fifo", server=f"{cache} access_log logs/named/$arg_log; access_log logs/other;")
    os.chmod(server.path("logs/named"), 0o777)
    with server.client() as client:
        for number in range(500):
            assert client.get(f"/?log=fifo&n={number}").text == "hello\n"
            assert client.get(f"/?log=plain&n={number}").text == "hello\n"
    server.wait_for_log("n=499 ", "logs/other", 2)
    fifo.read_until(b"n=499 ")
    server.wait_for_log("log=plain&n=499 ", "logs/named/plain")
    assert server.read("logs/named/plain").count("\n") == 500


def test_json_lines_may_be_asked_for_by_name(serve):
    server = serve(http="error_log logs/json.log info format=json;")
    server.get("/missing")
    server.wait_for_log(r'^\{"time":.*"level":"error".*missing', "logs/json.log")
