"""`allow` and `deny`, and what `satisfy` makes of them: who may come in, by address."""

import pytest

RULES = [
    ("deny all;", 403), ("allow all;", 200), ("", 200), ("deny 127.0.0.1;", 403), ("deny 127.0.0.2;", 200),
    ("allow 127.0.0.1; deny all;", 200), ("deny all; allow 127.0.0.1;", 403), ("deny 127.0.0.0/8;", 403),
    ("deny 127.0.0.0/31;", 403), ("deny 127.0.0.2/31;", 200), ("deny 0.0.0.0/0;", 403), ("deny ::1;", 200),
    ("deny ::/0;", 200), ("deny unix:;", 200), ("deny 127.0.0.1/32; allow all;", 403),
    ("allow 10.0.0.0/8; allow 192.168.0.0/16; deny all;", 403), ("deny 126.0.0.0/7;", 403),
]


@pytest.mark.parametrize("rules, status", RULES, ids=[rules or "none" for rules, _ in RULES])
def test_the_first_rule_that_fits_decides(serve, rules, status):
    server = serve(f"location / {{ {rules} }}")
    assert server.get("/").status == status
    if status == 403:
        server.wait_for_log(r"\[error\] .* access forbidden by rule, client: 127.0.0.1, server: localhost, "
                            r'request: "GET / HTTP/1.1", host: "localhost"')


def test_rules_are_inherited_as_a_whole(serve):
    server = serve("deny all; location /inherits { } location /open { allow all; } "
                   "location /own { allow 127.0.0.1; location /own/deeper { } }",
                   files={"html/open": "", "html/own/deeper": "", "html/inherits": ""})
    assert [server.get(path).status for path in ("/", "/inherits", "/open", "/own/deeper")] == [403, 403, 200, 200]


def test_rules_speak_of_paths(new_server):
    server = new_server(http="server { listen %PORT%; listen unix:%PREFIX%/socket; root html; "
                             "location / { allow unix:; deny all; } location /no { deny unix:; } }").start()
    assert server.get("/").status == 403
    with server.client(unix=server.path("socket")) as client:
        assert client.get("/").status == 200
        assert client.get("/no").status == 403


@pytest.mark.parametrize("rules, status", [
    ("allow 127.0.0.0/8; deny all;", 200), ("deny ::ffff:127.0.0.1;", 403), ("deny 127.0.0.1;", 403),
    ("allow ::/0; deny all;", 403), ("allow ::/0; deny 1.2.3.4;", 200), ("deny ::/0;", 403),
])
def test_an_ipv4_client_of_an_ipv6_socket_is_judged_by_ipv4_rules(new_server, rules, status):
    server = new_server(http=f"server {{ listen [::]:%PORT% ipv6only=off; root html; {rules} }}").start()
    assert server.get("/").status == status


def test_ipv6_rules(new_server):
    server = new_server(http="server { listen [::1]:%PORT%; root html; location / { deny ::/64; } "
                             "location /in { allow ::1; deny all; } location /out { allow ::2; deny all; } }",
                        files={"html/in": ""}).start()
    with server.client(host="::1") as client:
        assert [client.get(path).status for path in ("/", "/in", "/out")] == [403, 200, 403]


def test_return_comes_before_access(serve):
    assert serve("location / { deny all; return 200 text; }").get("/").text == "text"


def test_the_page_of_a_refusal_is_refused_too(serve):
    server = serve("error_page 403 /page.html; deny all; location = /page.html { allow all; } "
                   "location /own { error_page 403 /own/page; }", files={"html/page.html": "sorry"})
    answer = server.get("/")
    assert (answer.status, answer.text) == (403, "sorry")
    assert "<h1>403 Forbidden</h1>" in server.get("/own/x").text


def test_who_is_refused_by_any_is_told_once(serve):
    server = serve("satisfy any; deny all;")
    assert server.get("/").status == 403
    server.wait_for_log("access forbidden by rule")
    assert server.error_log.count("access forbidden") == 1


def test_limit_except_has_rules_of_its_own(serve):
    server = serve("location / { limit_except GET { deny all; } }"
                   "location /own { deny all; limit_except GET { allow all; } }", files={"html/own": ""})
    assert [server.request(method, "/").status for method in ("GET", "HEAD", "POST", "DELETE")] == [200, 200, 403, 403]
    assert server.get("/own").status == 403
    assert server.request("POST", "/own").status == 405  # let in, and then nobody serves it


MISTAKES = [
    ("allow;", 'invalid number of arguments in "allow" directive'),
    ("deny a b;", 'invalid number of arguments in "deny" directive'),
    ("deny localhost;", 'invalid parameter "localhost"'),
    ("deny 1.2.3;", 'invalid parameter "1.2.3"'),
    ("deny 1.2.3.4/33;", 'invalid parameter "1.2.3.4/33"'),
    ("allow ::1/129;", 'invalid parameter "::1/129"'),
    ("allow 1.2.3.4/x;", 'invalid parameter "1.2.3.4/x"'),
    ("allow 1.2.3.4/;", 'invalid parameter "1.2.3.4/"'),
    ("allow 1.2.3.4:80;", 'invalid parameter "1.2.3.4:80"'),
    ("allow ALL;", 'invalid parameter "ALL"'),
    ("satisfy none;", 'invalid value "none" in "satisfy" directive'),
    ("satisfy any all;", 'invalid number of arguments in "satisfy" directive'),
    ("satisfy any; satisfy any;", '"satisfy" directive is duplicate'),
    ("auth_delay x;", '"auth_delay" directive invalid value'),
    ("auth_delay 1s; auth_delay 1s;", '"auth_delay" directive is duplicate'),
]


@pytest.mark.parametrize("text, sentence", MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(new_server, text, sentence):
    server = new_server(server=f"location / {{ {text} }}")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert f"[emerg] {sentence} in " in done.stderr


@pytest.mark.parametrize("text", ["allow all;", "deny all;", "satisfy any;", "auth_delay 1s;"])
def test_they_stand_in_http_server_and_location_only(new_server, text):
    name = text.split()[0]
    for main, events in ((text, ""), ("", text)):
        server = new_server(main=main, events=events)
        server.expect(r"\[emerg\]")
        assert f'"{name}" directive is not allowed here' in server.run("-t").stderr
    assert new_server(http=text, server=f"location / {{ {text} }}").run("-t").returncode == 0


def test_bits_behind_the_prefix_are_warned_of(new_server):
    server = new_server(server="allow 10.0.0.1/8;")
    done = server.run("-t")
    assert done.returncode == 0
    assert "[warn] low address bits of 10.0.0.1/8 are meaningless in " in done.stderr
