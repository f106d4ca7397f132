"""The client's address as a trusted proxy tells it: in a field, or by the PROXY protocol."""

import re

import pytest

SHOW = 'return 200 "$remote_addr|$remote_port|$realip_remote_addr|$proxy_protocol_addr";'


def client_of(server, headers=(), target="/"):
    return server.get(target, headers).text.split("|")[0]


@pytest.mark.parametrize("settings, headers, client", [
    ("", {"X-Real-IP": "1.2.3.4"}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "1.2.3.4"}, "1.2.3.4"),
    ("set_real_ip_from 127.0.0.1;", {}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "nonsense"}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "1.2.3.4.5"}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "80"}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "unix:/x"}, "127.0.0.1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "2001:db8::1"}, "2001:db8::1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "[2001:db8::1]:99"}, "2001:db8::1"),
    ("set_real_ip_from 127.0.0.1;", {"X-Real-IP": "1.2.3.4:99"}, "1.2.3.4"),
    ("set_real_ip_from 10.0.0.0/8;", {"X-Real-IP": "1.2.3.4"}, "127.0.0.1"),
    ("set_real_ip_from 10.0.0.0/8; set_real_ip_from 127.0.0.0/8;", {"X-Real-IP": "1.2.3.4"}, "1.2.3.4"),
    ("set_real_ip_from localhost;", {"X-Real-IP": "1.2.3.4"}, "1.2.3.4"),
    ("set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;", {"X-Forwarded-For": "1.1.1.1, 2.2.2.2"},
     "2.2.2.2"),
    ("set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;",
     [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2")], "2.2.2.2"),
    ("set_real_ip_from 127.0.0.1; set_real_ip_from 2.2.2.2; real_ip_header X-Forwarded-For; real_ip_recursive on;",
     {"X-Forwarded-For": "0.0.0.1, 1.1.1.1, 2.2.2.2"}, "1.1.1.1"),
    ("set_real_ip_from 127.0.0.1; set_real_ip_from 2.2.2.2; real_ip_header X-Forwarded-For; real_ip_recursive on;",
     [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "2.2.2.2,")], "1.1.1.1"),
    ("set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; real_ip_recursive on;",
     {"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}, "1.1.1.1"),
    ("set_real_ip_from 0.0.0.0/0; real_ip_header X-Forwarded-For; real_ip_recursive on;",
     {"X-Forwarded-For": "1.1.1.1, nonsense, 2.2.2.2"}, "2.2.2.2"),
    ("set_real_ip_from 127.0.0.1; real_ip_header Client;", {"client": "1.2.3.4"}, "1.2.3.4"),
])
def test_whose_word_is_taken(serve, settings, headers, client):
    assert client_of(serve(f"{settings} location / {{ {SHOW} }}"), headers) == client


def test_everything_asks_for_the_new_address(serve):
    server = serve("set_real_ip_from 127.0.0.1; location / { deny 1.2.3.4; }"
                   'location /show { return 200 "$remote_addr $remote_port $realip_remote_addr $realip_remote_port"; }')
    assert server.get("/", {"X-Real-IP": "1.2.3.4"}).status == 403
    assert server.get("/", {"X-Real-IP": "1.2.3.5"}).status == 200
    server.wait_for_log(r"access forbidden by rule, client: 1\.2\.3\.4, server: localhost")
    server.wait_for_log(r"^1\.2\.3\.5 - - ", name="logs/access.log")
    with server.client() as client:
        port = client.socket.getsockname()[1]
        assert client.get("/show", {"X-Real-IP": "1.2.3.4:99"}).text == f"1.2.3.4 99 127.0.0.1 {port}"
        assert client.get("/show", {"X-Real-IP": "1.2.3.4"}).text == f"1.2.3.4  127.0.0.1 {port}"
        assert client.get("/show").text == f"127.0.0.1 {port} 127.0.0.1 {port}"


def test_a_location_may_trust_others_than_its_server(serve):
    server = serve("location / { set_real_ip_from 127.0.0.1; deny 1.2.3.4; } location /not { deny 1.2.3.4; }",
                   files={"html/not": ""})
    assert server.get("/", {"X-Real-IP": "1.2.3.4"}).status == 403
    assert server.get("/not", {"X-Real-IP": "1.2.3.4"}).status == 200


def test_paths_can_be_trusted(new_server):
    server = new_server(http="server { listen unix:%PREFIX%/socket; set_real_ip_from unix:; " + SHOW + " }").start()
    with server.client(unix=server.path("socket")) as client:
        assert client.get("/", {"X-Real-IP": "1.2.3.4"}).text == "1.2.3.4||unix:|"
        assert client.get("/").text == "unix:||unix:|"


# --- the PROXY protocol

PROXY = ("server { listen 127.0.0.1:%PORT% proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; "
         "client_header_timeout 30s; "
         'return 200 "$remote_addr $remote_port $proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr '
         '$proxy_protocol_server_port $pipe"; location /tlv { } } ')
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def version_2(rest, first=0x21, family=0x11, size=None):
    return SIGNATURE + bytes([first, family]) + (len(rest) if size is None else size).to_bytes(2, "big") + rest


IPV4 = bytes([1, 2, 3, 4, 5, 6, 7, 8, 0, 100, 0, 200])
IPV6 = bytes(15) + b"\1" + bytes(15) + b"\2" + bytes([0, 100, 0, 200])


@pytest.fixture
def behind_proxy(new_server):
    return new_server(http=PROXY).start()


@pytest.mark.parametrize("header, text", [
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 100 200\r\n", "1.2.3.4 100 1.2.3.4 100 5.6.7.8 200 ."),
    (b"PROXY TCP6 ::1 ::2 100 200\r\n", "::1 100 ::1 100 ::2 200 ."),
    (version_2(IPV4), "1.2.3.4 100 1.2.3.4 100 5.6.7.8 200 ."),
    (version_2(IPV6, family=0x21), "::1 100 ::1 100 ::2 200 ."),
    (version_2(IPV4 + b"\x01\0\x02h2"), "1.2.3.4 100 1.2.3.4 100 5.6.7.8 200 ."),
    (b"PROXY UNKNOWN\r\n", None), (b"PROXY UNKNOWN whatever it is\r\n", None), (version_2(b"", first=0x20), None),
    (version_2(IPV4, family=0x12), None), (version_2(bytes(216), family=0x31), None),
])
def test_a_header_tells_who_the_client_is(behind_proxy, header, text):
    with behind_proxy.client() as client:
        client.send(header + REQUEST)
        expected = text or f"127.0.0.1 {client.socket.getsockname()[1]}     ."
        assert client.read_response().text == expected
        client.send(REQUEST)
        assert client.read_response().text == expected


def test_a_header_may_come_in_pieces(behind_proxy):
    for header in (b"PROXY TCP4 1.2.3.4 5.6.7.8 100 200\r\n", version_2(IPV4)):
        with behind_proxy.client() as client:
            for byte in header + REQUEST:
                client.send(bytes([byte]))
            assert client.read_response().text.startswith("1.2.3.4 100 ")


@pytest.mark.parametrize("header, sentence", [
    (REQUEST, 'broken header: "GET / HTTP/1.1"'),
    (b"PROXY TCP5 1.2.3.4 5.6.7.8 100 200\r\n", 'broken header: "PROXY TCP5 1.2.3.4 5.6.7.8 100 200"'),
    (b"PROXY TCP4 1.2.3.x 5.6.7.8 100 200\r\n", 'broken header: "PROXY TCP4 1.2.3.x 5.6.7.8 100 200"'),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 100 99999\r\n", 'broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 100 99999"'),
    (b"PROXY TCP4 1.2.3.4 5.6.7.8 100 200\n", 'broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 100 200"'),
    (b"PROXY UNKNOWN" + b"x" * 100, 'broken header: "PROXY UNKNOWNxxxx'),
    (version_2(IPV4, first=0x31), "unknown PROXY protocol version: 3"),
    (version_2(IPV4, size=5000), "header is too large"),
    (version_2(IPV4[:-1]), "header is too short"),
])
def test_a_broken_header_ends_the_connection(behind_proxy, header, sentence):
    with behind_proxy.client() as client:
        client.send(header)
        assert client.take_all() == b""
    behind_proxy.wait_for_log(r"\[error\] .* " + re.escape(sentence) + r'.* while reading PROXY protocol, '
                              rf"client: 127\.0\.0\.1, server: 127\.0\.0\.1:{behind_proxy.port()}")


def test_the_wait_for_a_header_is_bounded(new_server):
    server = new_server(http=PROXY.replace("30s", "300ms")).start()
    with server.client() as client:
        client.send(b"PROXY TCP4 1.2.3.4 ")
        assert client.take_all() == b""


def test_a_client_may_leave_instead(behind_proxy):
    with behind_proxy.client() as client:
        client.send(b"PROXY TCP4")
    with behind_proxy.client() as client:
        client.send(b"PROXY UNKNOWN\r\n" + REQUEST)
        assert client.read_response().status == 200


def test_tlvs_are_variables(new_server):
    server = new_server(http=PROXY.replace("location /tlv { }", 'location / { return 200 x; }').replace(
        "return 200 \"", 'return 200 "$proxy_protocol_tlv_alpn|$proxy_protocol_tlv_authority|$proxy_protocol_tlv_0x05|'
        "$proxy_protocol_tlv_ssl_version|$proxy_protocol_tlv_ssl_cn|$proxy_protocol_tlv_ssl_verify|"
        "$proxy_protocol_tlv_ssl_0x23|$proxy_protocol_tlv_netns|$proxy_protocol_tlv_nonsense|", 1))
    server.start()

    def tlv(kind, value):
        return bytes([kind]) + len(value).to_bytes(2, "big") + value

    ssl = b"\1\0\0\0\7" + tlv(0x21, b"TLSv1.3") + tlv(0x22, b"name") + tlv(0x23, b"cipher")
    tlvs = tlv(1, b"h2") + tlv(2, b"example.com") + tlv(5, b"id") + tlv(0x20, ssl)
    with server.client() as client:
        client.send(version_2(IPV4 + tlvs) + REQUEST)
        assert client.read_response().text.startswith("h2|example.com|id|TLSv1.3|name|7|cipher|||1.2.3.4 ")
    with server.client() as client:
        client.send(version_2(IPV4 + tlvs[:-1]) + REQUEST)
        assert client.read_response().text.startswith("h2|example.com|id||||||")


MISTAKES = [
    ("set_real_ip_from;", 'invalid number of arguments in "set_real_ip_from" directive'),
    ("set_real_ip_from nohost.invalid;", 'host not found in set_real_ip_from "nohost.invalid"'),
    ("set_real_ip_from 10.0.0.0/33;", 'host not found in set_real_ip_from "10.0.0.0/33"'),
    ("set_real_ip_from 1.2.3.4:80;", 'host not found in set_real_ip_from "1.2.3.4:80"'),
    ("set_real_ip_from [::1];", 'host not found in set_real_ip_from "[::1]"'),
    ("real_ip_header;", 'invalid number of arguments in "real_ip_header" directive'),
    ("real_ip_header a b;", 'invalid number of arguments in "real_ip_header" directive'),
    ("real_ip_header a; real_ip_header b;", '"real_ip_header" directive is duplicate'),
    ("real_ip_recursive x;", 'invalid value "x" in "real_ip_recursive" directive, it must be "on" or "off"'),
]


@pytest.mark.parametrize("text, sentence", MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(refuses, text, sentence):
    refuses(sentence, server=text)


@pytest.mark.parametrize("text", ["set_real_ip_from ::1;", "real_ip_header a;", "real_ip_recursive on;"])
def test_they_stand_in_http_server_and_location_only(stands_only_in, text):
    stands_only_in(text, "http server location")
