"""What is counted of handshakes, in their worker and in the zone of their server, and until when certificates last."""

import datetime
import ssl

import pytest
from cryptography import x509

from harness.certificates import Authority, self_signed
from harness.figures import figures, figures_with
from harness.tls import LISTEN, OWN, VERSIONS, context, pair

TLS = f"{LISTEN} {OWN}"


@pytest.fixture
def serve_zones(serve):
    """A server in the zone `secure` on the second port, with this text, and figures on the first."""
    def start(text="", http="", files=None, **how):
        http = (f"{http} server {{ {TLS} status_zone secure; {text} }}"
                "server { listen 127.0.0.1:%PORT%; status_zone plain; location = /metrics { metrics; } }")
        return serve(http=http, files={**pair("own", self_signed()), **(files or {})}, **how)
    return start


def fail(server, tls, message, **how):
    with pytest.raises(ssl.SSLError, match=message):
        server.client(2, tls=tls, **how)


@pytest.mark.parametrize("version", VERSIONS)
def test_handshakes_count_by_version(serve_zones, version):
    server = serve_zones("return 200;")
    for _ in range(3):
        with server.client(2, tls=context(version)) as client:
            assert client.get("/").status == 200
    name = f"TLSv{version}"
    now = figures_with(server, "tls_zone_handshakes_total", 3, zone="secure")
    assert now.sum("tls_zone_handshakes_total", zone="secure", version=name) == 3
    assert now.sum("tls_zone_handshakes_total", zone="secure") == now.sum("tls_handshakes_total") == 3
    assert now.sum("tls_zone_handshake_failures_total") == now.sum("tls_handshake_failures_total") == 0
    assert now.sum("tls_zone_handshake_duration_seconds_count", zone="secure") == 3
    took = now.sum("tls_zone_handshake_duration_seconds_sum", zone="secure")
    assert 0 < took == pytest.approx(now.sum("tls_handshake_duration_seconds_sum"))
    assert now.sum("tls_zone_handshakes_total", zone="plain") == 0
    assert not any(("zone", "plain") in labels for name, labels in now.samples if name.startswith("ringx_tls_zone"))


@pytest.mark.parametrize("version", VERSIONS)
def test_resumed_sessions_count(serve_zones, version):
    server = serve_zones("return 200;")
    tls = context(version)
    with server.client(2, tls=tls) as client:
        client.get("/")
        session = client.socket.session
    with server.client(2, tls=tls, session=session) as client:
        client.get("/")
        assert client.socket.session_reused
    now = figures_with(server, "tls_zone_resumptions_total", 1, zone="secure")
    assert now.sum("tls_zone_resumptions_total", zone="secure") == now.sum("tls_resumptions_total") == 1
    assert now.sum("tls_zone_handshakes_total", zone="secure") == 2


def test_zones_with_tls_are_told_before_anybody_comes(serve_zones):
    now = figures(serve_zones())
    assert ("ringx_tls_zone_resumptions_total", frozenset({("zone", "secure")})) in now.samples
    assert now.sum("tls_zone_handshakes_total") == 0


def failures(server, reason):
    now = figures_with(server, "tls_zone_handshake_failures_total", 1, zone="secure")
    assert now.sum("tls_zone_handshake_failures_total", zone="secure", reason=reason) == 1
    assert now.sum("tls_zone_handshake_failures_total") == now.sum("tls_handshake_failures_total") == 1
    assert now.sum("tls_handshakes_total") == 0
    assert now.sum("tls_handshake_duration_seconds_count") == 0
    return True


def test_versions_nobody_has_in_common(serve_zones):
    server = serve_zones("ssl_protocols TLSv1.3;")
    fail(server, context("1.2"), "(?i)alert protocol version")
    assert failures(server, "no_common_protocol")


def test_ciphers_nobody_has_in_common(serve_zones):
    server = serve_zones("ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384;")
    tls = context("1.2")
    tls.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    fail(server, tls, "(?i)handshake failure")
    assert failures(server, "no_common_cipher")


def test_clients_that_do_not_like_our_certificate(serve_zones):
    server = serve_zones()
    tls = ssl.create_default_context(cadata=Authority("somebody else").pem)
    fail(server, tls, "(?i)certificate verify failed", sni="localhost")
    assert failures(server, "client_refused")


def test_handshakes_we_do_not_want(serve_zones):
    server = serve_zones("ssl_reject_handshake on;")
    fail(server, context(), "(?i)unrecognized name")
    assert failures(server, "refused")


@pytest.mark.parametrize("how", ["closed", "timed_out", "other"])
def test_clients_that_begin_a_handshake_only(serve_zones, how):
    server = serve_zones("client_header_timeout 100ms;" if how == "timed_out" else "",
                         http="client_header_timeout 100ms;" if how == "timed_out" else "")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with server.client(2) as client:
        client.send(outgoing.read())
        client.take(5)  # it has answered
        if how == "other":
            client.send(b"\x17\x03\x03\x00\x05hello")
        if how != "closed":
            client.take_all()
    assert failures(server, how)


def test_who_says_nothing_has_begun_no_handshake(serve_zones):
    server = serve_zones()
    server.client(2).close()
    server.client_that_sent(b"\x16\x03", 2).close()
    with server.client(2, tls=context()) as client:
        client.get("/")
    now = figures_with(server, "tls_handshakes_total", 1)
    assert now.sum("tls_handshake_failures_total") == 0


def test_handshakes_on_threads_count(serve_zones):
    server = serve_zones("ssl_async_threads on; return 200;")
    with server.client(2, tls=context()) as client:
        client.get("/")
    assert figures_with(server, "tls_zone_handshakes_total", 1, zone="secure")


def test_what_was_counted_of_handshakes_outlives_reloads(serve_zones):
    server = serve_zones("return 200;")
    with server.client(2, tls=context()) as client:
        client.get("/")
        figures_with(server, "tls_zone_handshakes_total", 1, zone="secure")
        server.reload()
    assert figures(server).sum("tls_zone_handshakes_total", zone="secure") == 1


def test_certificates_tell_when_they_end(serve_zones):
    soon, later = self_signed("soon", days=3), self_signed("later", days=300)
    server = serve_zones(
        "server_name b.test;",
        http=f"server {{ {LISTEN} server_name A.test; ssl_certificate soon.crt; ssl_certificate_key soon.key; }}"
             f"server {{ {LISTEN} server_name a.test; ssl_certificate soon.crt; ssl_certificate_key soon.key; }}",
        files={**pair("soon", soon), **pair("own", later)})
    now = figures(server)
    ends = {dict(labels)["server"]: (dict(labels)["file"], value) for (name, labels), value in now.samples.items()
            if name == "ringx_certificate_expiry_timestamp_seconds"}

    def end(issued):
        certificate = x509.load_pem_x509_certificate(issued.pem.encode())
        return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc).timestamp()

    assert ends == {"a.test": (server.path("conf/soon.crt"), end(soon)),
                    "b.test": (server.path("conf/own.crt"), end(later))}
    server.expect("expires on|conflicting server name")
