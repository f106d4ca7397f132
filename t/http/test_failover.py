"""Servers that are killed, between requests and under them: no request that may be asked again fails for it."""

import os
import sys
import threading

import pytest

from harness import wait_until
from harness.program import Program

MORTAL = os.path.join(os.path.dirname(__file__), "programs", "mortal.py")


@pytest.fixture
def mortals():
    """Starts origins: `a, b, c = mortals("hold", "answer", "answer")`."""
    started = []

    def start(*ways):
        started.extend(Program(sys.executable, MORTAL, way) for way in ways)
        return started

    yield start
    wrong = [fault for each in started for fault in each.close()]
    assert not wrong, wrong[:5]


@pytest.fixture
def before(serve):
    """Starts a server that passes requests on to these programs."""
    def start(programs, parameters="max_fails=0", location="", **how):
        servers = " ".join(f"server {each.address} {parameters};" for each in programs)
        return serve("keepalive_requests 1000000; location / { proxy_pass http://u; proxy_http_version 1.1; "
                     f"proxy_set_header Connection ''; {location} }}",
                     http=f"upstream u {{ {servers} keepalive 16; }}", **how)
    return start


class Asker(threading.Thread):
    """Asks on one connection, again and again, until it is told to end."""

    def __init__(self, server):
        super().__init__()
        self.client = server.client()
        self.statuses = []
        self.failure = None
        self.ends = False

    def run(self):
        try:
            with self.client:
                while not self.ends:
                    self.statuses.append(self.client.get("/").status)
        except Exception as failure:  # the test's thread tells about it
            self.failure = failure


@pytest.mark.parametrize("parameters, times", [("max_fails=0", 4), ("fail_timeout=1s", 1)])
def test_no_request_fails_while_servers_die_and_come_back(mortals, before, parameters, times):
    programs = mortals("answer", "answer", "answer")
    server = before(programs, parameters)
    askers = [Asker(server) for _ in range(4)]
    for asker in askers:
        asker.start()

    def wait_for_answers(more):
        wanted = [len(asker.statuses) + more for asker in askers]
        wait_until(lambda: all(len(asker.statuses) >= least or not asker.is_alive()
                               for asker, least in zip(askers, wanted)), f"{more} answers for each")

    try:
        for victim in programs * times:
            wait_for_answers(20)
            victim.kill()
            wait_for_answers(20)
            victim.start()
            victim.wait_for_line("asked")
    finally:
        for asker in askers:
            asker.ends = True
            asker.join()
    assert [asker.failure for asker in askers] == [None] * 4
    assert {status for asker in askers for status in asker.statuses} == {200}


@pytest.mark.parametrize("way", ["hold", "begin"])
def test_requests_of_a_server_that_is_killed_are_asked_of_another(mortals, before, way):
    programs = mortals(way, "answer", "answer")
    server = before(programs, workers=1)
    clients = [server.client() for _ in range(9)]
    for client in clients:
        client.send_request("GET", "/")
    for _ in range(3):  # each third request is its
        programs[0].wait_for_line("held")
    programs[0].kill()
    assert [client.read_response().status for client in clients] == [200] * 9
    assert server.error_log.count("upstream prematurely closed connection") \
        + server.error_log.count("reset by peer") == 3


def test_a_request_that_meets_the_end_of_a_kept_connection_is_asked_again(mortals, before):
    programs = mortals("answer", "answer", "answer")
    server = before(programs, workers=1)
    with server.client() as client:
        for victim in programs[:2]:
            for _ in programs:  # each has a connection that is kept
                assert client.get("/").status == 200
            with server.paused():
                victim.kill()
                client.send_request("GET", "/")
            assert client.read_response().status == 200
            assert [client.get("/").status for _ in programs] == [200] * 3


def test_one_that_was_killed_in_an_answer_cannot_be_replaced(mortals, before):
    """What has been passed on is not taken back: the client sees that it is not whole, and no other server is asked."""
    program, = mortals("pour")
    server = before([program], location="proxy_buffering off;")
    with server.client() as client:
        client.send_request("GET", "/")
        head = client.take_through(b"\r\n\r\n")
        assert b"Content-Length: 600\r\n" in head
        program.wait_for_line("held")
        program.kill()
        assert client.take_all() == b"alive\n" * 10 + b"aliv"
    server.wait_for_log("upstream prematurely closed connection while reading upstream|reset by peer")
