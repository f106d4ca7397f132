"""`stub_status`: nginx's lines, counted over all workers, through reloads and deaths of workers."""

import os
import re
import signal

import pytest

from harness import wait_until
from harness.pairs import answers_of

FORM = re.compile(r"Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \n"
                  r"Reading: (\d+) Writing: (\d+) Waiting: (\d+) \n")

STATUS = "location = /status { stub_status; } location = /text { return 200 text; }"


class Status:
    def __init__(self, text):
        found = FORM.fullmatch(text)
        assert found, text
        (self.active, self.accepts, self.handled, self.requests, self.reading, self.writing,
         self.waiting) = map(int, found.groups())

    def doing(self):
        return self.active, self.reading, self.writing, self.waiting


def status(server):
    return Status(server.get("/status").text)


def test_the_lines_are_those_of_nginx(beside_nginx):
    ports = beside_nginx("server_tokens off; server { listen 127.0.0.1:%PORT%; location /one { stub_status; } }", {})
    for method in ("GET", "HEAD", "POST", "DELETE"):
        theirs, ours = answers_of(ports, method, "/one", ignored=["Content-Length"])
        # How soon a server sees that the connection before this one has ended is its own affair.
        theirs, ours = ((*answer[:3], re.sub(rb"\d+", b"N", answer[3])) for answer in (theirs, ours))
        assert ours == theirs


def test_connections_are_counted_by_what_they_do(serve):
    server = serve(STATUS)
    before = status(server)
    with server.client() as idle, server.client() as half, server.client() as silent:
        idle.get("/text")
        half.send("GET /text HTT")
        # Connections of earlier questions may still be on their way out.
        wait_until(lambda: status(server).doing() == (4, 1, 1, 2), "a head that has begun beside two that wait")
        now = status(server)
        assert now.accepts == now.handled >= before.accepts + 4
        half.send("P/1.1\r\nHost: a\r\n\r\n")
        half.read_response()
        assert status(server).reading == 0
        assert silent.get("/text").status == 200
    wait_until(lambda: status(server).active == 1, "the others to be gone")


def test_requests_are_counted_one_by_one(serve):
    server = serve(STATUS)
    with server.client() as client:
        first = Status(client.get("/status").text)
        client.send("GET /text HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
        for _ in range(10):
            client.read_response()
        assert Status(client.get("/status").text).requests == first.requests + 11


def test_an_answer_that_waits_for_the_client_is_being_written(serve):
    server = serve(STATUS + "location /large { }", files={"html/large": b"x" * (64 << 20)})
    with server.client() as slow:
        slow.send_request("GET", "/large")
        wait_until(lambda: status(server).writing == 2, "an answer that does not fit")
    wait_until(lambda: status(server).writing == 1, "the client to be gone")


def test_counts_survive_reloads_and_deaths(serve):
    server = serve(STATUS)
    server.expect(r"exited on signal 9")
    with server.client() as held:
        held.get("/text")
        before = status(server)
        server.reload()
        after = status(server)
        assert after.requests == before.requests + 1
        wait_until(lambda: status(server).active == 2, "the held connection and ourselves")
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        server.wait_for_log("exited on signal 9", count=2)
        wait_until(lambda: server.accepts(server.port()), "a new worker")
        # What was going on in the dead is not going on any more.
        wait_until(lambda: status(server).active == 1, "nothing but ourselves")
        assert status(server).requests > after.requests


def test_variables_say_the_same(serve):
    server = serve("return 200 $connections_active,$connections_reading,$connections_writing,$connections_waiting;")
    with server.client(), server.client() as client:
        wait_until(lambda: client.get("/").text == "2,0,1,1", "both connections")


@pytest.mark.parametrize("config, sentence", [
    ("stub_status;", '"stub_status" directive is not allowed here in %CONF%:1'),
    ("server { stub_status on x; }", 'invalid number of arguments in "stub_status" directive in %CONF%:1'),
])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(f"http {{ {config} }}")
