"""`userid`: the cookie beside nginx's, with all that shapes it, and what is refused."""

import base64
import re
import struct
import time

import pytest

from harness.pairs import answers_of

USERID = """
server_tokens off;
userid_p3p 'policyref="/w3c/p3p.xml"';
server {
    listen 127.0.0.1:%PORT%;
    location / { return 200 "off [$uid_got][$uid_set]"; }
    location /log { userid log; return 200 "[$uid_got][$uid_set]"; }
    location /on { userid on; return 200 "[$uid_got][$uid_set]"; }
    location /v1 { userid v1; return 200 "[$uid_got][$uid_set]"; }
    location /served { userid on; userid_service 258; return 200 "[$uid_got][$uid_set]"; }
    location /served-v1 { userid v1; userid_service 258; return 200 "[$uid_got][$uid_set]"; }
    location /shaped { userid on; userid_name id; userid_domain example.com; userid_path /a; userid_expires max;
        userid_mark M; userid_p3p none; userid_flags samesite=lax secure httponly; return 200 "[$uid_got]"; }
    location /year { userid on; userid_expires 365d; return 200 "[$uid_got]"; }
    location /far { userid on; userid_expires 20y; return 200 "[$uid_got]"; }
    location /strict { userid on; userid_flags samesite=strict; return 200 x; }
    location /none { userid on; userid_flags off samesite=none; userid_mark =; return 404; }
    location /no-mark { userid on; userid_mark off; userid_expires off; userid_domain none; return 301 /; }
}
"""

GOOD = base64.b64encode(struct.pack("<4I", 1, 2, 3, 4)).decode()
MARKED = GOOD[:22] + "M="
COOKIES = [None, f"uid={GOOD}", f"uid={MARKED}", f"id={GOOD}", f"id={MARKED}", f"id={GOOD[:22]}N=", f"id={GOOD[:22]}",
           "uid=short", f"uid={'!' * 24}", f"a=b; uid={GOOD}; c=d", f"uid={GOOD}x; uid=x", "uid=" + "A" * 24,
           f"UID={GOOD}", "uid=", "uid"]
TARGETS = ["/", "/log", "/on", "/v1", "/served", "/served-v1", "/shaped", "/year", "/far", "/strict", "/none",
           "/no-mark"]


def without_ids(answer):
    """New ids differ from server to server; those the client sent are the same everywhere."""
    status, reason, fields, body = answer

    def hide(value):
        return re.sub(r"(?<==)[A-Za-z0-9+/]{22}(?=[M=N]=)", lambda m: m[0] if m[0] == GOOD[:22] else "ID", value)
    shown = "[A-Za-z]+=[0-9A-F]{32}"
    good = b"00000001000000020000000300000004"
    body = re.sub(shown.encode(), lambda m: m[0] if good in m[0] else b"ID", body)
    return status, reason, [(name, hide(value)) for name, value in fields], body


@pytest.mark.parametrize("target", TARGETS)
def test_cookies_are_those_of_nginx(beside_nginx, target):
    ports = beside_nginx(USERID, {})
    for cookie in COOKIES:
        headers = {} if cookie is None else {"Cookie": cookie}
        theirs, ours = map(without_ids, answers_of(ports, "GET", target, headers))
        assert ours == theirs, cookie


def ids_of(server, target, count):
    found = []
    for _ in range(count):
        cookie = server.get(target).header("Set-Cookie")
        found.append(base64.b64decode(re.match(r"\w+=([^;]+)", cookie)[1]))
    return found


def test_ids_differ_and_say_where_and_when(serve):
    server = serve("userid on; location /served { userid_service 258; } location /v1 { userid v1; }",
                   files={f"html/{name}": "x" for name in ("a", "served", "v1")})
    before = int(time.time())
    ids = ids_of(server, "/a", 20)
    assert len(set(ids)) == 20
    for each in ids:
        address, second, _, count = struct.unpack(">4I", each)
        assert address == 0x7f000001
        assert before - 1 <= second <= before + 60
        assert count & 0xff == 2 and count >= 0x03030302
    assert {struct.unpack(">4I", each)[0] for each in ids_of(server, "/served", 2)} == {258}
    for each in ids_of(server, "/v1", 2):
        service, second, _, count = struct.unpack("<4I", each)
        assert service == 0 and before - 1 <= second <= before + 60 and count & 0xff == 1


def test_a_variable_resets_ids(serve):
    server = serve(http="map $arg_reset $uid_reset { default $arg_reset; }",
                   server='userid on; location / { return 200 "[$uid_got][$uid_set]"; }')
    cookie = {"Cookie": f"uid={GOOD}"}
    for value in ("", "0"):
        assert server.get(f"/?reset={value}", cookie).header("Set-Cookie") is None
    answer = server.get("/?reset=log", cookie)
    assert GOOD not in answer.header("Set-Cookie")
    server.wait_for_log(r'\[notice\].*userid cookie "uid=00000001000000020000000300000004" was reset')


MISTAKES = [
    ("userid maybe;", 'invalid value "maybe"'),
    ("userid on; userid off;", '"userid" directive is duplicate in %CONF%:1'),
    ("userid;", 'invalid number of arguments in "userid" directive in %CONF%:1'),
    ("userid_mark xx;", '"userid_mark" directive value must be "off" or a single letter, digit or "=" in %CONF%:1'),
    ("userid_mark +;", '"userid_mark" directive value must be "off" or a single letter, digit or "=" in %CONF%:1'),
    ("userid_mark a; userid_mark b;", '"userid_mark" directive is duplicate in %CONF%:1'),
    ("userid_expires x;", '"userid_expires" directive invalid value in %CONF%:1'),
    ("userid_expires 1d; userid_expires max;", '"userid_expires" directive is duplicate in %CONF%:1'),
    ("userid_flags maybe;", 'invalid value "maybe" in "userid_flags" directive in %CONF%:1'),
    ("userid_flags a b c d;", 'invalid number of arguments in "userid_flags" directive in %CONF%:1'),
    ("userid_service x;", '"userid_service" directive invalid number in %CONF%:1'),
    ("userid_service -1;", '"userid_service" directive invalid number in %CONF%:1'),
    ("userid_domain a; userid_domain b;", '"userid_domain" directive is duplicate in %CONF%:1'),
    ("userid_path;", 'invalid number of arguments in "userid_path" directive in %CONF%:1'),
    ("userid_name a b;", 'invalid number of arguments in "userid_name" directive in %CONF%:1'),
    ("userid_p3p a; userid_p3p b;", '"userid_p3p" directive is duplicate in %CONF%:1'),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[config for config, _ in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(f"http {{ {config} }}")


@pytest.mark.parametrize("name", ["userid", "userid_domain", "userid_expires", "userid_flags", "userid_mark",
                                  "userid_name", "userid_p3p", "userid_path", "userid_service"])
def test_it_stands_in_http_blocks_only(refusal_of, name):
    assert f'"{name}" directive is not allowed here in %CONF%:1' in refusal_of(f"{name} x;")
