"""What is accepted: tuning directives without effect, which -t mentions; words and values in all their forms."""

import pytest

BARE = "daemon off; pid logs/server.pid; error_log logs/error.log;\n"

WITHOUT_EFFECT = """
    aio threads; aio_write on; output_buffers 2 32k; postpone_output 1460; read_ahead 0; send_lowat 0;
    connection_pool_size 512; request_pool_size 4k; subrequest_output_buffer_size 4k; types_hash_max_size 2048;
    types_hash_bucket_size 64; server_names_hash_max_size 512; server_names_hash_bucket_size 64;
    variables_hash_max_size 1024; variables_hash_bucket_size 64; msie_padding on; msie_refresh off; gzip_buffers
    4 8k; gunzip_buffers 4 8k; postpone_gzipping 1k; gzip_no_buffer on; map_hash_max_size 64;
    map_hash_bucket_size 64; client_body_in_single_buffer on;
    fastcgi_temp_path fastcgi 1 2 3; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
"""


def check(new_server, config, *arguments, files=None):
    server = new_server(config=BARE + config, files=files)
    done = server.run("-t", *arguments)
    return done.returncode, done.stdout, done.stderr


def test_tuning_without_effect_is_accepted_and_mentioned(new_server):
    status, _, said = check(new_server, f"events {{ }}\nhttp {{ {WITHOUT_EFFECT} }}")
    assert status == 0
    names = [statement.split()[0] for statement in WITHOUT_EFFECT.split(";") if statement.strip()]
    for name in names:
        assert f'server: [notice] "{name}" directive has no effect in ' in said
    assert said.count("[notice]") == len(names)
    assert said.endswith("test is successful\n")


def test_q_leaves_out_what_is_no_warning(new_server):
    assert check(new_server, f"events {{ }}\nhttp {{ {WITHOUT_EFFECT} }}", "-q") == (0, "", "")


def test_a_server_starts_with_all_of_them(serve):
    server = serve(http=WITHOUT_EFFECT, main="timer_resolution 100ms; pcre_jit on; lock_file logs/lock; "
                   "debug_points abort; thread_pool default threads=2; thread_pool other threads=4 max_queue=8;",
                   events="multi_accept on; accept_mutex off; accept_mutex_delay 500ms; worker_aio_requests 32; "
                   "debug_connection 127.0.0.1; debug_connection 10.0.0.0/8;")
    assert server.get("/").text == "hello\n"


@pytest.mark.parametrize("http", [
    "sendfile ON;", "sendfile Off;", "keepalive_timeout 0;", "keepalive_timeout 75;", "keepalive_timeout 75s;",
    "keepalive_timeout 1h30m;", 'keepalive_timeout "1h 30m";', "keepalive_timeout 1m 30;",
    "keepalive_timeout 1w2d3h4m5s6ms;", "keepalive_timeout 1m30;", "client_max_body_size 0;",
    "client_max_body_size 1K;", "client_max_body_size 10M;", "client_max_body_size 2g;",
    "client_header_buffer_size 1024;", "large_client_header_buffers 4 8k;", "error_page 404 /404.html;",
    "error_page 500 502 503 504 /50x.html;", "error_page 404 =200 /x;", "error_page 404 = @x;",
    "server { listen 8080; }", "server { listen *:8080; }", "server { listen [::]:8080; }",
    "server { listen [::1]:8080; }",
    "server { listen 127.0.0.1:8080 default_server backlog=100 rcvbuf=64k deferred reuseport so_keepalive=on; }",
    "server { listen [::]:8080 ipv6only=off so_keepalive=30m::10; }", "server { listen unix:%PREFIX%/s.sock; }",
    'server { server_name ""; }', "server { server_name _; }", "server { server_name a *.b c.* ~^d$ .e; }",
    "server { location ~ \\.(gif|jpg)$ { } }", 'server { location ~ "^/a{2}$" { } }', "server { location ^~ /a { } }",
    "server { location / { alias /x/; } }", "root $host/html;", "types { } default_type text/plain;",
    "types { text/html html htm; image/gif gif; }", "server_tokens off;", "open_file_cache max=10 inactive=20s;",
    "open_file_cache off;", "disable_symlinks if_not_owner from=$document_root;", "directio 4m;",
    "if_modified_since before;", "access_log off;", "access_log logs/a.log combined buffer=32k flush=1s;",
    "log_format x escape=json '{$uri}';", "lingering_close always;", "max_ranges 0;",
    "server_names_hash_bucket_size 128;",
])
def test_values_in_all_their_forms(new_server, http):
    status, _, said = check(new_server, f"events {{ }}\nhttp {{ {http} }}")
    assert (status, "[emerg]" in said) == (0, False), said


def test_words_as_the_lexer_of_nginx_sees_them(serve):
    server = serve(r"""
        # a comment; with { everything }
        location /comment { return 200 a#b; } # after a directive
        location /brace { return 200 a}b; }
        location /quote { return 200 a"b; }
        location /double { return 200 "a 'b' ; { } # c"; }
        location /single { return 200 'a "b" ; { } # c'; }
        location /escaped { return 200 "a\"b\\c\td"; }
        location /kept { return 200 a\;b\ c\d; }
        location /name { return 200 "${uri}x$uri"; }
        location /bare { return 200 ${uri}x; }
        location /lines { return 200 "one
two"; }
        location
            /spread
        {
            return
                200
                spread;
        }
        "location" '/quoted' { "return" '200' "quoted"; }""")
    assert {target: server.get(target).text for target in EXPECTED} == EXPECTED


EXPECTED = {
    "/comment": "a#b", "/brace": "a}b", "/quote": 'a"b', "/double": "a 'b' ; { } # c", "/single": 'a "b" ; { } # c',
    "/escaped": 'a"b\\c\td', "/kept": "a\\;b\\ c\\d", "/name": "/namex/name", "/bare": "/barex", "/lines": "one\ntwo",
    "/spread": "spread", "/quoted": "quoted",
}


def test_line_ends_of_other_systems_are_blanks(new_server):
    status, _, said = check(new_server, "events { }\r\nhttp {\r\n\tsendfile on;\r\n}\r\n")
    assert status == 0, said
