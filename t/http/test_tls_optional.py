"""`listen … ssl=optional`: TLS and plain HTTP on one address, told apart by what the client says first."""

import socket

import pytest

from harness.certificates import Authority, self_signed
from harness.tls import OWN, context, pair

BOTH = "listen 127.0.0.1:%PORT2% ssl=optional;"
SHOWN = "location /v { return 200 $scheme,$https; }"
FILES = pair("own", self_signed())


@pytest.fixture
def serve_both(serve):
    """Starts servers with that text in the http block, and one of plain HTTP on the first port."""
    def start(http, files=None):
        return serve(http=f"{http} server {{ listen 127.0.0.1:%PORT%; }}", files={**FILES, **(files or {})})
    return start


def test_both_are_served_and_know_what_they_are(serve_both):
    server = serve_both(f"server {{ {BOTH} {OWN} root html; {SHOWN} location /d {{ }} }}",
                        files={"html/d/a": "", "html/big": "0123456789" * 100000})
    for tls, said, scheme in ((None, "http,", "http"), (context(), "https,on", "https")):
        with server.client(2, tls=tls) as client:
            assert client.get("/v").text == said
            assert client.get("/big").text == "0123456789" * 100000
            assert client.get("/d", {"Host": "h"}).header("Location") == f"{scheme}://h:{server.port(2)}/d/"
            assert client.get("/v").text == said
            client.send("GET /v HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
            assert [client.read_response().text for _ in range(3)] == [said] * 3


def test_all_servers_of_the_address_do_as_one_of_them_says(serve_both):
    server = serve_both(f"server {{ {BOTH} server_name a; {OWN} {SHOWN} }}"
                        f"server {{ listen 127.0.0.1:%PORT2%; server_name b; {SHOWN} }}")
    for name in ("a", "b"):
        for tls, said in ((None, "http,"), (context(), "https,on")):
            with server.client(2, tls=tls, sni=name if tls else None) as client:
                assert client.get("/v", {"Host": name}).text == said


def test_a_request_that_comes_byte_by_byte(serve_both):
    server = serve_both(f"server {{ {BOTH} {OWN} {SHOWN} }}")
    with server.client(2) as client:
        for byte in "\r\nGET /v HTTP/1.1\r\nHost: a\r\n\r\n":
            client.send(byte)
        assert client.read_response().text == "http,"


def test_what_is_neither_is_a_bad_request(serve_both):
    server = serve_both(f"server {{ {BOTH} {OWN} }}")
    for said in (b"\x80\x2e\x01\x00\x02", b"\x15\x03\x01\x00\x02\x01\x00", b"\x00\r\n\r\n"):
        with server.client(2) as client:
            client.send(said)
            assert client.take_all().startswith(b"HTTP/1.1 400 ")
    with server.client_that_sent(b"\x16\x03\x01\x00\x02\x01\x00", number=2, finished=True) as client:
        assert not client.take_all().startswith(b"HTTP")


@pytest.mark.parametrize("how, status", [("on", 400), ("optional", 200), ("optional_no_ca", 200), ("off", 200)])
def test_who_must_show_a_certificate_has_to_come_over_tls(serve_both, how, status):
    server = serve_both(f"server {{ {BOTH} server_name open; {OWN} return 200 open; }}"
                        f"server {{ {BOTH} server_name asks; {OWN} ssl_verify_client {how};"
                        'ssl_client_certificate ca.crt; return 200 "asks $ssl_client_verify"; }',
                        files={"conf/ca.crt": Authority("ca").pem})
    with server.client(2) as client:
        assert client.get("/", {"Host": "open"}).text == "open"
        response = client.get("/", {"Host": "asks"})
        assert response.status == status
        if status == 200:
            assert response.text == "asks "
        else:
            assert "The plain HTTP request was sent to HTTPS port" in response.text and client.is_closed()


def test_a_server_without_certificates_that_wants_those_of_clients_refuses_plain_requests(serve_both):
    server = serve_both(f"server {{ {BOTH} {OWN} }} server {{ {BOTH} server_name asks; ssl_verify_client on;"
                        "return 200 secret; error_page 497 =301 https://$host$request_uri; }")
    with server.client(2) as client:
        response = client.get("/a?b", {"Host": "asks"})
        assert (response.status, response.header("Location")) == (301, "https://asks/a?b")


def test_a_proxy_header_comes_before_either(serve_both):
    server = serve_both(f"server {{ listen 127.0.0.1:%PORT2% ssl=optional proxy_protocol; {OWN}"
                        "return 200 $scheme,$proxy_protocol_addr; }")
    header, request = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", b"GET / HTTP/1.0\r\n\r\n"
    for secure, said in ((False, b"http,192.0.2.1"), (True, b"https,192.0.2.1")):
        for pieces in ([header], [header[:5], header[5:]], [bytes([byte]) for byte in header]):
            raw = socket.create_connection(("127.0.0.1", server.port(2)))
            for piece in pieces:
                raw.sendall(piece)
            with context().wrap_socket(raw) if secure else raw as client:
                client.sendall(request)
                with client.makefile("rb") as answer:
                    assert answer.read().endswith(said)
    with server.client(2) as client:
        client.send(header + request)
        assert client.take_all().endswith(b"http,192.0.2.1")


def test_who_says_nothing_is_not_waited_for(serve_both):
    server = serve_both(f"server {{ {BOTH} {OWN} client_header_timeout 500ms; }}")
    for said, why in ((b"", "client timed out .* while waiting for request"),
                      (b"\x16", "client timed out .* while SSL handshaking"),
                      (b"G", "client timed out .* while reading client request line")):
        with server.client_that_sent(said, number=2) as client:
            client.take_all()
        server.wait_for_log(why)


def test_a_reload_changes_what_an_address_accepts(serve_both):
    """Connections that were there go on; what they are is judged by what they are, not by the address."""
    server = serve_both(f"server {{ {BOTH} {OWN} {SHOWN} }}")
    text = server.read("conf/server.conf")
    with server.client(2) as plain, server.client(2, tls=context()) as secure:
        for words, of_plain in ((" ssl=optional", 200), ("", 200), (" ssl=optional", 200), (" ssl", 400)):
            server.write("conf/server.conf", text.replace(" ssl=optional", words))
            server.reload()
            assert secure.get("/v").text == "https,on"
            assert plain.get("/v").status == of_plain
        assert plain.is_closed()
