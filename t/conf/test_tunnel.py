"""Lines about tunnels, which the nginx of these tests does not know: its newer versions' sentences."""

import pytest

CONFIG = """http {{ {http}
server {{ {server} location / {{ {location} }} }} }}"""

ACCEPTED = [
    {"server": "tunnel_pass;"},
    {"location": "tunnel_pass;"},
    {"location": "if ($arg_a) { tunnel_pass; }"},
    {"location": "tunnel_pass $host:443;"},
    {"location": "tunnel_pass 127.0.0.1:443;"},
    {"location": "tunnel_pass [::1]:443;"},
    {"location": "tunnel_pass unix:/run/a;"},
    {"http": "upstream u { server 127.0.0.1; }", "location": "tunnel_pass u;"},
    {"http": "tunnel_connect_timeout 5s; tunnel_read_timeout 1h; tunnel_send_timeout 1m; tunnel_buffer_size 16k; "
             "tunnel_next_upstream error timeout denied; tunnel_next_upstream_tries 2; "
             "tunnel_next_upstream_timeout 3s; tunnel_bind 127.0.0.1; tunnel_socket_keepalive on; "
             "tunnel_socket_rcvbuf 64k; tunnel_socket_sndbuf 64k;",
     "server": "tunnel_bind $server_addr transparent; tunnel_next_upstream off;", "location": "tunnel_bind off;"},
]

REFUSED = [
    ({"http": "tunnel_pass;"}, '"tunnel_pass" directive is not allowed here'),
    ({"server": "if ($host) { tunnel_pass; }"}, '"tunnel_pass" directive is not allowed here'),
    ({"location": "limit_except GET { tunnel_pass; }"}, '"tunnel_pass" directive is not allowed here'),
    ({"location": "tunnel_pass a b;"}, 'invalid number of arguments in "tunnel_pass" directive'),
    ({"location": "tunnel_pass; tunnel_pass;"}, '"tunnel_pass" directive is duplicate'),
    ({"location": "tunnel_pass 127.0.0.1;"}, 'no port in upstream "127.0.0.1"'),
    ({"location": "tunnel_pass 127.0.0.1:99999;"}, 'invalid port in upstream "127.0.0.1:99999"'),
    ({"location": "tunnel_pass http://127.0.0.1;"}, 'invalid host in upstream "http://127.0.0.1"'),
    ({"location": "tunnel_pass $nonsense;"}, 'unknown "nonsense" variable'),
    ({"http": "tunnel_next_upstream http_500;"}, 'invalid value "http_500"'),
    ({"http": "tunnel_next_upstream_tries x;"}, '"tunnel_next_upstream_tries" directive invalid number'),
    ({"http": "tunnel_read_timeout x;"}, '"tunnel_read_timeout" directive invalid value'),
    ({"http": "tunnel_socket_keepalive 1;"}, 'invalid value "1" in "tunnel_socket_keepalive" directive'),
    ({"http": "tunnel_buffer_size x;"}, '"tunnel_buffer_size" directive invalid value'),
    ({"http": "tunnel_send_lowat x;"}, '"tunnel_send_lowat" directive invalid value'),
    ({"http": "tunnel_allow_upstream $a;"},
     'the "tunnel_allow_upstream" directive of ngx_http_tunnel_module is known but not supported'),
    ({"http": "tunnel_bind_dynamic on;"},
     'the "tunnel_bind_dynamic" directive of ngx_http_tunnel_module is known but not supported'),
]


def config(texts):
    return CONFIG.format(**{name: texts.get(name, "") for name in ("http", "server", "location")})


@pytest.mark.parametrize("texts", ACCEPTED, ids=[" ".join(texts.values())[:50] for texts in ACCEPTED])
def test_it_is_accepted(new_server, texts):
    done = new_server(config="events { } " + config(texts)).run("-t")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("texts, sentence", REFUSED, ids=[sentence[:50] for _, sentence in REFUSED])
def test_it_is_refused(refusal_of, texts, sentence):
    assert f"[emerg] {sentence}" in refusal_of(config(texts))
