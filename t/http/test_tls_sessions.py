"""Sessions of TLS that go on: in the cache of all workers, in tickets, over reloads, and never in another server."""

import os
import re
import signal
import socket
import ssl
import subprocess

import pytest
from cryptography import x509

from harness.certificates import Authority, self_signed
from harness.client import Client
from harness.nginx import Nginx, is_installed
from harness.tls import LISTEN, OWN, context, pair
from harness.waiting import WAIT_SECONDS, wait_until

# How a client goes on with a session: the version, whether servers give tickets, and whether the client takes them.
FORMS = {
    "1.2 id": ("1.2", "ssl_session_tickets on;", ssl.OP_NO_TICKET),
    "1.2 ticket": ("1.2", "ssl_session_tickets on;", 0),
    "1.3 id": ("1.3", "ssl_session_tickets off;", 0),
    "1.3 ticket": ("1.3", "ssl_session_tickets on;", 0),
}
IDS = [form for form in FORMS if form.endswith("id")]
TICKETS = [form for form in FORMS if form.endswith("ticket")]

CACHE = "ssl_session_cache shared:tls:1m;"
SHOWN = 'return 200 "$pid $ssl_session_reused";'


@pytest.fixture
def serve_tls(serve):
    """Starts a server that speaks TLS on its second port, with that text in its http block."""
    def start(text, servers=f"server {{ {LISTEN} {SHOWN} }}", files=None):
        http = f"{OWN} {text} {servers} server {{ listen 127.0.0.1:%PORT%; }}"
        return serve(http=http, files={**pair("own", self_signed()), **(files or {})})
    return start


class Visitor:
    """A client of one form, whose sessions it can go on with."""

    def __init__(self, server, form, certificate=None):
        version, _, options = FORMS[form]
        self.server = server
        self.tls = context(version, certificate)
        self.tls.options |= options

    def visit(self, session=None, sni=None, target="/"):
        """One connection with one request: the session it ends with, and what was answered."""
        with self.server.client(2, tls=self.tls, sni=sni, session=session) as client:
            response = client.get(target, {"Host": sni or "a"})
            reused = client.socket.session_reused
            return client.socket.session, reused, response.text

    def resumes(self, session, sni=None):
        _, reused, text = self.visit(session, sni)
        assert text.split()[-1] == ("r" if reused else ".")
        return reused

    def resumes_in_all_workers(self, session):
        """Until each worker has been met, on every visit."""
        met = set()
        def met_all():
            _, reused, text = self.visit(session)
            assert reused, f"not by {text}"
            met.add(int(text.split()[0]))
            return met == set(self.server.workers())
        return wait_until(met_all, "each worker to be met")


@pytest.mark.parametrize("form", FORMS)
def test_a_session_goes_on_in_any_worker(serve_tls, form):
    server = serve_tls(f"{CACHE} {FORMS[form][1]}")
    visitor = Visitor(server, form)
    session, reused, _ = visitor.visit()
    assert not reused
    assert visitor.resumes_in_all_workers(session)


@pytest.mark.parametrize("form", FORMS)
def test_a_session_outlives_reloads_and_workers(serve_tls, form):
    server = serve_tls(f"{CACHE} {FORMS[form][1]}")
    visitor = Visitor(server, form)
    session, _, _ = visitor.visit()
    for _ in range(3):
        server.reload()
        assert visitor.resumes_in_all_workers(session)

    killed = server.workers()[0]
    server.expect(r"exited on signal 9")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 2 and killed not in server.workers(), "another worker")
    assert visitor.resumes_in_all_workers(session)


@pytest.mark.parametrize("cache", ["off", "none", None])
@pytest.mark.parametrize("form", IDS)
def test_without_a_cache_no_id_goes_on(serve_tls, form, cache):
    server = serve_tls((f"ssl_session_cache {cache};" if cache else "") + FORMS[form][1])
    visitor = Visitor(server, form)
    session, _, _ = visitor.visit()
    if form == "1.2 id":
        assert bool(session.id) == (cache != "off")
    else:
        assert session is None or not session.has_ticket
    assert session is None or not visitor.resumes(session)


@pytest.mark.parametrize("form", IDS)
def test_the_builtin_cache_is_of_one_process(serve_tls, form):
    server = serve_tls(f"ssl_session_cache builtin:100; {FORMS[form][1]}")
    visitor = Visitor(server, form)
    session, _, first = visitor.visit()
    resumed = {}
    def met_all():
        _, reused, text = visitor.visit(session)
        resumed[text.split()[0]] = reused
        return len(resumed) == 2
    wait_until(met_all, "both workers to be met")
    assert [pid for pid, reused in resumed.items() if reused] == [first.split()[0]]


# --- keys of tickets

def key(size, letter="k"):
    return (letter * size).encode()


@pytest.mark.parametrize("size", [48, 80])
@pytest.mark.parametrize("form", TICKETS)
def test_tickets_by_the_keys_of_files(serve_tls, form, size):
    files = {"conf/a": key(size, "a"), "conf/b": key(128 - size, "b")}
    server = serve_tls("ssl_session_ticket_key a; ssl_session_ticket_key b;", files=files)
    visitor = Visitor(server, form)
    session, reused, _ = visitor.visit()
    assert not reused and session.has_ticket
    assert visitor.resumes_in_all_workers(session)


@pytest.mark.parametrize("form", TICKETS)
def test_keys_of_files_are_changed_by_reloads(serve_tls, form):
    """The first key encrypts, others are known; a ticket by one of these is renewed."""
    files = {"conf/a": key(80, "a"), "conf/b": key(80, "b"), "conf/c": key(48, "c")}
    server = serve_tls("include keys;", files={**files, "conf/keys": "ssl_session_ticket_key a;"})
    def use(*names):
        server.write("conf/keys", "".join(f"ssl_session_ticket_key {name};" for name in names))
        server.reload()
    visitor = Visitor(server, form)
    by_a, _, _ = visitor.visit()
    use("b", "a")
    by_b, reused, _ = visitor.visit(by_a)
    assert reused
    use("c", "b")
    assert not visitor.resumes(by_a)
    assert visitor.resumes(by_b), "the ticket was not renewed"
    use("a")
    assert visitor.resumes(by_a)
    assert not visitor.resumes(by_b)


@pytest.mark.parametrize("form", TICKETS)
def test_tickets_of_a_single_process(serve_tls, new_server, form):
    server = new_server(main="master_process off;", files=pair("own", self_signed()),
                        http=f"{OWN} server {{ {LISTEN} {SHOWN} }} server {{ listen 127.0.0.1:%PORT%; }}").start()
    visitor = Visitor(server, form)
    session, reused, _ = visitor.visit()
    assert not reused
    assert visitor.resumes(session)
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("the configuration is in force")
    assert visitor.resumes(session)


@pytest.mark.parametrize("form", TICKETS)
def test_tickets_can_be_switched_on_and_off_by_reloads(serve_tls, form):
    server = serve_tls("include tickets;", files={"conf/tickets": "ssl_session_tickets off;"})
    visitor = Visitor(server, form)
    session, _, _ = visitor.visit()
    assert session is None or not session.has_ticket
    server.write("conf/tickets", "ssl_session_tickets on;")
    server.reload()
    session, _, _ = visitor.visit()
    assert session.has_ticket
    assert visitor.resumes_in_all_workers(session)
    server.write("conf/tickets", "ssl_session_tickets off;")
    server.reload()
    assert not visitor.resumes(session)
    server.write("conf/tickets", "ssl_session_tickets on;")
    server.reload()
    assert visitor.resumes_in_all_workers(session)


@pytest.mark.parametrize("form", TICKETS)
def test_a_ticket_lasts_as_long_as_its_session(serve_tls, form):
    server = serve_tls("ssl_session_timeout 1s; ssl_session_ticket_key a;", files={"conf/a": key(80)})
    check_expiry(Visitor(server, form))


@pytest.mark.parametrize("form", IDS)
def test_a_session_in_the_cache_ends(serve_tls, form):
    check_expiry(Visitor(serve_tls(f"{CACHE} ssl_session_timeout 1s; {FORMS[form][1]}"), form))


def check_expiry(visitor):
    session, _, _ = visitor.visit()
    wait_until(lambda: not visitor.visit(session)[1], "the session to end")  # long before five minutes, the default


def test_keys_that_cannot_be_used(refusal_of):
    files = {**pair("own", self_signed()), "conf/short": key(47), "conf/empty": b""}
    def said(directives):
        return refusal_of(f"http {{ server {{ listen 127.0.0.1:443 ssl; {OWN} {directives} }} }}", files)
    for name in ("short", "empty"):
        assert f'"%PREFIX%/conf/{name}" must be 48 or 80 bytes in %CONF%:1' in said(f"ssl_session_ticket_key {name};")
    assert ('open() "%PREFIX%/conf/none" failed (2: No such file or directory) in %CONF%:1'
            in said("ssl_session_tickets off; ssl_session_ticket_key none;"))


# --- sessions stay where they were made

VERIFIES = "ssl_verify_client on; ssl_client_certificate ca.crt;"


@pytest.fixture
def two_servers(serve_tls):
    """Two servers of one address, a.test and b.test, that share certificate, cache and keys of tickets."""
    authority = Authority("root")
    client = authority.issue("client")
    other = Authority("other")
    files = {"conf/key": key(80), "conf/ca.crt": authority.pem, "conf/other.crt": other.pem,
             "client.pem": client.key_pem + client.chain}

    def start(form, a, b, outside=""):
        named = "".join(f"server {{ {LISTEN} server_name {name}; {own} {SHOWN} }}"
                        for name, own in (("a.test", a), ("b.test", b)))
        server = serve_tls(f"{CACHE} ssl_session_ticket_key key; {FORMS[form][1]} {outside}", named, files)
        return server, Visitor(server, form, server.path("client.pem"))
    return start


def resumes_between(visitor, made_in, offered_to):
    session, _, text = visitor.visit(sni=made_in)
    assert visitor.resumes(session, sni=made_in), f"not even where it was made: {text}"
    return visitor.resumes(session, sni=offered_to)


@pytest.mark.parametrize("a, b", [
    ("", VERIFIES),
    ("", "ssl_verify_client optional_no_ca;"),
    ("ssl_verify_client optional; ssl_client_certificate ca.crt;", VERIFIES),
    ("ssl_verify_client on; ssl_client_certificate other.crt; ssl_trusted_certificate ca.crt;", VERIFIES),
    (VERIFIES + "ssl_verify_depth 2;", VERIFIES),
    (VERIFIES, VERIFIES),
], ids=["without", "any certificate", "optional", "another authority", "another depth", "the same"])
@pytest.mark.parametrize("form", FORMS)
def test_no_session_opens_a_server_that_asks_for_certificates(two_servers, form, a, b):
    _, visitor = two_servers(form, a, b)
    assert not resumes_between(visitor, "a.test", "b.test")
    assert not resumes_between(visitor, "b.test", "a.test")


@pytest.mark.parametrize("form", FORMS)
def test_who_has_no_certificate_gets_nothing_by_a_session_of_another_server(two_servers, form):
    server, _ = two_servers(form, "", VERIFIES)
    visitor = Visitor(server, form)
    session, _, _ = visitor.visit(sni="a.test")
    _, reused, text = visitor.visit(session, sni="b.test")
    assert not reused and "No required SSL certificate was sent" in text


@pytest.mark.parametrize("form", FORMS)
def test_servers_that_ask_for_nothing_share_sessions(two_servers, form):
    """Unless what they offer differs."""
    _, visitor = two_servers(form, "", "")
    assert resumes_between(visitor, "a.test", "b.test")
    _, visitor = two_servers(form, "", "ssl_ciphers ECDHE+AESGCM;")
    assert not resumes_between(visitor, "a.test", "b.test")


@pytest.mark.parametrize("form", FORMS)
def test_the_certificate_of_a_client_goes_on_with_its_session(serve_tls, form):
    authority = Authority("root")
    client = authority.issue("client")
    shown = 'return 200 "$ssl_client_verify $ssl_client_s_dn $ssl_session_reused";'
    server = serve_tls(f"{CACHE} {FORMS[form][1]} {VERIFIES}", f"server {{ {LISTEN} {shown} }}",
                       {"conf/ca.crt": authority.pem, "client.pem": client.key_pem + client.chain})
    visitor = Visitor(server, form, server.path("client.pem"))
    session, _, text = visitor.visit()
    assert text == "SUCCESS CN=client ."
    server.reload()
    assert visitor.visit(session)[2] == "SUCCESS CN=client r"


@pytest.mark.parametrize("form", FORMS)
def test_a_reload_that_judges_clients_otherwise_ends_their_sessions(serve_tls, form):
    authority = Authority("root")
    client = authority.issue("client")
    files = {"conf/ca.crt": authority.pem, "conf/list": authority.crl, "client.pem": client.key_pem + client.chain}
    server = serve_tls(f"{CACHE} {FORMS[form][1]} {VERIFIES} ssl_crl list;", files=files)
    visitor = Visitor(server, form, server.path("client.pem"))
    session, _, _ = visitor.visit()
    assert visitor.resumes(session)
    authority.revoke(client)
    server.write("conf/list", authority.crl)
    server.reload()
    _, reused, text = visitor.visit(session)
    assert not reused and "The SSL certificate error" in text


# --- what is no session

# OpenSSL's client, which takes sessions from files.
S_CLIENT = {"1.2 id": ["-tls1_2", "-no_ticket"], "1.2 ticket": ["-tls1_2"], "1.3 id": ["-tls1_3"],
            "1.3 ticket": ["-tls1_3"]}


def s_client(server, form, *options):
    """One connection with one request; gives what the client says of it."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port(2)}", "-ign_eof", *S_CLIENT[form], *options]
    return subprocess.run(command, input="GET / HTTP/1.0\r\n\r\n", capture_output=True, text=True,
                          timeout=WAIT_SECONDS).stdout


def was_resumed(said):
    resumed = "Reused, TLSv1." in said
    assert re.search(r"^\d+ [r]" if resumed else r"^\d+ \.", said, re.M), said
    assert resumed or "New, TLSv1." in said, said
    return resumed


def openssl(*arguments, data):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


def place_of_identity(der, form):
    """Where in a saved session the id or ticket lies that the server knows it by."""
    text = openssl("sess_id", "-inform", "DER", "-noout", "-text", data=der).decode()
    if form == "1.2 id":
        identity = bytes.fromhex(re.search(r"Session-ID: ([0-9A-F]+)", text)[1])
    else:
        rows = re.findall(r"^    [0-9a-f]{4} - ((?:[0-9a-f]{2}[ -]){1,16})", text, re.M)
        identity = bytes.fromhex("".join(rows).replace("-", " "))
    assert der.count(identity) == 1
    return der.index(identity), len(identity)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_session_is_a_full_handshake(serve_tls, form):
    """Ids and tickets with a wrong bit, here and there."""
    server = serve_tls(f"{CACHE} ssl_session_ticket_key key; {FORMS[form][1]}", files={"conf/key": key(80)})
    def resumes(der):
        server.write("offered", openssl("sess_id", "-inform", "DER", data=der))
        return was_resumed(s_client(server, form, "-sess_in", server.path("offered")))

    assert not was_resumed(s_client(server, form, "-sess_out", server.path("saved")))
    der = openssl("sess_id", "-outform", "DER", data=server.read("saved").encode())
    assert resumes(der)
    at, size = place_of_identity(der, form)
    for place in range(at, at + size, max(1, size // 16)):
        assert not resumes(der[:place] + bytes([der[place] ^ 0x40]) + der[place + 1:]), f"byte {place - at} of {size}"
    assert resumes(der)


@pytest.mark.parametrize("form", IDS)
def test_a_full_cache_forgets_what_was_not_used_for_longest(serve_tls, form):
    server = serve_tls(f"ssl_session_cache shared:tls:32k; {FORMS[form][1]}")
    visitor = Visitor(server, form)
    first, _, _ = visitor.visit()
    used, _, _ = visitor.visit()
    for _ in range(200):
        assert visitor.resumes(used)
        latest, _, _ = visitor.visit()
    assert not visitor.resumes(first)
    assert visitor.resumes(latest)


def test_a_session_with_a_large_certificate_is_not_kept(serve_tls):
    authority = Authority("root")
    def client(name, bytes_more):
        note = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x" * bytes_more)
        one = authority.issue(name, extensions=[note])
        return {f"{name}.pem": one.key_pem + one.chain}
    server = serve_tls(f"{CACHE} {VERIFIES}", files={"conf/ca.crt": authority.pem, **client("small", 3000),
                                                    **client("large", 4000)})
    for name, kept in (("small", True), ("large", False)):
        visitor = Visitor(server, "1.2 id", server.path(f"{name}.pem"))
        session, _, _ = visitor.visit()
        assert visitor.resumes(session) == kept


def test_a_fatal_alert_ends_a_session(serve_tls):
    server = serve_tls(CACHE)
    visitor = Visitor(server, "1.2 id")
    session, _, _ = visitor.visit()
    with server.client(2, tls=visitor.tls, session=session) as client:
        assert client.socket.session_reused
    assert visitor.resumes(session), "the end of a connection is none of its session"
    with server.client(2, tls=visitor.tls, session=session) as client:
        assert client.get("/").status == 200
        plain = socket.socket(fileno=os.dup(client.socket.fileno()))
        plain.settimeout(WAIT_SECONDS)
        plain.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32)
        assert plain.recv(1000)[:1] == b"\x15"
        plain.close()
    assert not visitor.resumes(session)
    server.wait_for_log(r"\[info\] .* SSL_read\(\) failed \(SSL: error:.*bad record mac.*\) while keepalive, client")


@pytest.mark.parametrize("form", IDS)
def test_a_client_that_was_refused_does_not_go_on(serve_tls, form):
    authority, stranger = Authority("root"), Authority("stranger")
    client = stranger.issue("client")
    server = serve_tls(f"{CACHE} {FORMS[form][1]} {VERIFIES}",
                       files={"conf/ca.crt": authority.pem, "client.pem": client.key_pem + client.chain})
    for certificate in (None, server.path("client.pem")):
        visitor = Visitor(server, form, certificate)
        with server.client(2, tls=visitor.tls) as connection:
            assert connection.get("/").status == 400
            session = connection.socket.session
        with server.client(2, tls=visitor.tls, session=session) as connection:
            assert not connection.socket.session_reused
            assert connection.get("/").status == 400


# --- beside nginx

@pytest.mark.parametrize("text", [
    "", CACHE, "ssl_session_cache off;", "ssl_session_cache builtin;", "ssl_session_cache builtin shared:a:1m;",
    "ssl_session_tickets off;", f"{CACHE} ssl_session_tickets off;", "ssl_session_tickets off; ssl_session_cache off;",
    "ssl_session_ticket_key key;",
    "ssl_session_cache off; ssl_session_cache shared:a:1m;", "ssl_session_cache none shared:a:1m;",
], ids=lambda text: text or "nothing")
def test_what_goes_on_is_what_goes_on_with_nginx(new_server, text):
    if not is_installed():
        pytest.skip("no nginx here")
    shown = "return 200 $ssl_session_reused;"
    http = f"ssl_protocols TLSv1.2 TLSv1.3; {OWN} {text} server {{ listen 127.0.0.1:%PORT% ssl; {shown} }}"
    files = {**pair("own", self_signed()), "conf/key": key(80)}
    server = new_server(main="master_process off;", http=http, files=files).start()
    nginx = Nginx(server, http)
    try:
        for form in FORMS:
            assert what_goes_on(server.port(), form) == what_goes_on(nginx.port, form), form
    finally:
        nginx.stop()


def what_goes_on(port, form):
    version, _, options = FORMS[form]
    tls = context(version)
    tls.options |= options
    session, seen = None, []
    for _ in range(3):
        with Client(port, tls=tls, session=session) as client:
            seen.append((client.get("/").text, client.socket.session_reused))
            session = client.socket.session or session
    return seen
