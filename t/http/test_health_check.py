"""Servers that are asked how they are before requests are: who is left alone, who comes back, and what is said of it.

Origins answer checks like requests; a check is known by its URI. Tests wait for what becomes of checks, and have short
intervals only so that nobody has to wait for long.
"""

import os
import re
import signal

import pytest

from harness import wait_until
from harness.backend import Answer, response

CHECK = "/health"


class Origins:
    """Servers a, b … whose health a test sets: `state[name]` is what a check is answered with, "silent" or "gone"."""

    def __init__(self, backend, names):
        self.state = {name: response("fine") for name in names}
        self.checks = dict.fromkeys(names, 0)
        self.by_name = {name: backend(self.answer(name)) for name in names}

    def answer(self, name):
        def give(_, request):
            if request.target != CHECK:
                return response(name)
            self.checks[name] += 1
            return self.state[name]
        return give

    def address(self, name):
        return self.by_name[name].address

    def wait_for_checks(self, name, more=1):
        wanted = self.checks[name] + more
        wait_until(lambda: self.checks[name] >= wanted, f"{more} checks of {name}")


@pytest.fixture
def checked(serve, backend):
    """Starts a server with a group of checked origins."""
    def start(parameters="", names="ab", http="", states=None, location="", workers=1, uri=f"uri={CHECK}"):
        origins = Origins(backend, names)
        origins.state.update(states or {})
        servers = " ".join(f"server {origins.address(name)} max_fails=0;" for name in names)
        server = serve(f"location / {{ proxy_pass http://u; health_check interval=20ms {uri} {parameters}; "
                       f"{location} }}", http=f"upstream u {{ zone u 64k; {servers} }} {http}", workers=workers)
        return server, origins
    return start


def served(server, count=8):
    return set("".join(server.get("/").text for _ in range(count)))


def wait_for_servers(server, names):
    wait_until(lambda: served(server) == set(names), f"requests to go to {names}")


BAD = response("oops", status=500)


def test_who_fails_a_check_is_left_alone_until_it_passes_one(checked):
    server, origins = checked()
    assert served(server) == {"a", "b"}
    origins.state["a"] = BAD
    wait_for_servers(server, "b")
    line, = server.wait_for_log(r"\[warn\].*peer is unhealthy while checking status code, .*")
    assert f'health check "" of peer {origins.address("a")} in upstream "u"' in line.group()
    origins.state["a"] = response("fine")
    wait_for_servers(server, "ab")
    server.wait_for_log(f'\\[notice\\].*peer is healthy, health check "" of peer {origins.address("a")}')


def test_a_dead_server_that_comes_back_is_found(checked):
    server, origins = checked()
    a = origins.by_name["a"]
    a.refuse()
    wait_for_servers(server, "b")
    server.wait_for_log("peer is unhealthy while ")
    a.listen()
    wait_for_servers(server, "ab")


def test_a_server_that_says_nothing_fails(checked):
    server, origins = checked(location="proxy_read_timeout 50ms;", states={"a": None})
    wait_for_servers(server, "b")
    server.wait_for_log(r"unhealthy while reading response header from upstream.*\(110: Connection timed out\)")


@pytest.mark.parametrize("answer, doing", [
    (Answer(b"", "close"), "reading response header from upstream: upstream prematurely closed connection"),
    (Answer(b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", "close"), "reading response header from upstream: .*invalid header"),
    (Answer(b"rubbish\r\n", "close"), "reading response header from upstream: "),
])
def test_a_bad_answer_fails(checked, answer, doing):
    server, origins = checked(states={"a": answer})
    wait_for_servers(server, "b")
    server.wait_for_log(f"unhealthy while {doing}")


def test_what_comes_before_the_answer_is_passed_over(checked):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    server, origins = checked("mandatory", states={"a": early + response("fine")})
    wait_for_servers(server, "ab")


def test_it_takes_as_many_failures_in_a_row_as_is_said(checked):
    server, origins = checked("fails=1000 passes=2")
    origins.state["a"] = BAD
    origins.wait_for_checks("a", 5)
    assert served(server) == {"a", "b"}
    assert "unhealthy" not in server.error_log


def test_it_takes_as_many_successes_in_a_row_as_is_said(checked):
    server, origins = checked("passes=1000", names="a", states={"a": BAD})
    server.wait_for_log("peer is unhealthy")
    origins.state["a"] = response("fine")
    origins.wait_for_checks("a", 5)
    assert server.get("/").status == 502
    assert "peer is healthy" not in server.error_log


@pytest.mark.parametrize("rarely", ["interval=10h", "interval=1ms jitter=10000h"])
def test_servers_are_asked_as_often_as_is_said(checked, rarely):
    """The other one is asked in the same time a hundred times; that chance makes a long jitter short is unlikely."""
    server, origins = checked(names="a", location="} location /other { proxy_pass http://u; "
                              f"health_check uri=/other {rarely};")
    origins.wait_for_checks("a", 100)
    asked = [request.target for request in origins.by_name["a"].requests if request.target != CHECK]
    assert asked in ([], ["/other"])


def test_one_that_flaps_stays_what_it_was(checked):
    server, origins = checked("fails=2 passes=2", names="a")
    numbers = iter(range(1 << 30))
    flapping = origins.by_name["a"].answer
    origins.by_name["a"].answer = lambda *how: BAD if how[1].target == CHECK and next(numbers) % 2 else flapping(*how)
    origins.wait_for_checks("a", 5)
    assert server.get("/").text == "a"
    assert "unhealthy" not in server.error_log


def test_a_mandatory_check_comes_before_the_first_request(checked):
    server, origins = checked("mandatory", states={"a": None, "b": None}, location="proxy_read_timeout 1h;")
    assert server.get("/").status == 502
    server.wait_for_log("no live upstreams")


def test_a_server_that_passed_its_mandatory_check_serves(checked):
    server, origins = checked("mandatory fails=3 passes=3", states={"a": BAD})
    wait_for_servers(server, "b")
    origins.state["a"] = response("fine")
    wait_for_servers(server, "ab")


@pytest.mark.parametrize("parameters, serves", [("mandatory", False), ("mandatory persistent", True), ("", True)])
def test_a_reload_begins_with_what_is_known_or_with_nothing(checked, parameters, serves):
    server, origins = checked(parameters, names="a", location="proxy_read_timeout 1h;")
    wait_for_servers(server, "a")
    origins.wait_for_checks("a")
    origins.state["a"] = None  # from now on no check comes to an end
    origins.wait_for_checks("a")
    server.reload()
    assert server.get("/").status == (200 if serves else 502)


def test_a_reload_ends_checks_and_begins_the_new_ones(checked):
    server, origins = checked(workers=2)
    origins.state["a"] = BAD
    wait_for_servers(server, "b")
    config = server.read("conf/server.conf")
    server.write("conf/server.conf", re.sub(r"health_check [^;]*;", "", config))
    server.reload()
    wait_for_servers(server, "ab")  # nobody says anything about it any more
    server.write("conf/server.conf", config)
    server.reload()
    wait_for_servers(server, "b")


def test_one_worker_checks_and_another_goes_on_when_it_dies(checked):
    server, origins = checked(workers=2, names="a")
    server.expect(r"exited on signal 9")
    origins.wait_for_checks("a", 2)
    a = origins.by_name["a"]
    assert len(server.workers()) == 2
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
        origins.wait_for_checks("a", 3)
    assert a.faults == []


def test_a_check_that_never_ends_holds_up_nobody(checked):
    server, origins = checked(names="a", states={"a": None}, location="proxy_read_timeout 1h;", workers=2)
    wait_until(lambda: origins.checks["a"] == 1, "the check to begin")
    assert server.stop() == 0


def test_one_of_several_checks_that_fails_is_enough(checked):
    server, origins = checked(names="a", http="match never { status 204; }", location="} location /more { "
                              "proxy_pass http://u; health_check interval=20ms uri=/more match=never;")
    wait_until(lambda: server.get("/").status == 502, "the server to be left alone")
    server.wait_for_log('unhealthy while checking status code, health check "never" of peer')
    origins.wait_for_checks("a", 3)
    assert server.get("/").status == 502


def test_a_check_is_what_the_location_sends(checked):
    server, origins = checked(names="a", location="proxy_set_header X-Own $upstream_addr-x; proxy_set_header Host me;")
    origins.wait_for_checks("a")
    check = next(request for request in origins.by_name["a"].requests if request.target == CHECK)
    assert (check.method, check.header("Host"), check.header("X-Own")) == ("GET", "me", "-x")


def test_another_port_can_be_checked(checked, backend):
    other = backend(response("x", status=500))
    server, origins = checked(f"port={other.port}", names="a")
    other.wait_for_requests(1)
    wait_until(lambda: server.get("/").status == 502, "the server to be left alone")
    assert origins.checks["a"] == 0


def test_checks_of_several_ports_do_not_share_connections(checked, backend):
    one, two = backend(response("1")), backend(response("2"))
    checked(f"port={one.port} keepalive_time=1m", names="a", uri="uri=/one", location="} location /more { "
            f"proxy_pass http://u; health_check interval=20ms port={two.port} uri=/two keepalive_time=1m;")
    for origin, target in ((one, "/one"), (two, "/two")):
        assert {request.target for request in origin.wait_for_requests(5)} == {target}


def test_tcp_is_enough_where_that_is_said(checked):
    server, origins = checked("mandatory type=tcp", uri="")
    wait_for_servers(server, "ab")
    origins.by_name["a"].refuse()
    wait_for_servers(server, "b")
    assert origins.checks == {"a": 0, "b": 0}


@pytest.mark.parametrize("kept", [True, False])
def test_connections_are_kept_for_checks_where_that_is_said(checked, kept):
    server, origins = checked("keepalive_time=1h" if kept else "", names="a")
    origins.wait_for_checks("a", 5)
    connections = origins.by_name["a"].connections
    assert (len(connections) == 1) == kept
    if kept:
        connections[0].end()
        origins.wait_for_checks("a", 2)
        assert "unhealthy" not in server.error_log


MATCHES = [
    ("status 200;", True),
    ("status ! 200;", False),
    ("status 201 203-299;", False),
    ("header X-A = b; header X-A != c; header X-A ~ ^b$; header X-A !~ c;", True),
    ("header ! X-B; header X-A;", True),
    ("header X-A = c;", False),
    ('body ~ "^f.n"; body !~ oops;', True),
    ("body ~ oops;", False),
    ("status 200; body ~ fine; header X-B;", False),
    ("require $upstream_http_x_a;", True),
    ("require $upstream_http_x_a $upstream_http_x_b;", False),
    ("require $is_good;", True),
    ("require $upstream_http_x_zero;", False),
]


@pytest.mark.parametrize("tests, passes", MATCHES)
def test_an_answer_has_to_be_as_a_match_says(checked, tests, passes):
    fine = response("fine", "X-A: b", "X-Zero: 0", framing="chunked")
    server, origins = checked("mandatory match=well", names="a", states={"a": fine},
                              http=f"map $upstream_status $is_good {{ 200 1; }} match well {{ {tests} }}")
    if passes:
        wait_for_servers(server, "a")
    else:
        origins.wait_for_checks("a", 3)
        assert server.get("/").status == 502


def test_only_the_beginning_of_a_body_is_looked_at(checked):
    body = 300 * 1024 * b"x" + b"fine"
    server, origins = checked("mandatory match=well", names="ab", states={"a": response(body), "b": response(b"fine")},
                              http="match well { body ~ fine; }")
    wait_for_servers(server, "b")
    origins.wait_for_checks("a", 2)
    assert served(server) == {"b"}
