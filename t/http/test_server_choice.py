"""Which server answers: by address first, then by name (reference: nginx, "How nginx processes a request")."""

import pytest

ORDER = """
    server { listen 127.0.0.1:%PORT%; server_name first; return 200 default; }
    server { listen 127.0.0.1:%PORT%; server_name exact.example.com; return 200 exact; }
    server { listen 127.0.0.1:%PORT%; server_name *.example.com; return 200 suffix; }
    server { listen 127.0.0.1:%PORT%; server_name *.deep.example.com; return 200 deep; }
    server { listen 127.0.0.1:%PORT%; server_name www.*; return 200 prefix; }
    server { listen 127.0.0.1:%PORT%; server_name www.a.*; return 200 longer; }
    server { listen 127.0.0.1:%PORT%; server_name .both.org; return 200 both; }
    server { listen 127.0.0.1:%PORT%; server_name ~^r\\d+\\.org$; return 200 regex; }
    server { listen 127.0.0.1:%PORT%; server_name "~^(?<word>[a-z]+)\\.org$"; return 200 named-$word-$1; }
    server { listen 127.0.0.1:%PORT%; server_name ~^R.*\\.NET$; return 200 capitals; }
    server { listen 127.0.0.1:%PORT%; server_name several.info alias.info *.wild.info ~^re\\.info$;
             return 200 $server_name; }
"""

NAMES = [
    ("first", "default"),
    ("unknown", "default"),
    ("exact.example.com", "exact"),
    ("EXACT.example.COM", "exact"),
    ("exact.example.com.", "exact"),
    ("exact.example.com:8080", "exact"),
    ("exact.example.com.:8080", "exact"),
    ("a.example.com", "suffix"),
    ("a.b.example.com", "suffix"),
    ("example.com", "default"),
    ("deep.example.com", "suffix"),
    ("a.deep.example.com", "deep"),
    ("a.b.deep.example.com", "deep"),
    ("www.example.com", "suffix"),
    ("www.other.net", "prefix"),
    ("www.a.b", "longer"),
    ("www.ab", "prefix"),
    ("www", "default"),
    ("both.org", "both"),
    ("a.both.org", "both"),
    ("r1.org", "regex"),
    ("name.org", "named-name-name"),
    ("rx.net", "capitals"),
    ("several.info", "several.info"),
    ("alias.info", "several.info"),
    ("x.wild.info", "several.info"),
    ("re.info", "several.info"),
]


def asked(server, host, **how):
    return server.get("/", {"Host": host}, **how).text


def test_names_are_looked_for_in_order(serve):
    server = serve(http=ORDER)
    assert {host: asked(server, host) for host, _ in NAMES} == dict(NAMES)


def test_the_server_may_change_from_request_to_request(serve):
    server = serve(http=ORDER)
    with server.client() as client:
        client.send("".join(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n" for host, _ in NAMES))
        assert [client.read_response().text for _ in NAMES] == [answer for _, answer in NAMES]


def test_the_first_server_is_the_default(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT%; server_name b; return 200 b; }""")
    assert asked(server, "unknown") == "a"


def test_default_server_names_another(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT% default_server; server_name b; return 200 b; }""")
    assert asked(server, "unknown") == "b"


def test_default_server_is_a_property_of_the_address(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; listen 127.0.0.1:%PORT2% default_server; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT% default_server; listen 127.0.0.1:%PORT2%; server_name b; return 200 b; }""")
    with server.client(1) as client:
        assert client.get("/", {"Host": "unknown"}).text == "b"
    with server.client(2) as client:
        assert client.get("/", {"Host": "unknown"}).text == "a"


def test_an_address_beats_a_name(serve):
    server = serve(http="""
        server { listen %PORT%; server_name a; return 200 wildcard; }
        server { listen 127.0.0.1:%PORT%; server_name b; return 200 address; }""")
    assert asked(server, "a") == "address"
    with server.client(host="127.0.0.2") as client:
        assert client.get("/", {"Host": "b"}).text == "wildcard"


def test_a_request_without_a_host_goes_to_the_empty_name(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT%; server_name ""; return 200 empty; }""")
    assert server.get("/", version="1.0").text == "empty"
    assert asked(server, "unknown") == "a"


def test_a_request_without_a_host_goes_to_the_default(serve):
    server = serve(http=ORDER)
    assert server.get("/", version="1.0").text == "default"
    assert asked(server, "exact.example.com", version="1.0") == "exact"


def test_absolute_form_rules_over_host(serve):
    server = serve(http=ORDER)
    assert server.get("http://exact.example.com/", {"Host": "a.example.com"}).text == "exact"
    assert server.get("http://EXACT.example.com:80", {"Host": "a.example.com"}).text == "exact"


def test_the_variable_host_is_the_name_that_was_asked_for(serve):
    server = serve("return 200 $host;")
    assert asked(server, "Example.COM:8080") == "example.com"
    assert server.get("http://Target/", {"Host": "field"}).text == "target"
    assert server.get("/", version="1.0").text == "localhost"


def test_an_underscore_is_just_a_name(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name a; return 200 a; }
        server { listen 127.0.0.1:%PORT%; server_name _; return 200 underscore; }""")
    assert asked(server, "unknown") == "a"
    assert asked(server, "_") == "underscore"


def test_the_first_of_equal_names_wins_with_a_warning(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; server_name same; return 200 one; }
        server { listen 127.0.0.1:%PORT%; server_name same; return 200 two; }""")
    assert asked(server, "same") == "one"
    assert f'[warn] conflicting server name "same" on 127.0.0.1:{server.port()}, ignored' in server.stderr


def test_an_ipv6_address_may_be_a_name(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; return 200 default; }
        server { listen 127.0.0.1:%PORT%; server_name [::1]; return 200 six; }""")
    assert asked(server, "[::1]:80") == "six"


def test_a_unix_socket_has_servers_too(serve):
    server = serve(http="""
        server { listen 127.0.0.1:%PORT%; return 200 tcp; }
        server { listen unix:%PREFIX%/http.sock; server_name a; return 200 a; }
        server { listen unix:%PREFIX%/http.sock; server_name b; return 200 b; }""")
    with server.client(unix=server.path("http.sock")) as client:
        assert client.get("/", {"Host": "unknown"}).text == "a"
        assert client.get("/", {"Host": "b"}).text == "b"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families_may_be_listened_on(serve, host):
    server = serve(http="server { listen %PORT%; listen [::]:%PORT%; return 200 $server_addr; }")
    with server.client(host=host) as client:
        assert client.get("/").text == host
