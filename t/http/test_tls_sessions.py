"""Sessions of TLS that go on: in the cache of all workers, in tickets, over reloads, and never in another server."""

import os
import signal
import ssl

import pytest

from harness.certificates import Authority, self_signed
from harness.waiting import wait_until

# How a client goes on with a session: the version, whether servers give tickets, and whether the client takes them.
FORMS = {
    "1.2 id": (ssl.TLSVersion.TLSv1_2, "ssl_session_tickets on;", ssl.OP_NO_TICKET),
    "1.2 ticket": (ssl.TLSVersion.TLSv1_2, "ssl_session_tickets on;", 0),
    "1.3 id": (ssl.TLSVersion.TLSv1_3, "ssl_session_tickets off;", 0),
    "1.3 ticket": (ssl.TLSVersion.TLSv1_3, "ssl_session_tickets on;", 0),
}
IDS = [form for form in FORMS if form.endswith("id")]
TICKETS = [form for form in FORMS if form.endswith("ticket")]

CACHE = "ssl_session_cache shared:tls:1m;"
OWN = "ssl_certificate own.crt; ssl_certificate_key own.key;"
LISTEN = "listen 127.0.0.1:%PORT2% ssl;"
SHOWN = 'return 200 "$pid $ssl_session_reused";'


def pair(name, certificate):
    return {f"conf/{name}.crt": certificate.chain, f"conf/{name}.key": certificate.key_pem}


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
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname = False
        self.tls.verify_mode = ssl.CERT_NONE
        self.tls.minimum_version = self.tls.maximum_version = version
        self.tls.options |= options
        if certificate:
            self.tls.load_cert_chain(certificate)

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
