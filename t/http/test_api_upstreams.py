"""`api`: servers of upstream groups changed while the server runs, in all workers at once and over reloads; `state`.

Origins answer with their name. A client of each worker tells what that worker does.
"""

import collections
import contextlib
import json
import os
import signal
import threading
import urllib.parse

import pytest

from harness import wait_until
from harness.backend import response

JSON = [("Content-Type", "application/json")]
HERE = """
    location /api/ { api write=on; }
    location = /pid { return 200 $pid; }
    location / { proxy_pass http://app; proxy_set_header Connection ""; proxy_http_version 1.1; }
"""


@pytest.fixture
def origins(backend):
    """Origins by name; more are made as they are asked for."""
    class Origins(dict):
        def __missing__(self, name):
            self[name] = backend(response(name))
            return self[name]
    return Origins()


@pytest.fixture
def start(serve, origins):
    """Starts a server whose group has this block, in which %a% is the address of origin a."""
    def start(block="zone app 128k; server %a%; server %b%;", workers=2, server="", **more):
        for name in "abcd":
            if f"%{name}%" in block:
                block = block.replace(f"%{name}%", origins[name].address)
        http = f"upstream app {{ {block} }} upstream alone {{ server 127.0.0.1:9; }} " + more.pop("http", "")
        return serve(HERE + server, http=http, workers=workers, **more)
    return start


def ask(client, method, path, body=None):
    """A call of the API; gives the status and what the answer says."""
    data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = JSON + [("Content-Length", str(len(data)))] if data else []
    answer = client.request(method, "/api/" + path, headers, data)
    if answer.status == 204:
        assert not answer.body
        return 204, None
    assert answer.header("Content-Type") == "application/json"
    told = json.loads(answer.body)
    if answer.status >= 400:
        assert told["error"]["message"].endswith(".")
        return answer.status, told["error"]["code"]
    return answer.status, told


def add(client, address, group="app", **values):
    return ask(client, "POST", f"upstreams/{group}/servers", {"server": address, **values})


def server_path(address, group="app"):
    return f"upstreams/{group}/servers/{urllib.parse.quote(address, safe='')}"


def change(client, address, **values):
    return ask(client, "PATCH", server_path(address), values)


def remove(client, address):
    return ask(client, "DELETE", server_path(address))


def servers_of(client, group="app"):
    status, told = ask(client, "GET", f"upstreams/{group}")
    assert status == 200
    return told["servers"]


@contextlib.contextmanager
def clients_of(server, workers=2):
    """A client of each worker, by its pid."""
    with contextlib.ExitStack() as stack:
        clients = {}
        def found():
            client = stack.enter_context(server.client())
            clients.setdefault(int(client.get("/pid").text), client)
            return len(clients) == workers
        wait_until(found, f"connections to {workers} workers")
        yield clients


def served(client, count, target="/"):
    return collections.Counter(client.get(target).text for _ in range(count))


def test_groups_are_told(start, origins):
    server = start("zone app 128k; server %a% weight=3 max_conns=7 fail_timeout=1m; "
                   "server %b% backup max_fails=0 down;")
    status, told = ask(server, "GET", "upstreams")
    assert status == 200 and set(told["upstreams"]) == {"app", "alone"}
    group = told["upstreams"]["app"]
    assert ask(server, "GET", "upstreams/app") == (200, group)
    assert group["zone"] == "app" and group["state_file"] is None
    a, b = origins["a"].address, origins["b"].address
    assert group["servers"][a] == {
        "server": a, "state": "up", "weight": 3, "max_conns": 7, "max_fails": 1, "fail_timeout": 60, "slow_start": 0,
        "backup": False, "down": False, "drain": False, "added": False, "active": 0}
    other = group["servers"][b]
    assert (other["state"], other["backup"], other["max_fails"], other["down"]) == ("down", True, 0, True)
    assert told["upstreams"]["alone"]["zone"] is None
    assert ask(server, "GET", server_path(a)) == (200, {"servers": {a: group["servers"][a]}})
    assert ask(server, "GET", "upstreams/none") == (404, "unknown_upstream")
    assert ask(server, "GET", server_path("127.0.0.1:1")) == (404, "unknown_peer")


def test_a_change_holds_in_all_workers_at_once(start, origins):
    server = start("zone app 128k; server %a%;", workers=3)
    c = origins["c"].address
    with clients_of(server, 3) as clients:
        first, *others = clients.values()
        for client in clients.values():
            assert served(client, 2) == {"a": 2}
        body = json.dumps({"server": c, "weight": 2}).encode()
        answer = first.request("POST", "/api/upstreams/app/servers", JSON, body)
        assert answer.status == 201
        assert json.loads(answer.body)["servers"][c]["added"] is True
        place = answer.header("Location")
        for client in clients.values():
            assert json.loads(client.get(place).body)["servers"][c]["weight"] == 2
        for client in others:
            assert served(client, 9) == {"a": 3, "c": 6}
        assert change(others[0], c, weight=1)[0] == 200
        assert served(first, 8) == {"a": 4, "c": 4}
        assert change(first, c, down=True)[1]["servers"][c]["state"] == "down"
        for client in others:
            assert served(client, 4) == {"a": 4}
        assert change(others[1], c, down=False)[0] == 200
        assert remove(first, origins["a"].address) == (204, None)
        for client in clients.values():
            assert served(client, 4) == {"c": 4}
            assert set(servers_of(client)) == {c}


def test_what_cannot_be_is_refused_with_a_sentence(start, origins):
    server = start("zone app 128k; server %a%;")
    a = origins["a"].address
    assert add(server, a) == (409, "peer_exists")
    assert add(server, "127.0.0.1:1", "none") == (404, "unknown_upstream")
    assert add(server, "127.0.0.1:1", "alone") == (409, "no_zone")
    assert change(server, "127.0.0.1:1", weight=2) == (404, "unknown_peer")
    assert change(server, "unix:/none", weight=2) == (404, "unknown_peer")
    assert remove(server, "127.0.0.1:1") == (404, "unknown_peer")
    for address in ("backend.example", "localhost:80", "*:80", "80", "0.0.0.0:80", "127.0.0.1:0", "unix:", "", "::1",
                    "127.0.0.1:99999", 80, None, True):
        assert add(server, address) == (400, "bad_value"), address
    for values in ({"weight": 0}, {"weight": 65536}, {"weight": -1}, {"weight": "2"}, {"weight": 1.5}, {"weight": None},
                   {"max_conns": -1}, {"max_conns": 2**32}, {"max_fails": "1"}, {"fail_timeout": "10s"},
                   {"fail_timeout": -1}, {"down": 1}, {"drain": "true"}, {"route": 33 * "x"}, {"what": 1}, {}):
        assert change(server, a, **values) == (400, "bad_value"), values
        if values:
            assert add(server, "127.0.0.1:1", **values) == (400, "bad_value"), values
    assert change(server, a, backup=True) == (400, "bad_value")
    assert change(server, a, server=a) == (400, "bad_value")
    assert ask(server, "POST", "upstreams/app/servers", {"weight": 1}) == (400, "bad_value")
    for body in (b"{", b"[]", b"{}}", b'{"server": {}}', b'"x"', b'{"server": "127.0.0.1:1", "server": "127.0.0.1:2"}'):
        assert ask(server, "POST", "upstreams/app/servers", body) == (400, "bad_json"), body
    assert set(servers_of(server)) == {a}, "nothing of it has had an effect"


def test_methods_without_backups_take_none(start, origins):
    server = start("zone app 128k; hash $uri consistent; server %a%;")
    assert add(server, "127.0.0.1:1", backup=True) == (400, "bad_value")
    assert add(server, "127.0.0.1:1", slow_start=1) == (400, "bad_value")
    assert add(server, "127.0.0.1:1", weight=1001) == (400, "bad_value")
    assert add(server, origins["c"].address, weight=1000)[0] == 201
    assert sum(served(server, 20, "/x").values()) == 20


@pytest.mark.parametrize("address", ["[::1]:8080", "unix:/tmp/of the server", "127.0.0.1"])
def test_all_kinds_of_addresses_can_be_said(start, address):
    server = start()
    text = address if address != "127.0.0.1" else "127.0.0.1:80"
    status, told = add(server, address, down=True, max_conns=1, max_fails=2, fail_timeout=3, slow_start=4, drain=True,
                       backup=True, weight=5, route="r")
    assert status == 201
    assert told["servers"][text] == {
        "server": text, "state": "down", "weight": 5, "max_conns": 1, "max_fails": 2, "fail_timeout": 3,
        "slow_start": 4, "backup": True, "down": True, "drain": True, "route": "r", "added": True, "active": 0}
    assert change(server, address, drain=False)[0] == 200
    assert server.request("PATCH", f"/api/upstreams/app/servers/{urllib.parse.quote(address)}", JSON,
                          b'{"weight": 6}').status == 200, "slashes may be written as they are"
    assert servers_of(server)[text]["weight"] == 6
    assert remove(server, address) == (204, None)
    assert text not in servers_of(server)


def test_changes_are_kept_over_reloads_field_by_field(start, origins):
    server = start("zone app 128k; server %a%; server %b%; server %c% weight=2;")
    a, b, c, d = (origins[name].address for name in "abcd")
    assert add(server, d, weight=4)[0] == 201
    assert remove(server, a)[0] == 204
    assert change(server, b, down=True)[0] == 200
    text = server.read("conf/server.conf")
    server.write("conf/server.conf", text.replace(f"server {b};", f"server {b} weight=9;")
                 .replace(f"server {c} weight=2;", f"server {c} weight=3;"))
    server.reload()
    with clients_of(server) as clients:
        for client in clients.values():
            known = servers_of(client)
            assert {address: (one["weight"], one["down"]) for address, one in known.items()} == {
                b: (9, True), c: (3, False), d: (4, False)}
            assert served(client, 7) == {"c": 3, "d": 4}
    server.write("conf/server.conf", server.read("conf/server.conf").replace("zone app 128k", "zone app 256k"))
    server.reload()
    assert set(servers_of(server)) == {a, b, c}, "another zone begins anew"


def test_a_worker_that_is_killed_takes_nothing_with_it(start, origins):
    server = start("zone app 128k; server %a%;")
    server.expect("exited on signal 9")
    before = server.workers()
    with clients_of(server) as clients:
        for number, client in enumerate(clients.values()):
            assert add(client, f"127.0.0.1:{number + 1}", down=True)[0] == 201
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in server.workers() and len(server.workers()) == 2, "another worker")
    with clients_of(server) as clients:
        assert not set(clients) & set(before)
        for client in clients.values():
            assert set(servers_of(client)) == {origins["a"].address, "127.0.0.1:1", "127.0.0.1:2"}
            assert served(client, 2) == {"a": 2}


def test_many_write_at_once(start, origins):
    server = start("zone app 128k; server %a%;", workers=3)
    addresses = [f"127.0.0.1:{port}" for port in range(1, 21)]
    faults = []

    def write(address):
        with server.client() as client:
            for call in (lambda: add(client, address, down=True), lambda: change(client, address, weight=7)):
                status, told = call()
                if status not in (200, 201):
                    faults.append((address, status, told))
            if int(address.rsplit(":", 1)[1]) % 2 and remove(client, address) != (204, None):
                faults.append(address)

    threads = [threading.Thread(target=write, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    server.reload()
    for thread in threads:
        thread.join()
    assert not faults
    left = {address: 7 for address in addresses if int(address.rsplit(":", 1)[1]) % 2 == 0}
    with clients_of(server, 3) as clients:
        for client in clients.values():
            known = servers_of(client)
            assert {address: one["weight"] for address, one in known.items()} == {**left, origins["a"].address: 1}


def test_who_is_removed_ends_what_is_under_way(start, origins, backend):
    held = backend()
    server = start("zone app 128k; server %a%;")
    a = origins["a"].address
    assert add(server, held.address)[0] == 201
    assert change(server, a, down=True)[0] == 200
    with server.client() as waiting:
        waiting.send_request("GET", "/")
        connection = held.accept()
        connection.read_request()
        assert change(server, a, down=False)[0] == 200
        assert remove(server, held.address) == (204, None)
        with clients_of(server) as clients:
            for client in clients.values():
                assert served(client, 6) == {"a": 6}
        connection.send(response("at last"))
        assert waiting.read_response().text == "at last"
        with clients_of(server) as clients:
            for client in clients.values():
                assert served(client, 3) == {"a": 3}
        assert held.is_alone() and not connection.input


def test_drained_servers_serve_those_who_are_bound_to_them(start, origins):
    server = start("zone app 128k; sticky cookie srv; server %a%; server %b%;")
    answer = server.get("/")
    bound = answer.text
    cookie = answer.header("Set-Cookie").split(";")[0]
    address = origins[bound].address
    assert change(server, address, drain=True)[1]["servers"][address]["state"] == "draining"
    other = {"a": "b", "b": "a"}[bound]
    with clients_of(server) as clients:
        for client in clients.values():
            assert client.get("/", [("Cookie", cookie)]).text == bound
            assert served(client, 6) == {other: 6}
    assert change(server, address, drain=False)[0] == 200
    assert served(server, 8)[bound] == 4


def test_groups_may_be_emptied_and_filled(start, origins):
    server = start("zone app 128k; server %a%;")
    server.expect("no live upstreams")
    assert remove(server, origins["a"].address) == (204, None)
    assert server.get("/").status == 502
    assert servers_of(server) == {}
    assert add(server, origins["c"].address)[0] == 201
    assert served(server, 4) == {"c": 4}


def test_checks_follow_servers(start, origins, backend):
    ill = backend(response("ill", status=500))
    server = start("zone app 128k; server %a%;",
                   server="location /checked { proxy_pass http://app; health_check interval=100ms mandatory; }")
    server.expect("peer is unhealthy")
    wait_until(lambda: servers_of(server)[origins["a"].address]["state"] == "up", "the first check")
    assert add(server, ill.address)[0] == 201
    assert add(server, origins["c"].address)[0] == 201
    wait_until(lambda: servers_of(server)[origins["c"].address]["state"] == "up", "the check of an added server")
    wait_until(lambda: servers_of(server)[ill.address]["state"] == "unhealthy", "the check of an ill one")
    with clients_of(server) as clients:
        for client in clients.values():
            assert served(client, 6) == {"a": 3, "c": 3}
    assert remove(server, ill.address)[0] == 204
    # The workers look every half second; then nobody asks it any more.
    count = len(origins["c"].requests)
    wait_until(lambda: len(origins["c"].requests) > count + 12, "checks of the others")
    count = len(ill.requests)
    seen = len(origins["c"].requests)
    wait_until(lambda: len(origins["c"].requests) > seen + 5, "more checks of the others")
    assert len(ill.requests) == count


def test_checks_go_on_when_the_worker_that_made_them_is_gone(start, origins):
    server = start("zone app 128k; server %a%;",
                   server="location /checked { proxy_pass http://app; health_check interval=100ms; }")
    server.expect("exited on signal 9")
    with clients_of(server) as clients:
        pid, client = next(iter(clients.items()))
        assert add(client, origins["c"].address)[0] == 201
        origins["c"].wait_for_requests(1)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in server.workers(), "the end of the worker")
    count = len(origins["c"].requests)
    origins["c"].wait_for_requests(count + 3)


def test_who_waits_for_room_is_served_by_a_server_that_was_added(start, origins, backend):
    held = backend()
    server = start(f"zone app 128k; server {held.address} max_conns=1; queue 10 timeout=1h; keepalive 0;")
    with server.client() as first, server.client() as second:
        first.send_request("GET", "/")
        connection = held.accept()
        connection.read_request()
        second.send_request("GET", "/")
        assert add(server, origins["c"].address)[0] == 201
        assert second.read_response().text == "c"
        connection.send(response("at last", "Connection: close"))
        assert first.read_response().text == "at last"


STATE = "zone app 128k; state %PREFIX%/kept/app;"


@pytest.fixture
def kept(new_server, origins):
    """A server whose group is in a state file, whose directory the workers may write to; not started."""
    def make(text=None, block=STATE, workers=2):
        server = new_server({"kept/other": ""}, server=HERE, http=f"upstream app {{ {block} }}", workers=workers)
        os.chmod(server.path("kept"), 0o777)
        if text is not None:
            server.write("kept/app", text)
            os.chmod(server.path("kept/app"), 0o666)
        return server
    return make


def lines_of(server):
    return [line for line in server.read("kept/app").splitlines() if not line.startswith("#")]


def test_the_state_file_has_what_all_workers_have(kept, origins):
    a, b = origins["a"].address, origins["b"].address
    server = kept(f"server {a};").start()
    assert ask(server, "GET", "upstreams/app")[1]["state_file"] == server.path("kept/app")
    assert add(server, b, weight=3, max_conns=9)[0] == 201
    assert lines_of(server) == [f"server {a};", f"server {b} weight=3 max_conns=9;"]
    assert change(server, a, max_fails=0, fail_timeout=7, down=True)[0] == 200
    assert lines_of(server) == [f"server {a} max_fails=0 fail_timeout=7s down;", f"server {b} weight=3 max_conns=9;"]
    server.reload()
    assert served(server, 4) == {"b": 4}
    assert change(server, a, down=False)[0] == 200
    assert remove(server, b)[0] == 204
    assert lines_of(server) == [f"server {a} max_fails=0 fail_timeout=7s;"]
    server.stop()
    server.start()
    assert served(server, 4) == {"a": 4}
    assert servers_of(server)[a]["fail_timeout"] == 7
    assert sorted(os.listdir(server.path("kept"))) == ["app", "other"], "nothing is left beside it"


def test_a_state_file_that_is_not_there_is_an_empty_list(kept, origins):
    server = kept().start()
    server.expect("no live upstreams")
    assert server.get("/").status == 502
    assert add(server, origins["a"].address)[0] == 201
    assert served(server, 2) == {"a": 2}
    assert lines_of(server) == [f"server {origins['a'].address};"]


def test_what_cannot_be_written_holds_and_is_written_later(kept, origins):
    a, b = origins["a"].address, origins["b"].address
    server = kept(block="zone app 128k; state %PREFIX%/none/app;").start()
    server.expect("were not written to")
    assert add(server, a) == (500, "state_not_written")
    assert served(server, 2) == {"a": 2}
    os.mkdir(server.path("none"))
    os.chmod(server.path("none"), 0o777)
    assert add(server, b)[0] == 201
    assert server.read("none/app").splitlines()[1:] == [f"server {a};", f"server {b};"]


def test_state_files_are_read_as_configurations_are(kept):
    server = kept("server 127.0.0.1:1;\nserver 127.0.0.1:2 weight=x;\n")
    server.expect("invalid parameter|only .server. lines")
    refused = server.run("-t")
    assert refused.returncode == 1
    assert f'invalid parameter "weight=x" in {server.path("kept/app")}:2' in refused.stderr
    server.write("kept/app", "server 127.0.0.1:1;\nkeepalive 3;\n")
    refused = server.run("-t")
    assert refused.returncode == 1
    assert f'only "server" lines belong into a state file in {server.path("kept/app")}:2' in refused.stderr


def test_many_writers_leave_in_the_file_what_all_workers_have(kept, origins):
    server = kept(f"server {origins['a'].address};", workers=3).start()
    server.expect("exited on signal 9")
    there, gone = set(), set()  # what was confirmed, and nothing asked for since

    def write(number):
        with contextlib.suppress(AssertionError, OSError), server.client() as client:
            address = f"127.0.0.1:{number}"
            is_added = add(client, address, down=True)[0] == 201
            if is_added and number % 3 != 0:
                there.add(address)
            elif is_added and remove(client, address)[0] == 204:
                gone.add(address)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    os.kill(server.workers()[0], signal.SIGKILL)
    server.reload()
    for thread in threads:
        thread.join()
    # Who was not answered may have said it or not; the next change settles it.
    assert add(server, "127.0.0.1:99", down=True)[0] == 201
    with clients_of(server, 3) as clients:
        lists = [set(servers_of(client)) for client in clients.values()]
    assert all(one == lists[0] for one in lists)
    assert not (there | {"127.0.0.1:99"}) - lists[0]
    assert not gone & lists[0]
    assert {line.split()[1].rstrip(";") for line in lines_of(server)} == lists[0]
