"""Lines of upstream blocks: what the nginx of these tests does not know yet, and what it knows of several blocks.

Everything it does know is compared with it in test_every_directive.py. Here the sentences are those of its newer
versions where those have the directive, and ours otherwise.
"""

import pytest

CONFIG = "events {{ }} http {{ upstream u {{ {} }} server {{ }} }}"

ACCEPTED = [
    "server 127.0.0.1 slow_start=10s drain route=a;",
    "server localhost resolve;",
    "server localhost service=http resolve;",
    "server 127.0.0.1 resolve;",
    "least_conn; server 127.0.0.1; server 127.0.0.2 backup slow_start=1m;",
    "least_time header; server 127.0.0.1;",
    "least_time last_byte inflight; server 127.0.0.1; server 127.0.0.2 backup;",
    "random two least_time=header; server 127.0.0.1;",
    "random two least_time=last_byte; server 127.0.0.1;",
    "zone a 64k; server 127.0.0.1; } upstream v { zone a; server 127.0.0.1;",
    "sticky cookie a; server 127.0.0.1;",
    "sticky cookie a expires=1h domain=.$host httponly samesite=Lax secure path=/; server 127.0.0.1;",
    "sticky cookie a expires=max samesite=$arg_a; ip_hash; server 127.0.0.1;",
    "sticky route $cookie_a $arg_a; server 127.0.0.1;",
    "sticky learn create=$sent_http_a lookup=$cookie_a zone=a:64k timeout=1h header; server 127.0.0.1;",
    "resolver 127.0.0.1:5353 valid=10s ipv6=off; resolver_timeout 5s; server 127.0.0.1;",
    "state servers.state; zone a 64k;",
    "ip_hash; state /tmp/there/is/none;",
    "keepalive 0; server 127.0.0.1;",
    "queue 1; server 127.0.0.1;",
    "least_conn; queue 100 timeout=500ms; server 127.0.0.1 max_conns=1;",
    "server 127.0.0.1; } server { listen 81; proxy_retry_budget 20%; "
    "location / { proxy_retry_budget off; proxy_pass http://u; } "
    "location /a { proxy_retry_budget 0% min=0; } } upstream v { server 127.0.0.1;",
    "keepalive 5 local; server 127.0.0.1;",
]

REFUSED = [
    ("server 127.0.0.1 slow_start=x;", 'invalid parameter "slow_start=x"'),
    ("server 127.0.0.1 drain=1;", 'invalid parameter "drain=1"'),
    ("server 127.0.0.1 resolve=on;", 'invalid parameter "resolve=on"'),
    ("server 127.0.0.1 route=" + 33 * "x" + ";", "route is longer than 32 bytes"),
    ("server localhost service= resolve;", "service name is empty"),
    ("server localhost service=http;", 'service upstream "localhost" requires "resolve" parameter'),
    ("server localhost:80 service=http resolve;", 'service upstream "localhost:80" may not have port'),
    ("server 127.0.0.1 service=http resolve;", 'service upstream "127.0.0.1" requires a domain name'),
    *((f"{method}; server 127.0.0.1; server 127.0.0.2 {parameter};",
       f'balancing method does not support parameter "{parameter}"')
      for method in ("ip_hash", "hash $uri", "hash $uri consistent", "random", "random two")
      for parameter in ("backup", "slow_start=1s")),
    ("state a; server 127.0.0.1;", '"server" directive cannot be used together with "state"'),
    ("state a; state b;", '"state" directive is duplicate'),
    ('state "";', 'invalid value "" in "state" directive'),
    ("state /;", 'read() "/" failed (21: Is a directory)'),
    ("server 127.0.0.1 backup;", 'no servers in upstream "u"'),
    ("resolver; server 127.0.0.1;", 'invalid number of arguments in "resolver" directive'),
    ("resolver 127.0.0.1 valid=x; server 127.0.0.1;", "invalid parameter: valid=x"),
    ("resolver 127.0.0.1 status_zone=; server 127.0.0.1;", "invalid parameter: status_zone="),
    ("resolver 127.0.0.1:0; server 127.0.0.1;", 'invalid port in resolver "127.0.0.1:0"'),
    ("resolver ipv4=on; server 127.0.0.1;", "no name servers defined"),
    ("resolver 127.0.0.1; resolver 127.0.0.1; server 127.0.0.1;", '"resolver" directive is duplicate'),
    ("resolver_timeout x; server 127.0.0.1;", '"resolver_timeout" directive invalid value'),
    ("least_time soon; server 127.0.0.1;", 'invalid value "soon" in "least_time" directive'),
    ("least_time header outflight; server 127.0.0.1;", 'invalid parameter "outflight"'),
    ("least_time header; least_time header; server 127.0.0.1;", '"least_time" directive is duplicate'),
    ("random two least_time=soon; server 127.0.0.1;", 'invalid parameter "least_time=soon"'),
    ("status_zone ''; server 127.0.0.1;", 'invalid zone name ""'),
    (f"status_zone {256 * 'a'}; server 127.0.0.1;", f'invalid zone name "{256 * "a"}"'),
    ("status_zone a; status_zone a; server 127.0.0.1;", '"status_zone" directive is duplicate'),
    ("queue 0; server 127.0.0.1;", 'invalid value "0" in "queue" directive'),
    ("queue x; server 127.0.0.1;", 'invalid value "x" in "queue" directive'),
    ("queue 1 timeout=x; server 127.0.0.1;", 'invalid parameter "timeout=x"'),
    ("queue 1 1s; server 127.0.0.1;", 'invalid parameter "1s"'),
    ("queue 1; queue 2; server 127.0.0.1;", '"queue" directive is duplicate'),
    *((f"server 127.0.0.1; }} server {{ proxy_retry_budget {words}; }} upstream v {{ server 127.0.0.1;", sentence)
      for words, sentence in [
          ("20", 'invalid value "20" in "proxy_retry_budget" directive'),
          ("101%", 'invalid value "101%" in "proxy_retry_budget" directive'),
          ("x%", 'invalid value "x%" in "proxy_retry_budget" directive'),
          ("20% min=x", 'invalid parameter "min=x"'),
          ("20% 3", 'invalid parameter "3"'),
          ("off min=3", 'invalid parameter "min=3"'),
          ("20%; proxy_retry_budget 20%", '"proxy_retry_budget" directive is duplicate'),
      ]),
    ("keepalive 5 global; server 127.0.0.1;", 'invalid parameter "global"'),
    *((f"sticky {words}; server 127.0.0.1;", sentence) for words, sentence in [
        ("often a", 'unknown parameter "often"'),
        ("cookie", 'invalid number of arguments in "sticky" directive'),
        ('cookie ""', '"sticky" directive empty cookie name'),
        ("cookie a; sticky cookie a", '"sticky" directive is duplicate'),
        ("cookie a what", 'unknown parameter "what"'),
        ("cookie a secure=1", 'unknown parameter "secure=1"'),
        ("cookie a path", 'unknown parameter "path"'),
        ("cookie a path=", '"sticky" directive no value for "path"'),
        ("cookie a domain=", '"sticky" directive no value for "domain"'),
        ("cookie a expires=x", '"sticky" directive invalid "expires" parameter value'),
        ("cookie a samesite=maybe", '"sticky" directive invalid "samesite" parameter value'),
        ("cookie a secure secure", '"sticky" directive parameter "secure" is duplicate'),
        ("cookie a path=/ path=/", '"sticky" directive parameter "path" is duplicate'),
        ("route a", 'invalid variable name "a"'),
        ("learn create=a", '"sticky" directive missing variable in the "create" parameter'),
        ("learn lookup=a", '"sticky" directive missing variable in the "lookup" parameter'),
        ("learn create=$uri", '"sticky" directive "lookup" parameter is not specified'),
        ("learn lookup=$uri", '"sticky" directive "create" parameter is not specified'),
        ("learn create=$uri lookup=$uri", '"sticky" directive "zone" parameter is not specified'),
        ("learn zone=a", '"sticky" directive zone size is not specified'),
        ("learn zone=:1m", '"sticky" directive zone name is not specified'),
        ("learn zone=a:x", '"sticky" directive invalid zone size'),
        ("learn zone=a:1k", '"sticky" directive zone is too small'),
        ("learn zone=a:1m zone=a:1m", '"sticky" directive duplicate zone'),
        ("learn timeout=x", '"sticky" directive invalid timeout'),
        ("learn timeout=0", '"sticky" directive invalid timeout'),
        ("learn timeout=1 timeout=1", '"sticky" directive duplicate timeout'),
        ("learn sync", 'unknown parameter "sync"'),
    ]),
    ("sticky learn create=$uri lookup=$uri zone=a:1m; server 127.0.0.1; } "
     "upstream v { sticky learn create=$uri lookup=$uri zone=a:1m; server 127.0.0.1;",
     'sticky zone "a" is already used in upstream "u"'),
    ("zone a 64k; server 127.0.0.1; } limit_req_zone $uri zone=a:64k rate=1r/s; upstream v { server 127.0.0.1;",
     'the shared memory zone "a" is already declared for a different use'),
    ("zone a 64k; server 127.0.0.1; } upstream v { zone a 128k; server 127.0.0.1;",
     'the size 131072 of shared memory zone "a" conflicts with already declared size 65536'),
    ("server 127.0.0.1; } upstream u { server 127.0.0.1;", 'duplicate upstream "u"'),
    ("server 127.0.0.1; } upstream U { server 127.0.0.1;", 'duplicate upstream "U"'),
]

WARNED = [
    ("server nowhere.invalid;", 'host not found in upstream "nowhere.invalid"'),
    ("server nowhere.invalid:81 down; server 127.0.0.1;", 'host not found in upstream "nowhere.invalid:81"'),
    ("least_conn; ip_hash; server 127.0.0.1;", "load balancing method redefined"),
    ("queue 5; least_conn; server 127.0.0.1;", "load balancing method redefined"),
    ("least_time header; least_conn; server 127.0.0.1;", "load balancing method redefined"),
]


def check(new_server, lines):
    done = new_server(config=CONFIG.format(lines)).run("-t")
    return done.returncode, [line for line in done.stderr.splitlines() if line.startswith("server: [")]


@pytest.mark.parametrize("lines", ACCEPTED)
def test_what_is_right_is_accepted_without_a_word(new_server, lines):
    assert check(new_server, lines) == (0, [])


@pytest.mark.parametrize("lines, sentence", REFUSED)
def test_what_is_wrong_is_refused(new_server, lines, sentence):
    server = new_server(config=CONFIG.format(lines))
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert f"server: [emerg] {sentence} in " in done.stderr


@pytest.mark.parametrize("lines, sentence", WARNED)
def test_what_is_probably_wrong_is_warned_of(new_server, lines, sentence):
    status, said = check(new_server, lines)
    assert status == 0
    assert len(said) == 1 and said[0].startswith(f"server: [warn] {sentence} in ")
