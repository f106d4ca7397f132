"""Names are looked up by whom the `resolver` directive names, whatever those do: seen by OCSP responders with names."""

import pytest

from harness.certificates import Authority, responder_at
from harness.name_server import NameServer
from harness.responder import Responder
from harness.tls import LISTEN, OWN, stapled, wait_for_staple
from harness.waiting import wait_until

HOME = {"ocsp.test": "127.0.0.1"}


@pytest.fixture
def new_name_server():
    made = []

    def make(names=HOME, *arguments, **how):
        made.append(NameServer(names, *arguments, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Scene:
    """A server whose certificate names a responder by a name; `start` gives it a configuration."""

    def __init__(self, serve):
        self.serve = serve
        self.responder = Responder(Authority("root"))
        root = self.responder.authority
        url = f"http://ocsp.test:{self.responder.port}/"
        own = self.responder.knows(root.issue("localhost", ("localhost",), extensions=[responder_at(url)]))
        self.files = {"conf/own.crt": own.pem + root.pem, "conf/own.key": own.key_pem}

    def start(self, *name_servers, how="", server="", **configuration):
        resolver = "resolver " + " ".join(one.address for one in name_servers) + f" {how};"
        return self.serve(f"{LISTEN} {OWN} ssl_stapling on; {resolver} {server}", files=self.files, **configuration)


@pytest.fixture
def scene(serve):
    scene = Scene(serve)
    yield scene
    scene.responder.close()


@pytest.mark.parametrize("does", ["well", "slow", "noisy", "truncated"])
def test_a_name_is_found(scene, new_name_server, does):
    names = new_name_server(does=does)
    assert wait_for_staple(scene.start(names)) == "good"
    assert {one.name for one in names.asked} == {"ocsp.test"}
    assert any(one.by_tcp for one in names.asked) == (does == "truncated")


def test_both_kinds_of_addresses_are_asked_for_from_ports_of_their_own(scene, new_name_server):
    names = new_name_server()
    assert wait_for_staple(scene.start(names)) == "good"
    assert {one.type for one in names.asked} == {1, 28}
    assert len({one.port for one in names.asked}) == len(names.asked) == 2


@pytest.mark.parametrize("off, types", [("ipv4=off", {28}), ("ipv6=off", {1})])
def test_one_kind_can_be_left_out(scene, new_name_server, off, types):
    names = new_name_server()
    scene.start(names, how=off)
    wait_until(lambda: names.asked, "a question")
    assert {one.type for one in names.asked} == types


@pytest.mark.parametrize("ttl", [0, 60, 2**31])
def test_an_answer_counts_however_long_it_is_good(scene, new_name_server, ttl):
    assert wait_for_staple(scene.start(new_name_server(ttl=ttl))) == "good"


def test_aliases_are_followed(scene, new_name_server):
    names = new_name_server({"ocsp.test": {"alias": "a.test"}, "a.test": {"alias": "b.test"}, "b.test": "127.0.0.1"})
    assert wait_for_staple(scene.start(names)) == "good"


AROUND = {"ocsp.test": {"alias": "a.test"}, "a.test": {"alias": "ocsp.test"}}
DEEP = {"ocsp.test": {"alias": "n0.test"}, **{f"n{i}.test": {"alias": f"n{i + 1}.test"} for i in range(100)}}


@pytest.mark.parametrize("names, does, fault", [
    ({}, "well", "3: Host not found"),
    (HOME, "fails", "2: Server failure"),
    (HOME, "refuses", "5: Operation refused"),
    ({"ocsp.test": {"alias": "ocsp.test"}}, "well", "2: Server failure"),
    (AROUND, "well", "2: Server failure"),
    (DEEP, "well", "2: Server failure"),
    *((HOME, does, "110: Operation timed out") for does in
      ("silent", "wrong_id", "wrong_question", "wrong_port", "garbage", "loops", "cut_off", "storm",
       "truncated_always")),
])
def test_what_cannot_be_found_out_is_said(scene, new_name_server, names, does, fault):
    name_server = new_name_server(names, does)
    server = scene.start(name_server, server="resolver_timeout 400ms;")
    server.wait_for_log(rf"\[error\] \d+#\d+: ocsp.test could not be resolved \({fault}\) while requesting certificate "
                        r'status, responder: ocsp.test, certificate: "\S+/conf/own.crt"$')
    assert stapled(server) is None
    assert len(name_server.asked) < 100
    assert scene.responder.asked == []


@pytest.mark.parametrize("does", ["silent", "fails", "garbage"])
def test_another_name_server_is_asked_when_one_is_no_good(scene, new_name_server, does):
    bad, good = new_name_server(does=does), new_name_server()
    assert wait_for_staple(scene.start(bad, good, server="resolver_timeout 2s;")) == "good"


def test_a_name_server_that_is_not_there(scene, new_name_server):
    gone, good = new_name_server(), new_name_server()
    gone.close()
    assert wait_for_staple(scene.start(gone, good)) == "good"


def test_each_server_block_has_its_own(scene, new_name_server):
    outer, inner = new_name_server({}), new_name_server()
    server = scene.start(inner, http=f"resolver {outer.address};")
    assert wait_for_staple(server) == "good"
    assert outer.asked == []


def test_a_worker_ends_while_it_asks(scene, new_name_server):
    names = new_name_server(does="silent")
    server = scene.start(names)
    wait_until(lambda: names.asked, "a question")
    server.stop()


def test_a_reload_while_it_asks(scene, new_name_server):
    names = new_name_server(does="silent")
    server = scene.start(names)
    wait_until(lambda: names.asked, "a question")
    server.reload()
    names.does = "well"
    assert wait_for_staple(server) == "good"


def test_mistakes(refuses):
    for words, sentence in (
            ("valid=x", "invalid parameter: valid=x"),
            ("127.0.0.1 ipv4=of", "invalid parameter: ipv4=of"),
            ("127.0.0.1:0", 'invalid port in resolver "127.0.0.1:0"'),
            ("[::1", 'invalid host in resolver "[::1"'),
            ("nobody.invalid", 'host not found in resolver "nobody.invalid"'),
            ("valid=30s", "no name servers defined"),
            ("127.0.0.1 ipv4=off ipv6=off", '"ipv4" and "ipv6" cannot both be "off"')):
        refuses(sentence, server=f"resolver {words};")
    refuses('"resolver" directive is duplicate', server="resolver 127.0.0.1; resolver 127.0.0.1;")
    refuses('"resolver_timeout" directive is duplicate', server="resolver_timeout 1s; resolver_timeout 1s;")
