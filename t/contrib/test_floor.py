"""contrib/bench/floor: it answers each head, and passes bytes on."""

import os
import subprocess
from contextlib import contextmanager

import pytest

from harness import Client, wait_until
from harness.ports import free_port, release
from harness.server import Server, binary

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(binary())), "floor")


@contextmanager
def running(what):
    port = free_port()
    process = subprocess.Popen([PROGRAM, str(port), what], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: Server.accepts(port) or process.poll() is not None, "the program to listen")
        if process.poll() is not None:
            complaint = process.stderr.read().decode()
            assert "io_uring" in complaint
            pytest.skip(complaint)
        yield port
    finally:
        process.kill()
        process.communicate()
        release(port)


def test_each_head_has_an_answer(tmp_path):
    file = tmp_path / "answer"
    file.write_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    with running(str(file)) as port:
        with Client(port) as client, Client(port) as other:
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 16)
            assert [client.read_response().text for _ in range(16)] == ["hello"] * 16
            assert [other.get("/").text for _ in range(3)] == ["hello"] * 3


def test_an_answer_that_closes(tmp_path):
    file = tmp_path / "answer"
    file.write_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    with running(str(file)) as port:
        for _ in range(3):
            with Client(port) as client:
                assert client.get("/").text == "hello"
                assert client.is_closed()


def test_bytes_are_passed_on(backend):
    origin = backend()
    with running(f":{origin.port}") as port, Client(port) as client:
        assert origin.accept().has_ended()  # of whoever looked whether it listens
        peer = origin.accept()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert peer.read_request().target == "/"
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        assert client.read_response().text == "hello"
        client.close()
        assert peer.has_ended()


@pytest.mark.parametrize("arguments", [[], ["1"], ["1", "2", "3"]])
def test_a_wrong_command_line_is_refused(arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stderr.startswith("usage: floor PORT FILE")
