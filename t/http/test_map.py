"""`map` and `split_clients`: what they find, beside nginx, and what they refuse."""

import pytest

from harness.pairs import compare

MAPS = r"""
server_tokens off;
map_hash_max_size 4096;
map_hash_bucket_size 128;
map $arg_a $plain { default other; one 1; TWO 2; "three words" 3; \default literal; \~x tilde; "" nothing;
    ~^re(?<rest>.*)$ "re[$rest]"; ~*^RI "caseless"; ~(.)(.)$ "last $2$1"; long 0123456789; }
map $arg_a $no_default { one 1; }
map $arg_a $to_variable { default $uri; one $plain; two $arg_b; three "$arg_b-$arg_c"; }
map "$arg_a:$arg_b" $joined { x:y both; ~^x: first; }
map $arg_h $host_class {
    hostnames;
    default none;
    example.com exact;
    *.example.com below;
    .example.org org;
    www.example.* tail;
    *.com com;
    mail.* mail;
    *.sub.example.com deeper;
    ~^r regex;
}
map $arg_h $late_hostnames { default none; *.early.com early; hostnames; *.late.com late; }
map $arg_n $counted { volatile; default "$arg_n"; }
map $kept_input $kept { default "$arg_n $uri"; }
map $arg_n $kept_input { default x; }
map $cycle_b $cycle_a { default a; "" none; }
map $cycle_a $cycle_b { default b; "" none; }
map $arg_a $captures { ~^(.)(.*)$ "$2$1"; }
map $uri $included { include maps/part.map; default rest; }
split_clients "${arg_a}salt" $share { 0.5% tiny; 20% fifth; 30.25% third; * rest; }
split_clients $arg_a $half { 50% half; }
server {
    listen 127.0.0.1:%PORT%;
    server_name maps;
    location / {
        return 200 "$plain|$no_default|$to_variable|$joined|$included|$share|$half|$captures $1 $2|$rest";
    }
    location /hosts { return 200 "$host_class|$late_hostnames"; }
    location /kept { return 200 "$kept $counted"; error_page 404 /kept/again; }
    location /kept/missing { root html; error_page 404 /kept/again; }
    location /cycle { return 200 "[$cycle_a]"; }
    location ~ ^/re/(.+)$ { return 200 "$plain $1"; }
}
"""

FILES = {"conf/maps/part.map": "/inc included;\n~^/inc/(.*) \"below $1\";\n", "html/index.html": "index"}


def test_maps_find_what_nginx_finds(beside_nginx):
    ports = beside_nginx(MAPS, FILES)
    values = ["", "one", "ONE", "two", "Two", "three%20words", "three", "default", "~x", "reX", "re", "RIx", "rix",
              "ab", "x", "long", "unknown", "a" * 300, "%", "1", "0", "\xe9\xe8"]
    requests = ["/", "/inc", "/INC", "/inc/x", "/cycle"]
    requests += [f"/p?a={a}&b={b}&c=cc" for a in values for b in ("", "y")]
    requests += [f"/re/{a}?a={a}" for a in values if a]
    requests += [f"/?a=x&b={b}" for b in "yz"]
    compare(ports, requests)


def test_host_names_are_found_as_nginx_finds_them(beside_nginx):
    hosts = ["example.com", "EXAMPLE.com", "example.com.", "a.example.com", "a.b.example.com", "x.sub.example.com",
             "sub.example.com", "example.org", "a.example.org", "www.example.net", "www.example.com", "www.example",
             "www.example.", "other.com", "com", ".com", "mail.x.y", "mail", "mail.example.com", "rrr", "", ".", "..",
             "*.example.com", "x.early.com", "*.early.com", "x.late.com", "late.com", "a..example.com"]
    compare(beside_nginx(MAPS, FILES), [f"/hosts?h={host}" for host in hosts])


def test_what_was_found_stays_unless_the_map_is_volatile(beside_nginx):
    compare(beside_nginx(MAPS, FILES), ["/kept?n=1", "/kept/missing?n=2", "/kept/missing?n=2&x"])


def test_many_clients_are_split_as_nginx_splits_them(beside_nginx):
    ports = beside_nginx(MAPS, FILES)
    compare(ports, [f"/?a=client{number}" for number in range(300)])


def test_a_text_is_put_together_in_one_pass(serve):
    """nginx evaluates it twice, for the length and for the copy: there the first `$1` is what the map captured."""
    server = serve(http='map $uri $part { ~.*/(.*)$ part; }',
                   server='location ~ ^/(.+)$ { return 200 "$1 $part $1"; }')
    assert server.get("/a/b").text == "a/b part b"


def test_a_cycle_is_logged(serve):
    server = serve(http="map $b $a { default $b; } map $a $b { default $a; }", server='return 200 "[$a]";')
    assert server.get("/").text == "[]"
    server.wait_for_log(r'cycle while evaluating variable "[ab]"')


# --- what is refused

MISTAKES = [
    ("http { map $a $b; }", 'directive "map" has no opening "{" in %CONF%:1'),
    ("http { map $uri { } }", 'invalid number of arguments in "map" directive in %CONF%:1'),
    ("http { map $uri $b c { } }", 'invalid number of arguments in "map" directive in %CONF%:1'),
    ("http { server { map $uri $b { } } }", '"map" directive is not allowed here in %CONF%:1'),
    ("http { map $uri b { } }", 'invalid variable name "b" in %CONF%:1'),
    ("http { map $uri $ { } }", 'invalid variable name "$" in %CONF%:1'),
    ("http { map $ $b { } }", "invalid variable name in %CONF%:1"),
    ("http { map $uri $b { a; } }", "invalid number of the map parameters in %CONF%:1"),
    ("http { map $uri $b { a b c; } }", "invalid number of the map parameters in %CONF%:1"),
    ("http { map $uri $b { default a; default b; } }", "duplicate default map parameter in %CONF%:1"),
    ("http { map $uri $b { a 1; A 2; } }", 'conflicting parameter "A" in %CONF%:1'),
    ("http { map $uri $b { hostnames; *.a 1; .a 2; } }", 'conflicting parameter ".a" in %CONF%:1'),
    ("http { map $uri $b { hostnames; .a 1; a 2; } }", 'conflicting parameter "a" in %CONF%:1'),
    ("http { map $uri $b { hostnames; a.*.b 1; } }", 'invalid hostname or wildcard "a.*.b" in %CONF%:1'),
    ("http { map $uri $b { hostnames; a..b 1; } }", 'invalid hostname or wildcard "a..b" in %CONF%:1'),
    ("http { map $uri $b { ~( 1; } }", 'pcre2_compile() failed: missing closing parenthesis in "("'),
    ("http { map $uri $uri { } }", 'the duplicate "uri" variable in %CONF%:1'),
    ("http { map $uri $b { a { } } }", 'unexpected "{" in %CONF%:1'),
    ("http { map $uri $b { a $nowhere; } }", 'unknown "nowhere" variable'),
    ("http { map_hash_max_size many; }", '"map_hash_max_size" directive invalid number in %CONF%:1'),
    ("http { server { map_hash_bucket_size 64; } }", '"map_hash_bucket_size" directive is not allowed here'),
    ("http { map_hash_bucket_size; }", 'invalid number of arguments in "map_hash_bucket_size" directive'),
    ("http { split_clients $uri b { } }", 'invalid variable name "b" in %CONF%:1'),
    ("http { split_clients $uri { } }", 'invalid number of arguments in "split_clients" directive in %CONF%:1'),
    ("http { server { split_clients $uri $b { } } }", '"split_clients" directive is not allowed here in %CONF%:1'),
    ("http { split_clients $uri $b { 10 a; } }", 'invalid percent value "10" in %CONF%:1'),
    ("http { split_clients $uri $b { 0% a; } }", 'invalid percent value "0%" in %CONF%:1'),
    ("http { split_clients $uri $b { 1.234% a; } }", 'invalid percent value "1.234%" in %CONF%:1'),
    ("http { split_clients $uri $b { x% a; } }", 'invalid percent value "x%" in %CONF%:1'),
    ("http { split_clients $uri $b { 60% a; 50% b; } }", "percent total is greater than 100% in %CONF%:1"),
    ("http { split_clients $uri $b { * a; 50% b; } }", "percent total is greater than 100% in %CONF%:1"),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[config[7:50] for config, _ in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(config)
