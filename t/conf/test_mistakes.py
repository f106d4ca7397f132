"""What the administrator is told: every mistake of a run, as nginx words it, with the line, a caret and a hint."""

import pytest

SEVERAL = """\
worker_procesess 2;
events {
    worker_connections 1024;
}
http {
    sendfile yes;
    keepalive_timeout 1M;
    client_body_buffer_size 10x;
    root html;
    root html;
    proxy_cache_path /x;
    perl_modules x;
    server {
        listen 8080;
        location /a { listen 80; }
        retrun 200;
        types { text/html }
    }
    location / { }
}
include missing.conf;
user;
"""

SAID = """\
server: [emerg] unknown directive "worker_procesess" in %CONF%:1
    worker_procesess 2;
    ^ did you mean "worker_processes"?
server: [emerg] invalid value "yes" in "sendfile" directive, it must be "on" or "off" in %CONF%:6
    sendfile yes;
             ^
server: [emerg] "keepalive_timeout" directive invalid value in %CONF%:7
    keepalive_timeout 1M;
                      ^ a time is written like 30s, 5m or "1h 30m"
server: [emerg] "client_body_buffer_size" directive invalid value in %CONF%:8
    client_body_buffer_size 10x;
                            ^ a size is written like 512, 16k or 8m
server: [emerg] "root" directive is duplicate in %CONF%:10
    root html;
    ^
server: [emerg] the "proxy_cache_path" directive of ngx_http_proxy_module is known but not supported in %CONF%:11
    proxy_cache_path /x;
    ^
server: [emerg] the "perl_modules" directive of ngx_http_perl_module is known but not supported in %CONF%:12
    perl_modules x;
    ^
server: [emerg] "listen" directive is not allowed here in %CONF%:15
    location /a { listen 80; }
                  ^ it may stand in: server
server: [emerg] unknown directive "retrun" in %CONF%:16
    retrun 200;
    ^ did you mean "return"?
server: [emerg] unexpected "}" in %CONF%:17
    types { text/html }
                      ^ the directive before it is not ended by ";"
server: [emerg] "location" directive is not allowed here in %CONF%:19
    location / { }
    ^ it may stand in: server, location
server: [emerg] open() "%PREFIX%/conf/missing.conf" failed (2: No such file or directory) in %CONF%:21
    include missing.conf;
            ^
server: [emerg] invalid number of arguments in "user" directive in %CONF%:22
    user;
    ^ write: user user [group];
server: configuration file %CONF% test failed
"""


def check(new_server, config, *arguments, files=None):
    """Checks a configuration; gives the status and what was said, with names in place of the temporary paths."""
    server = new_server(config=config, files=files)
    server.expect(r"\[emerg\]")
    done = server.run("-t", *arguments)
    assert done.stdout == ""
    said = done.stderr.replace(server.path("conf/server.conf"), "%CONF%").replace(server.prefix, "%PREFIX%")
    return done.returncode, said


def test_all_mistakes_of_a_file_are_told_at_once(new_server):
    assert check(new_server, SEVERAL) == (1, SAID)


def test_the_start_says_the_same(new_server):
    server = new_server(config=SEVERAL)
    server.expect(r"\[emerg\]")
    done = server.run()
    assert done.returncode == 1
    said = done.stderr.replace(server.path("conf/server.conf"), "%CONF%").replace(server.prefix, "%PREFIX%")
    assert said == SAID.replace("server: configuration file %CONF% test failed\n", "")


# One mistake each: the text of a whole file, and what is said about it as nginx words it.
MISTAKES = [
    ("", 'no "events" section in configuration'),
    ("http { }", 'no "events" section in configuration'),
    ("events { } events { }", '"events" directive is duplicate in %CONF%:1'),
    ("events { } http;", 'directive "http" has no opening "{" in %CONF%:1'),
    ("events { } http { server { listen 80 }", 'unexpected "}" in %CONF%:1'),
    ("events { } }", 'unexpected "}" in %CONF%:1'),
    ("events { } http { server {\n", 'unexpected end of file, expecting "}" in %CONF%:2'),
    ("events { } user", 'unexpected end of file, expecting ";" or "}" in %CONF%:1'),
    ('events { } user "nobody;\n', 'unexpected end of file, expecting ";" or "}" in %CONF%:'),
    ("events { } user nobody{ }", 'directive "user" is not terminated by ";" in %CONF%:1'),
    ("events { } ;", 'unexpected ";" in %CONF%:1'),
    ('events { } user "nobody"x;', 'unexpected "x" in %CONF%:1'),
    ("events { }\nUser nobody;", 'unknown directive "User" in %CONF%:2'),
    ("events { } http { types { a b; } types { a b; } sendfile on; sendfile on; }",
     '"sendfile" directive is duplicate in %CONF%:1'),
    ("events { } http { server { listen 127.0.0.1:80; listen 127.0.0.1:80; } }",
     "a duplicate listen 127.0.0.1:80 in %CONF%:1"),
    ("events { } http { server { listen 80 default_server; } server { listen 80 default_server; } }",
     "a duplicate default server for 0.0.0.0:80 in %CONF%:1"),
    ("events { } http { server { listen 80 backlog=1; } server { listen 80 backlog=2; } }",
     "duplicate listen options for 0.0.0.0:80 in %CONF%:1"),
    ("events { } http { server { listen 80 ssl=optional; } server { listen 80; } server { listen 80 ssl; } }",
     'conflicting "ssl" parameters for 0.0.0.0:80 in %CONF%:1'),
    ("events { } http { server { listen 80 ssl ssl=optional; } }", 'conflicting parameter "ssl=optional" in %CONF%:1'),
    ("events { } http { server { listen 80 ssl=optional ssl; } }", 'conflicting parameter "ssl" in %CONF%:1'),
    ("events { } http { server { listen 80 ssl=on; } }", 'invalid ssl "ssl=on" in %CONF%:1'),
    ("events { } http { server { listen 80 ssl=; } }", 'invalid ssl "ssl=" in %CONF%:1'),
    ("events { } http { server { listen 80 ssl=optional; } }",
     'no "ssl_certificate" is defined for the "listen ... ssl" directive in %CONF%:1'),
    ("events { } http { ssl_certificate_cache max=1; ssl_certificate_cache off; }",
     '"ssl_certificate_cache" directive is duplicate in %CONF%:1'),
    ("events { } http { ssl_certificate_cache inactive=1s valid=1s; }",
     '"ssl_certificate_cache" must have the "max" parameter in %CONF%:1'),
    *((f"events {{ }} http {{ ssl_certificate_cache {words}; }}",
       f'invalid parameter "{words.split()[-1]}" in %CONF%:1') for words in
      ("on", "max=0", "max=x", "max=1 inactive=x", "max=1 valid=", "max=1 min_uses=1", "max=1 =1")),
    ("events { } http { ssl_certificate $nonsense.crt; }", 'unknown "nonsense" variable'),
    ("events { } http { ssl_certificate_key ${a; }", 'the closing bracket in "a" variable is missing in %CONF%:1'),
    ("events { } http { server { listen 80 ssl; ssl_certificate $host; } }",
     'no "ssl_certificate_key" is defined for certificate "$host" in %CONF%:1'),
    *((f"events {{ }} http {{ server {{ location / {{ proxy_pass https://127.0.0.1:1; {text} }} }} }}", sentence)
      for text, sentence in (
          ("proxy_ssl_verify on;", "no proxy_ssl_trusted_certificate for proxy_ssl_verify"),
          ("proxy_ssl_certificate a.crt;",
           'no "proxy_ssl_certificate_key" is defined for certificate "a.crt"'),
          ("proxy_ssl_certificate $host;",
           'no "proxy_ssl_certificate_key" is defined for certificate "$host"'),
          ("proxy_ssl_certificate none; proxy_ssl_certificate_key none;",
           'cannot load certificate "%PREFIX%/conf/none": open() failed (2: No such file or directory)'),
          ("proxy_ssl_verify on; proxy_ssl_trusted_certificate none;",
           'cannot load certificate "%PREFIX%/conf/none": open() failed (2: No such file or directory)'),
          ("proxy_ssl_ciphers NONSENSE;", 'SSL_CTX_set_cipher_list("NONSENSE") failed (SSL: error:'),
          ("proxy_ssl_conf_command Nonsense 1;", 'SSL_CONF_cmd("Nonsense", "1") failed (SSL: error:'),
          ("proxy_ssl_password_file none;",
           'open() "%PREFIX%/conf/none" failed (2: No such file or directory) in %CONF%:1'),
          ("proxy_ssl_certificate_cache valid=1s;",
           '"proxy_ssl_certificate_cache" must have the "max" parameter in %CONF%:1'),
          ("proxy_ssl_name a; proxy_ssl_name b;", '"proxy_ssl_name" directive is duplicate in %CONF%:1'),
          ("proxy_ssl_name $nonsense_;", 'unknown "nonsense_" variable'),
          ("if ($host) { proxy_ssl_verify on; }", '"proxy_ssl_verify" directive is not allowed here in %CONF%:1'))),
    ("events { } http { server { listen 127.0.0.1:80000; } }",
     'invalid port in "127.0.0.1:80000" of the "listen" directive in %CONF%:1'),
    ("events { } http { server { listen 0; } }", 'invalid port in "0" of the "listen" directive in %CONF%:1'),
    ("events { } http { server { listen unix:; } }",
     'no path in the unix domain socket in "unix:" of the "listen" directive in %CONF%:1'),
    ("events { } http { server { listen 80 unknown; } }", 'invalid parameter "unknown" in %CONF%:1'),
    ("events { } http { server { server_name ~(; } }",
     'pcre2_compile() failed: missing closing parenthesis in "(" in %CONF%:1'),
    ("events { } http { server { server_name a.*.b; } }", 'server name "a.*.b" is invalid in %CONF%:1'),
    ("events { } http { server { location /a { root x; alias y; } } }",
     '"alias" directive is duplicate, "root" directive was specified earlier in %CONF%:1'),
    ("events { } http { server { root $document_root/x; } }",
     'the $document_root variable cannot be used in the "root" directive in %CONF%:1'),
    ("events { } http { log_format a $nonsense; }", 'unknown "nonsense" variable'),
    ("events { } http { access_log logs/a.log unknown; }", 'unknown log format "unknown" in %CONF%:1'),
    ("events { } error_log logs/error.log loud;", 'invalid log level "loud" in %CONF%:1'),
    ("events { } http { keepalive_timeout 10y; }", '"keepalive_timeout" directive invalid value in %CONF%:1'),
    ("events { } http { keepalive_timeout 1s1h; }", '"keepalive_timeout" directive invalid value in %CONF%:1'),
    ("events { } http { client_header_buffer_size 1g; }",
     '"client_header_buffer_size" directive invalid value in %CONF%:1'),
    ("events { } http { keepalive_requests 1k; }", '"keepalive_requests" directive invalid number in %CONF%:1'),
    ("events { } http { if_modified_since never; }",
     'invalid value "never" in "if_modified_since" directive in %CONF%:1'),
    ("events { } http { open_file_cache inactive=1s; }", '"open_file_cache" must have the "max" parameter in %CONF%:1'),
    ("events { } http { server { location / { internal on; } } }",
     'invalid number of arguments in "internal" directive in %CONF%:1'),
    ("events { } http { early_hints; }", 'invalid number of arguments in "early_hints" directive in %CONF%:1'),
    ("events { } http { early_hints 1; early_hints $nonsense; }", 'unknown "nonsense" variable in %CONF%:1'),
    ("events { } early_hints 1;", '"early_hints" directive is not allowed here in %CONF%:1'),
    ("events { } http { server { if ($host) { early_hints 1; } } }",
     '"early_hints" directive is not allowed here in %CONF%:1'),
    ("events { } include;", 'invalid number of arguments in "include" directive in %CONF%:1'),
    ("events { } worker_processes many;", '"worker_processes" directive invalid value in %CONF%:1'),
    ("events { } user nobody-there;", 'getpwnam("nobody-there") failed in %CONF%:1'),
]


@pytest.mark.parametrize("config, sentence", MISTAKES, ids=[sentence[:50] for _, sentence in MISTAKES])
def test_each_mistake_has_the_words_of_nginx(new_server, config, sentence):
    status, said = check(new_server, config)
    assert status == 1
    assert f"server: [emerg] {sentence}" in said
    assert said.endswith("server: configuration file %CONF% test failed\n")


@pytest.mark.parametrize("config, hint", [
    ("events { } http { sever { } }", 'did you mean "server"?'),
    ("events { } http { keepalive_timeouts 1; }", 'did you mean "keepalive_timeout"?'),
    ("events { } server { }", "it may stand in: http, upstream"),
    ("events { } http { root; }", "write: root path;"),
    ("events { } http { server { location / { }", "this block is not closed"),
    ('events { } user "nobody;', "the quote opened in line 1 is not closed"),
])
def test_hints_help(new_server, config, hint):
    assert f"^ {hint}\n" in check(new_server, config)[1]


@pytest.mark.parametrize("name, module", [
    ("proxy_cache a;", "ngx_http_proxy_module"), ("grpc_pass a;", "ngx_http_grpc_module"),
    ("fastcgi_pass a;", "ngx_http_fastcgi_module"), ("perl x;", "ngx_http_perl_module"),
    ("xslt_types a;", "ngx_http_xslt_module"), ("auth_jwt x;", "ngx_http_auth_jwt_module"),
])
def test_what_only_nginx_has_is_known_but_not_supported(new_server, name, module):
    status, said = check(new_server, f"events {{ }} http {{ server {{ location / {{ {name} }} }} }}")
    directive = name.split()[0]
    assert status == 1
    assert f'the "{directive}" directive of {module} is known but not supported in %CONF%:1' in said
    assert "did you mean" not in said


def test_an_unknown_block_is_one_mistake(new_server):
    status, said = check(new_server, "events { }\nblcok a {\n unknown b;\n inner { c d; }\n}\nalso_unknown;\n")
    assert status == 1
    assert [line for line in said.splitlines() if "[emerg]" in line] == [
        'server: [emerg] unknown directive "blcok" in %CONF%:2',
        'server: [emerg] unknown directive "also_unknown" in %CONF%:6',
    ]


def test_a_mistake_in_an_included_file_names_that_file(new_server):
    _, said = check(new_server, "events { }\nhttp {\n include part.conf;\n}\n",
                    files={"conf/part.conf": "server {\n    listn 80;\n}\n"})
    assert 'unknown directive "listn" in %PREFIX%/conf/part.conf:2\n    listn 80;\n    ^' in said


def test_a_mistake_on_the_command_line_says_so(new_server):
    status, said = check(new_server, "events { }", "-g", "unknown_one 1;")
    assert status == 1
    assert 'server: [emerg] unknown directive "unknown_one" in command line\n' in said


def test_long_lines_are_shown_in_part(new_server):
    _, said = check(new_server, "events { }" + " " * 300 + "unknown_one;" + " " * 300)
    shown = [line for line in said.splitlines() if "unknown_one;" in line]
    assert len(shown) == 1 and len(shown[0]) < 200


def test_a_bom_is_part_of_the_first_word(new_server):
    status, said = check(new_server, "\ufeffevents { }")
    assert status == 1
    assert "unknown directive" in said
