"""Which server of a group gets a request: in turn, by a key, by what became of it before, and after a reload.

Each server answers with its name. What they are told is not looked at here.
"""

import pytest

from harness.backend import Answer, response
from harness.name_server import NameServer
from harness.waiting import wait_until


@pytest.fixture
def group(serve, backend):
    """Starts a group of servers a, b, c, whose block has this text, in which %a% is an address; gives what serves it
    and the origins by name. `answers` are theirs, where that is not their name."""
    def start(block, answers=None, workers=1, http="", **configuration):
        origins = {name: backend((answers or {}).get(name, response(name))) for name in "abc"}
        for name, origin in origins.items():
            block = block.replace(f"%{name}%", origin.address).replace(f"%{name}-port%", str(origin.port))
        server = serve("location / { proxy_pass http://u; }", http=f"{http} upstream u {{ {block} }}", workers=workers,
                       **configuration)
        return server, origins
    return start


def served(server, targets, headers=()):
    return "".join(server.get(target, headers).body.decode() for target in targets)


@pytest.mark.parametrize("block, order", [
    ("server %a%; server %b%; server %c%;", "abcabcabc"),
    ("server %a% weight=3; server %b%; server %c% down;", "aabaaabaa"),
    ("least_conn; server %a%; server %b% weight=3; server %c%;", "babcbbabc"),
    ("server %a% backup; server %b%; server %c% drain;", "bbbbbbbbb"),
    ("random; server %a%; server %b% down;", "aaaaaaaaa"),
    ("least_time header; server %a%; server %b%; zone z 64k;", "ab"),
])
def test_servers_have_their_turns(group, block, order):
    server, _ = group(block)
    assert served(server, ["/"] * len(order)) == order


def test_workers_share_the_turn_through_a_zone(group):
    server, origins = group("zone z 64k; server %a%; server %b%; server %c%;", workers=2)
    served(server, ["/"] * 30)
    assert {name: len(origin.requests) for name, origin in origins.items()} == {"a": 10, "b": 10, "c": 10}


def test_a_key_has_the_server_that_nginx_gives_it(group):
    server, _ = group("hash $arg_k; server %a%; server %b%; server %c%;")
    keys = ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j", "/aaa", "/bbb", "/index.html"]
    assert served(server, [f"/?k={key}" for key in keys]) == "bcbabbbcbabbc"


@pytest.mark.parametrize("method", ["ip_hash", "hash $arg_k consistent", "hash $host"])
def test_a_client_or_key_stays_with_its_server(group, method):
    server, _ = group(f"{method}; server %a%; server %b%; server %c%;")
    assert len(set(served(server, ["/?k=1"] * 6))) == 1


def test_a_server_that_fails_is_left_alone(group):
    server, origins = group("server %a% fail_timeout=1h; server %b%;", {"a": Answer(then="close")})
    server.expect("prematurely closed connection|temporarily disabled")
    assert served(server, ["/"] * 6) == "bbbbbb"
    server.wait_for_log("upstream server temporarily disabled")
    assert len(origins["a"].connections) == 1


@pytest.mark.parametrize("zone", ["", "zone z 64k;"])
def test_what_is_known_of_a_server_outlives_a_reload(group, zone):
    server, origins = group(f"{zone} server %a% fail_timeout=1h; server %b%;", {"a": Answer(then="close")}, workers=2)
    server.expect("prematurely closed connection|temporarily disabled")
    asked = ["/"] * 40
    served(server, asked)
    tried = len(origins["a"].connections)
    assert tried == (1 if zone else 2)
    server.write("conf/server.conf", server.read("conf/server.conf").replace("fail_timeout=1h", "fail_timeout=2h"))
    server.reload()
    served(server, asked)
    assert len(origins["a"].connections) == tried


def test_backups_serve_when_nobody_else_can(group):
    server, origins = group("server %a%; server %b% backup;")
    server.expect("connect\\(\\) failed|temporarily disabled")
    assert served(server, ["/"] * 2) == "aa"
    origins["a"].refuse()
    for connection in origins["a"].connections:
        connection.end()
    assert served(server, ["/"] * 3) == "bbb"


def test_a_name_that_is_unknown_at_the_start_is_looked_up_while_the_server_runs(group):
    names = NameServer({"late.test": "127.0.0.1"})
    try:
        server, _ = group(f"resolver {names.address} ipv6=off; server late.test:%a-port%;")
        wait_until(lambda: server.get("/").status == 200, "the name to be found")
        assert served(server, ["/"]) == "a"
        server.wait_for_log(r'\[warn\] .*host not found in upstream "late.test:\d+"')
    finally:
        names.close()


def test_a_lookup_ends_when_the_client_leaves(serve):
    names = NameServer({}, does="silent")
    try:
        server = serve(f"resolver {names.address}; location / {{ proxy_pass http://$arg_host; }}")
        with server.client() as client:
            client.send_request("GET", "/?host=late.test")
            wait_until(lambda: names.asked, "the name server to be asked")
        wait_until(lambda: ' 499 ' in server.access_log, "the request to be given up")
    finally:
        names.close()


def test_without_any_live_server_there_is_a_502(group):
    server, _ = group("server %a% down; server %b% down;")
    assert server.get("/").status == 502
    server.wait_for_log("no live upstreams while connecting to upstream")


def test_a_cookie_keeps_a_client_with_the_server_that_answered_it_first(group):
    server, _ = group("sticky cookie srv path=/ httponly; server %a% route=one; server %b% route=two; server %c%;")
    first, second, third = (server.get("/") for _ in range(3))
    assert [first.header("Set-Cookie"), second.header("Set-Cookie")] == ["srv=one; httponly; path=/",
                                                                         "srv=two; httponly; path=/"]
    own = third.header("Set-Cookie").partition(";")[0]
    assert served(server, ["/"] * 3, {"Cookie": own}) == "ccc"
    assert served(server, ["/"] * 3, {"Cookie": "x=y; srv=two"}) == "bbb"


@pytest.mark.parametrize("when", ["", "header"])
def test_a_session_that_a_server_has_begun_stays_with_it(group, when):
    answers = {name: response(name, f"Set-Cookie: id=of-{name}") for name in "abc"}
    server, _ = group("sticky learn create=$upstream_cookie_id lookup=$cookie_id zone=sessions:64k %WHEN%; "
                      "server %a%; server %b%; server %c%;".replace("%WHEN%", when), answers, workers=2)
    begun = "".join(server.get("/").body.decode() for _ in range(12))
    assert set(begun) == {"a", "b", "c"}
    for name in "abc":
        assert served(server, ["/"] * 4, {"Cookie": f"id=of-{name}"}) == name * 4
    assert set(served(server, ["/"] * 12, {"Cookie": "id=of-nobody"})) == {"a", "b", "c"}


def test_a_client_goes_to_another_server_when_its_own_is_gone_and_stays_there(group):
    server, origins = group("sticky cookie srv; server %a% route=one; server %b% route=two;")
    origins["a"].refuse()
    moved = server.get("/", {"Cookie": "srv=one"})
    assert (moved.body, moved.header("Set-Cookie")) == (b"b", "srv=two")
