"""Servers that are asked over TLS how they are: whose word counts, what they are told of us, what is kept."""

import ssl

import pytest

from harness import wait_until
from harness.backend import Answer, response
from harness.certificates import Authority, self_signed

ROOT = Authority("root")
GOOD = ROOT.issue("a.test", hosts=["a.test"])
STRANGER = self_signed("a.test")
OTHER = ROOT.issue("b.test", hosts=["b.test"])
TRUST = "proxy_ssl_verify on; proxy_ssl_trusted_certificate root.crt; proxy_ssl_name a.test;"
CHECK = "/health"


@pytest.fixture
def context_of(tmp_path):
    """The server's side of TLS with this certificate. `names` collects whom clients ask for."""
    def make(certificate, names=None, clients=None):
        path = tmp_path / "origin.pem"
        path.write_text(certificate.chain + certificate.key_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if clients:
            context.load_verify_locations(cadata=clients.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        if names is not None:
            context.sni_callback = lambda connected, name, _: names.append(name)
        return context
    return make


@pytest.fixture
def checked(serve, backend):
    """Starts a server with a group of origins, by the contexts of their TLS; they are called a, b …"""
    def start(*contexts, parameters="", location="", files=None):
        names = "abc"[:len(contexts)]
        origins = [backend(response(name), tls=context) for name, context in zip(names, contexts)]
        servers = " ".join(f"server {origin.address} max_fails=0;" for origin in origins)
        server = serve(f"location / {{ proxy_pass https://u; health_check interval=20ms uri={CHECK} {parameters}; "
                       f"{location} }}", http=f"upstream u {{ zone u 64k; {servers} }}", workers=1,
                       files={"conf/root.crt": ROOT.pem, **(files or {})})
        return server, origins
    return start


def wait_for_servers(server, names):
    def served():
        with server.client() as client:
            return "".join(sorted(set("".join(client.get("/").text for _ in range(6)))))
    wait_until(lambda: served() == names, f"requests to go to {names}")


def checks_of(origin):
    return [request for request in origin.requests if request.target == CHECK]


def wait_for_checks(origin, more):
    wanted = len(checks_of(origin)) + more
    wait_until(lambda: len(checks_of(origin)) >= wanted, f"{more} checks")


def test_checks_are_made_over_tls(checked, context_of):
    """Both have to pass one before they are asked for anything else."""
    server, origins = checked(context_of(GOOD), context_of(GOOD), parameters="mandatory", location=TRUST)
    wait_for_servers(server, "ab")
    assert all(origin.requests[0].target == CHECK for origin in origins)


@pytest.mark.parametrize("certificate, sentence", [
    (STRANGER, r"upstream SSL certificate verify error: \(18:self-signed certificate\)"),
    (OTHER, 'upstream SSL certificate does not match "a.test"'),
])
def test_who_shows_a_wrong_certificate_is_left_alone(checked, context_of, certificate, sentence):
    server, origins = checked(context_of(certificate), context_of(GOOD), location=TRUST)
    server.wait_for_log(rf"\[warn\].*peer is unhealthy while SSL handshaking to upstream: {sentence}, "
                        f'health check "" of peer {origins[0].address} in upstream "u"')
    with server.client() as client:
        assert {client.get("/").text for _ in range(6)} == {"b"}
    assert origins[0].requests == []


def test_a_wrong_certificate_is_nothing_where_nobody_looks(checked, context_of):
    server, origins = checked(context_of(STRANGER), context_of(OTHER), parameters="mandatory")
    wait_for_servers(server, "ab")
    assert "unhealthy" not in server.error_log


def test_who_gets_a_right_certificate_comes_back(checked, context_of):
    server, origins = checked(context_of(STRANGER), context_of(GOOD), location=TRUST)
    server.wait_for_log("peer is unhealthy")
    origins[0].tls = context_of(GOOD)
    server.wait_for_log(f'peer is healthy, health check "" of peer {origins[0].address}')
    wait_for_servers(server, "ab")


@pytest.mark.parametrize("directives, name", [
    ("proxy_ssl_server_name on; proxy_ssl_name a.test;", "a.test"),
    ("proxy_ssl_server_name on;", "u"),
    ("proxy_ssl_name a.test;", None),
])
def test_checks_ask_for_whom_the_location_asks_for(checked, context_of, directives, name):
    names = []
    _, (origin,) = checked(context_of(GOOD, names), location=directives)
    wait_for_checks(origin, 2)
    assert set(names) == {name}


@pytest.mark.parametrize("shows", [True, False])
def test_a_server_that_wants_to_know_who_asks(checked, context_of, shows):
    ours = ROOT.issue("checker")
    files = {"conf/own.crt": ours.pem, "conf/own.key": ours.key_pem}
    location = "proxy_ssl_certificate own.crt; proxy_ssl_certificate_key own.key;" if shows else ""
    server, (origin,) = checked(context_of(GOOD, clients=ROOT), location=location, files=files)
    if shows:
        wait_for_checks(origin, 3)
        assert "unhealthy" not in server.error_log
    else:
        server.wait_for_log("peer is unhealthy while ")
        assert origin.requests == []


@pytest.mark.parametrize("kept", [True, False])
def test_a_secure_connection_is_kept_where_that_is_said(checked, context_of, kept):
    _, (origin,) = checked(context_of(GOOD), parameters="keepalive_time=1h" if kept else "", location=TRUST)
    wait_for_checks(origin, 5)
    assert (len(origin.connections) == 1) == kept


@pytest.mark.parametrize("answer, fault", [
    (Answer(response("hello"), when="made"), r"SSL_do_handshake\(\) failed"),
    (Answer(b"", "close", when="made"), "peer closed connection in SSL handshake"),
    (None, r"\(110: Connection timed out\)"),  # it would accept by hand, and does not
])
def test_a_server_that_does_not_speak_tls_fails(serve, backend, answer, fault):
    origin = backend(answer)
    server = serve("location / { proxy_pass https://u; proxy_connect_timeout 100ms; health_check interval=20ms; }",
                   http=f"upstream u {{ zone u 64k; server {origin.address}; }}", workers=1)
    server.wait_for_log(f"unhealthy while SSL handshaking to upstream.*{fault}")
