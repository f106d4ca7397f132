"""`geo`: networks, ranges, proxies and addresses in variables, beside nginx, and what it refuses."""

import pytest

from harness.pairs import compare

GEO = """
server_tokens off;
geo $arg_ip $network {
    default none;
    10.0.0.0/8 ten;
    10.1.0.0/16 ten-one;
    10.1.2.3 host;
    10.2.0.0/16 gone;
    delete 10.2.0.0/16;
    192.168.0.0/16 local;
    255.255.255.255 broadcast;
    2001:db8::/32 doc;
    2001:db8:1::/48 doc-one;
    ::1 loopback;
    10.3.0.0/16 old;
    10.3.0.0/16 new;
    include geo/a.geo;
}
geo $arg_ip $no_default { 10.0.0.0/8 ten; }
geo $arg_ip $everything { 0.0.0.0/0 four; ::/0 six; }
geo $arg_ip $range {
    ranges;
    default none;
    10.0.0.0-10.255.255.255 ten;
    10.1.0.0-10.1.255.255 ten-one;
    10.1.2.3-10.1.2.3 host;
    10.1.4.0-10.1.4.255 gone;
    delete 10.1.4.0-10.1.4.255;
    192.168.0.7-192.169.5.5 odd;
    192.168.0.0-192.168.0.6 before;
    include geo/ranges;
}
geo $arg_ip $ranges_only { ranges; 10.0.0.0-10.0.0.9 ten; }
geo $client { default none; 127.0.0.1 me; 10.0.0.0/8 ten; 2001:db8::/32 doc; 172.16.0.0/12 proxy; }
geo $proxied { proxy 127.0.0.0/8; proxy 172.16.0.0/12; default none; 127.0.0.1 me; 10.0.0.0/8 ten;
    2001:db8::/32 doc; 172.16.0.0/12 proxy; 255.255.255.255 nobody; }
geo $recursive { proxy 127.0.0.1; proxy 172.16.0.0/12; proxy 2001:db8::/32; proxy_recursive; default none;
    127.0.0.1 me; 10.0.0.0/8 ten; 2001:db8::/32 doc; 172.16.0.0/12 proxy; }
server {
    listen 127.0.0.1:%PORT%;
    return 200 "$network|$no_default|$everything|$range|$ranges_only|$client|$proxied|$recursive";
}
"""

FILES = {"conf/geo/a.geo": "11.0.0.0/8 included;\n", "conf/geo/ranges": "11.0.0.0-11.0.0.255 included;\n"}

ADDRESSES = ["10.0.0.1", "10.1.0.0", "10.1.255.255", "10.1.2.3", "10.1.2.2", "10.1.2.4", "10.1.4.9", "10.2.0.1",
             "10.3.4.5", "10.0.0.9", "10.0.0.10", "11.0.0.1", "11.1.1.1", "192.168.0.0", "192.168.0.6", "192.168.0.7",
             "192.169.5.5", "192.169.5.6", "9.255.255.255", "11.255.255.255", "0.0.0.0", "255.255.255.255",
             "255.255.255.254", "2001:db8::1", "2001:db8:1::1", "2001:db9::", "::1", "::", "::2", "::ffff:10.1.2.3",
             "", "x", "10.0.0", "10.0.0.256", "10.0.0.1:80", "[::1]", "10.0.0.1/8", "unix:", "1", "2001:db8::1::"]


def test_addresses_are_looked_up_as_nginx_does(beside_nginx):
    compare(beside_nginx(GEO, FILES), [f"/?ip={address}" for address in ADDRESSES])


FORWARDED = [["10.0.0.1"], ["10.0.0.1:8080"], ["2001:db8::1"], ["[2001:db8::1]:80"], ["10.0.0.1, 11.0.0.1"],
             ["11.0.0.1, 10.0.0.1"], ["11.0.0.1,10.0.0.1"], ["10.0.0.1, 172.16.0.1"], ["10.0.0.1,172.16.0.1 "],
             ["10.0.0.1, nonsense"], ["nonsense, 10.0.0.1"], ["nonsense, 172.16.0.1"], [""], [" "], [","],
             ["10.0.0.1, 172.16.0.1, 172.17.0.1, 2001:db8::7"], ["10.0.0.1", "172.16.0.1"],
             ["11.0.0.1", "10.0.0.1", "172.16.0.1"], ["10.0.0.1", "nonsense"], ["8080"], ["unix:"], ["*"],
             ["::ffff:10.0.0.1"], ["10.0.0.1 , , "], ["172.16.0.1"], ["172.16.0.1, 172.16.0.2"]]


def test_trusted_proxies_are_believed_as_nginx_believes_them(beside_nginx):
    compare(beside_nginx(GEO, FILES),
            [("GET", "/", [("X-Forwarded-For", value) for value in values]) for values in FORWARDED])


MISTAKES = [
    ("http { geo $a; }", 'directive "geo" has no opening "{" in %CONF%:1'),
    ("http { geo { } }", 'invalid number of arguments in "geo" directive in %CONF%:1'),
    ("http { geo $a $b $c { } }", 'invalid number of arguments in "geo" directive in %CONF%:1'),
    ("http { server { geo $a { } } }", '"geo" directive is not allowed here in %CONF%:1'),
    ("http { geo a { } }", 'invalid variable name "a" in %CONF%:1'),
    ("http { geo a $b { } }", 'invalid variable name "a" in %CONF%:1'),
    ("http { geo $uri b { } }", 'invalid variable name "b" in %CONF%:1'),
    ("http { geo $uri { } }", 'the duplicate "uri" variable in %CONF%:1'),
    ("http { geo $nowhere $a { } }", 'unknown "nowhere" variable'),
    ("http { geo $a { x; } }", "invalid number of the geo parameters in %CONF%:1"),
    ("http { geo $a { 10.0.0.0/8 a b; } }", "invalid number of the geo parameters in %CONF%:1"),
    ("http { geo $a { 10.0.0.0/33 a; } }", 'invalid network "10.0.0.0/33" in %CONF%:1'),
    ("http { geo $a { example.com a; } }", 'invalid network "example.com" in %CONF%:1'),
    ("http { geo $a { delete x; } }", 'invalid network "x" in %CONF%:1'),
    ("http { geo $a { proxy x; } }", 'invalid network "x" in %CONF%:1'),
    ("http { geo $a { 10.0.0.1-10.0.0.2 a; } }", 'invalid network "10.0.0.1-10.0.0.2" in %CONF%:1'),
    ("http { geo $a { 10.0.0.0/8 a; ranges; } }",
     'the "ranges" directive must be the first directive inside "geo" block in %CONF%:1'),
    ("http { geo $a { ranges; 10.0.0.0/8 a; } }", 'invalid range "10.0.0.0/8" in %CONF%:1'),
    ("http { geo $a { ranges; 10.0.0.2-10.0.0.1 a; } }", 'invalid range "10.0.0.2-10.0.0.1" in %CONF%:1'),
    ("http { geo $a { ranges; 10.0.0.2-255.255.255.255 a; } }", 'invalid range "10.0.0.2-255.255.255.255"'),
    ("http { geo $a { ranges; 10.0.0.0-10.0.0.9 a; 10.0.0.5-10.0.0.20 b; } }",
     'range "10.0.0.5-10.0.0.20" overlaps "10.0.0.0-10.0.0.9" in %CONF%:1'),
    ("http { geo $a { a { } } }", 'unexpected "{" in %CONF%:1'),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[config[7:50] for config, _ in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(refusal_of, config, sentence):
    assert sentence in refusal_of(config)


@pytest.mark.parametrize("lines, warning", [
    ("10.0.0.1/8 a;", "low address bits of 10.0.0.1/8 are meaningless"),
    ("10.0.0.0/8 a; 10.0.0.0/8 b;", 'duplicate network "10.0.0.0/8", value: "b", old value: "a"'),
    ("delete 10.0.0.0/8;", 'no network "10.0.0.0/8" to delete'),
    ("ranges; default a; default b;", 'duplicate default geo range value: "b", old value: "a"'),
    ("ranges; 1.0.0.0-1.0.0.1 a; 1.0.0.0-1.0.0.1 b;",
     'duplicate range "1.0.0.0-1.0.0.1", value: "b", old value: "a"'),
    ("ranges; delete 1.0.0.0-1.0.0.1;", 'no address range "1.0.0.0-1.0.0.1" to delete'),
])
def test_odd_lines_are_warned_of(new_server, lines, warning):
    server = new_server(http=f"geo $a {{ {lines} }}")
    assert f"[warn] {warning} in " in server.run("-t").stderr
