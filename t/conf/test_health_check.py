"""Lines about health checks. The nginx of these tests does not know them: where the sentences of the commercial one
are known they are these, and ours otherwise."""

import pytest

CONFIG = """events {{ }} http {{
upstream u {{ zone u 64k; server 127.0.0.1:1; }} upstream alone {{ server 127.0.0.1:1; }}
server {{ location / {{ proxy_pass http://u; {location} }} {server} }} {http} }}"""

ACCEPTED = [
    {"location": "health_check;"},
    {"location": "health_check interval=1s jitter=500ms fails=3 passes=2 uri=/a?b match=m port=81 type=http "
                 "keepalive_time=60s mandatory persistent;", "http": "match m { status 200; }"},
    {"location": "health_check type=tcp;"},
    {"server": "location /a { proxy_pass http://u; health_check uri=/a; } location /b { proxy_pass http://u; "
               "health_check uri=/b; location /b/c { proxy_pass http://u/; } }"},
    {"http": "match m { } match n { status 200; status ! 500; status 200 204; status ! 301-303 307; header A = b; "
             "header A != b; header A ~ b; header A !~ b; header A; header ! A; body ~ a; body !~ b; "
             "require $upstream_status $uri; }"},
]

PARAMETERS = [
    "interval=0", "interval=x", "interval", "jitter=x", "fails=0", "fails=x", "passes=0", "passes=-1", "uri=", "uri=a",
    '"uri=/a b"', "match=", "port=0", "port=65536", "port=x", "type=udp", "type=", "keepalive_time=x", "mandatory=1",
    "persistent", "what", "what=1", '""',
]

REFUSED = [
    *(({"location": f"health_check {parameter};"}, 'invalid parameter "{}"'.format(parameter.strip('"')))
      for parameter in PARAMETERS),
    ({"location": "health_check; health_check;"}, '"health_check" directive is duplicate'),
    ({"location": "health_check match=none;"}, 'match "none" not found'),
    *(({"location": f"health_check type=tcp {other};"},
       '"health_check" directive "type=tcp" is not compatible with "uri", "match" and "keepalive_time"')
      for other in ("uri=/a", "match=m", "keepalive_time=1s")),
    ({"server": "health_check;"}, '"health_check" directive is not allowed here'),
    ({"http": "health_check;"}, '"health_check" directive is not allowed here'),
    ({"server": "location /a { health_check; }"},
     '"health_check" directive stands in a location that passes nothing on'),
    ({"server": "location /a { empty_gif; health_check; }"},
     '"health_check" directive stands in a location that passes nothing on'),
    ({"server": "location /a { if ($uri) { proxy_pass http://u; } health_check; }"},
     '"health_check" directive stands in a location that passes nothing on'),
    ({"server": "location /a { proxy_pass http://$arg_a; health_check; }"},
     '"health_check" directive cannot be used with variables in the URL'),
    ({"server": "location /a { proxy_pass http://alone; health_check; }"},
     'upstream "alone" of "health_check" directive has no "zone"'),
    ({"server": "location /a { proxy_pass http://127.0.0.1:2; health_check; }"},
     'upstream "127.0.0.1" of "health_check" directive has no "zone"'),
    ({"server": "".join(f"location /{n} {{ proxy_pass http://u; health_check; }}" for n in range(33))},
     'more than 32 health checks of upstream "u"'),
    ({"server": "match m { }"}, '"match" directive is not allowed here'),
    ({"http": "match m { } match m { }"}, 'duplicate match "m"'),
    *(({"http": f"match m {{ {line} }}"}, sentence) for line, sentence in [
        ("what 1;", 'unknown directive "what"'),
        ("status 200 { }", 'unexpected "{"'),
        ("status;", 'invalid number of arguments in "status" directive'),
        ("status !;", 'invalid number of arguments in "status" directive'),
        ("status x;", 'invalid status "x"'),
        ("status 99;", 'invalid status "99"'),
        ("status 1000;", 'invalid status "1000"'),
        ("status 300-200;", 'invalid status "300-200"'),
        ("status 200-;", 'invalid status "200-"'),
        ("header;", 'invalid number of arguments in "header" directive'),
        ("header A b;", 'invalid number of arguments in "header" directive'),
        ("header A == b;", 'invalid parameter "=="'),
        ("header A= = b;", 'invalid header name "A="'),
        ("header A ~ (;", "pcre2_compile() failed: missing closing parenthesis"),
        ("body a;", 'invalid number of arguments in "body" directive'),
        ("body = a;", 'invalid parameter "="'),
        ("body ~ (;", "pcre2_compile() failed: missing closing parenthesis"),
        ("require;", 'invalid number of arguments in "require" directive'),
        ("require a;", 'invalid variable name "a"'),
        ("require $nonsense_;", 'unknown "nonsense_" variable'),
    ]),
]


def check(new_server, texts):
    config = CONFIG.format(**{"location": "", "server": "", "http": "", **texts})
    server = new_server(config=config)
    server.expect(r"\[emerg\]")
    return server.run("-t")


@pytest.mark.parametrize("texts", ACCEPTED)
def test_what_is_right_is_accepted_without_a_word(new_server, texts):
    done = check(new_server, texts)
    assert (done.returncode, [line for line in done.stderr.splitlines() if line.startswith("server: [")]) == (0, [])


@pytest.mark.parametrize("texts, sentence", REFUSED)
def test_what_is_wrong_is_refused(new_server, texts, sentence):
    done = check(new_server, texts)
    assert done.returncode == 1
    assert f"server: [emerg] {sentence}" in done.stderr
