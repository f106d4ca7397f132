"""Early data (0-RTT) offered to another server than the session was made in: they are never a request there.

OpenSSL's client does not offer them under another name, so the name in its own copy of a session is changed; the ticket
in there is as the server gave it.
"""

import subprocess

import pytest

from harness.certificates import Authority, self_signed
from harness.tls import LISTEN, OWN, pair
from harness.waiting import WAIT_SECONDS

VERIFIES = "ssl_verify_client on; ssl_client_certificate ca.crt;"
STORES = {"tickets": "", "ids": "ssl_session_tickets off;"}


class Visitor:
    """OpenSSL's client, which has a certificate."""

    def __init__(self, server, certificate=True):
        self.server = server
        self.files = ["-cert", server.path("client.pem")] if certificate else []

    def visit(self, name, host, *options):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.port(2)}", "-tls1_3", "-ign_eof",
                   "-servername", name, *self.files, *options]
        late = f"GET /late HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        return subprocess.run(command, input=late, capture_output=True, text=True, timeout=WAIT_SECONDS).stdout

    def session_of(self, name):
        self.visit(name, name, "-sess_out", self.server.path("session"))
        return self.openssl("-inform", "PEM", "-outform", "DER", data=self.server.read("session").encode())

    @staticmethod
    def openssl(*arguments, data):
        return subprocess.run(["openssl", "sess_id", *arguments], input=data, capture_output=True, check=True).stdout

    def offer(self, session, name, host):
        """Offers the session with a request for `host` in early data."""
        self.server.write("offered", self.openssl("-inform", "DER", data=session))
        early = self.server.write("early", f"GET /early HTTP/1.1\r\nHost: {host}\r\n\r\n")
        return self.visit(name, host, "-sess_in", self.server.path("offered"), "-early_data", early)


@pytest.fixture
def two_servers(serve):
    """Servers a.test and b.test of one address that take early data and share certificate, cache and keys."""
    def start(a, b, store=""):
        authority = Authority("root")
        client = authority.issue("client")
        files = {**pair("own", self_signed()), "conf/ca.crt": authority.pem,
                 "client.pem": client.key_pem + client.chain}
        servers = "".join(f'server {{ {LISTEN} server_name {name}; {own} add_header Of "{name} $uri" always; }}'
                          for name, own in (("a.test", a), ("b.test", b)))
        return serve(http=f"{OWN} ssl_session_cache shared:tls:1m; ssl_early_data on; {STORES.get(store, '')} {servers}"
                          "server { listen 127.0.0.1:%PORT%; }", files={**files, "html/early": "", "html/late": ""})
    return start


@pytest.mark.parametrize("certificate", [True, False])
@pytest.mark.parametrize("a, b", [
    ("", VERIFIES), ("", "ssl_verify_client optional; ssl_client_certificate ca.crt;"),
    ("ssl_verify_client optional_no_ca;", VERIFIES), (VERIFIES + "ssl_verify_depth 2;", VERIFIES),
], ids=["without", "optional", "any certificate", "another depth"])
@pytest.mark.parametrize("store", STORES)
def test_early_data_of_one_server_are_none_of_another(two_servers, store, a, b, certificate):
    visitor = Visitor(two_servers(a, b, store), certificate)
    for made_in, offered_to in (("a.test", "b.test"), ("b.test", "a.test")):
        session = visitor.session_of(made_in)
        assert session.count(made_in.encode()) == 1
        said = visitor.offer(session.replace(made_in.encode(), offered_to.encode()), offered_to, offered_to)
        assert "Early data was rejected" in said and "New, TLSv1.3" in said, said
        assert "/early" not in said and f"Of: {offered_to} /late" in said, said
    assert "/early" not in visitor.server.access_log


def test_early_data_reach_the_server_they_are_for(two_servers):
    """That is what the test above would otherwise not know."""
    visitor = Visitor(two_servers("", VERIFIES))
    for name in ("a.test", "b.test"):
        session = visitor.session_of(name)
        said = visitor.offer(session, name, name)
        assert "Early data was accepted" in said and f"Of: {name} /early" in said, said
    said = visitor.offer(visitor.session_of("a.test"), "a.test", "b.test")
    assert "Early data was accepted" in said and "HTTP/1.1 421" in said, said
    assert 'GET /early HTTP/1.1" 421' in visitor.server.access_log
