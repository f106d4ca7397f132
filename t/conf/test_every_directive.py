"""Every directive of the server's own table: blocks, numbers of arguments, values and second mentions, as in nginx.

Where a directive may stand and how many arguments it takes is compared with t/fuzz/nginx_rules.h, which nginx has told;
all of it, since one run of -t tells all mistakes of a file. Values are compared with the installed nginx line by line.
They come from the syntax the table shows, or from below where that does not say them. Not asked, since we differ:

    aio on                        needs FreeBSD there
    listen … accept_filter=       an emergency there, which is none; a warning here
    limit_req zone=;              named at the end there, and by another sentence
    modern_browser msie;          refused without a word there
    send_lowat                    warned of there, a notice here
    server_name a.*.b; a*; *.*    refused there only when two servers share an address
    split_clients … { 50%; }      reads beyond the line there
    worker_processes 0            means no workers there
"""

import collections
import os
import re
import subprocess

import pytest

from harness import binary
from harness.nginx import is_installed
from harness.verdicts import compare

# A value that is taken, then those that are not, by syntax.
BY_SYNTAX = {
    "on | off;": ["on", "maybe", "1", '""'],
    "size;": ["8k", "x", "-1", "1.5", '""', "1t"],
    "time;": ["5s", "x", "-1", "5y", "1s1s", '""'],
    "number;": ["7", "x", "-1", "1k", '""'],
    "number size;": ["4 8k", "x 8k", "4 x", "0 8k", "4 0", "-1 8k"],
}
BY_NAME = {
    "access_log": ["logs/a combined", "logs/a none", "logs/a combined buffer=x", "logs/a combined flush=x",
                   "logs/a combined flush=1s", "logs/a combined gzip=10", "logs/a$uri combined buffer=1k", "off off",
                   "logs/a combined what=1", "logs/a combined if=", "syslog:server=127.0.0.1,what=1"],
    "add_header": ["a b", "a b sometimes"],
    "add_trailer": ["a b", "a b sometimes"],
    "aio": ["off", "threads", "threads=a$uri", "maybe", "threads=none$"],
    "alias": ["/a", "$document_root", "$realpath_root/a"],
    "allow": ["all", "none", "10.0.0.0/33", "10.0.0.1/8", "::/129", "1.2.3", "unix"],
    "deny": ["all", "none", "10.0.0.0/33", "10.0.0.1/8", "::/129", "1.2.3", "unix"],
    "ancient_browser": ["a"],
    "auth_basic": ["a"],
    "auth_basic_user_file": ["a"],
    "auth_request": ["/a", "off"],
    "auth_request_set": ["$a b", "a b", "$a $nonsense_", "$uri a"],
    "autoindex_format": ["html", "text"],
    "client_body_in_file_only": ["clean", "maybe"],
    "client_body_temp_path": ["x 1", "x 0", "x y", "x 1 0", "x 4"],
    "debug_connection": ["127.0.0.1", "10.0.0.0/33", "10.0.0.1/8"],
    "debug_points": ["abort", "never"],
    "default_type": ["a/b"],
    "directio": ["4k", "x", "on"],
    "disable_symlinks": ["on", "maybe", "on from", "on to=/", "off from=/", "on from="],
    "env": ["A=b"],
    "error_log": ["logs/a info", "logs/a loud", "logs/a info loud", "logs/a info info", "syslog:server="],
    "error_page": ["404 /a", "299 /a", "600 /a", "x /a", "404 =x /a", "404 = =200 /a", "499 /a", "404 =200", "/a /b"],
    "expires": ["max", "x", "@25h", "modified @1h", "@x", "modified x", "later 1h", "modified epoch", "-x"],
    "fastcgi_temp_path": ["x 1", "x 0", "x y"],
    "geo": ["$a {}", "a {}", "$a b {}", "a $b {}"],
    "gzip_comp_level": ["4", "0", "10", "x"],
    "gzip_disable": ["a", "("],
    "gzip_hash": ["1k", "256", "1000", "256k", "x"],
    "gzip_http_version": ["1.0", "1.2", "2"],
    "gzip_proxied": ["any", "maybe", "any maybe"],
    "gzip_static": ["always", "maybe"],
    "gzip_types": ["a/b"],
    "gzip_window": ["1k", "256", "1000", "64k", "x"],
    "if": ["($a) { }", "$a { }", "($uri = ) { }", "($uri ~ a b) { }", "(-d) { }", "(-q a) { }",
           "(uri = a) { }", "($uri == a) { }", "($uri ~ () { }", "($uri !~* [) { }"],
    "if_modified_since": ["before", "never"],
    "index": ["a", '""', "a /b c"],
    "keepalive_disable": ["none", "chrome", "msie6 opera", "none msie6"],
    "keepalive_timeout": ["5s 5s", "x", "5s x", "-1"],
    "break": [""],
    "empty_gif": [""],
    "internal": [""],
    "send_lowat": ["x"],
    "proxy_send_lowat": ["x"],
    "limit_conn": ["a x", "a 0", "a -1", "a 65536"],
    "limit_conn_log_level": ["info", "crit"],
    "limit_conn_status": ["503", "399", "600", "x"],
    "limit_conn_zone": ["$uri zone=a:32k", "$uri a", "$uri zone=a", "$uri zone=a:1k", "$uri zone=:1m", "$uri zone=a:x",
                        "$nonsense_ zone"],
    "limit_except": ["GET { }", "GETS { }", "get { }", "GET FOO { }"],
    "limit_rate": ["1k", "x", "-1"],
    "limit_rate_after": ["1k", "x", "-1"],
    "limit_req": ["zone=a", "burst=5", "zone=a burst=x", "zone=a delay=x", "zone=a burst=0", "zone=a what=1",
                  "zone=a nodelay=1"],
    "limit_req_log_level": ["info", "crit"],
    "limit_req_status": ["503", "399", "600", "x"],
    "limit_req_zone": ["$uri zone=a:32k rate=1r/s", "$uri zone=a rate=1r/s", "$uri zone=a:32k rate=1",
                       "$uri zone=a:32k rate=0r/s", "$uri zone=a:32k rate=1r/h", "$uri zone=a:1k rate=1r/s",
                       "$uri rate=1r/s zone=a:x", "$uri a rate=1r/s", "$uri zone=:1m rate=1r/s"],
    "lingering_close": ["always", "maybe"],
    "listen": ["127.0.0.1:8099", "127.0.0.1:99999", "8099 what", "8099 backlog=0", "8099 backlog=x", "8099 rcvbuf=x",
               "8099 sndbuf=x", "8099 fastopen=x", "8099 ipv6only=on", "[::]:8099 ipv6only=x", "8099 so_keepalive=x",
               "8099 so_keepalive=x::", "8099 so_keepalive=::", "[::1:8099", "unix:", "127.0.0.1:9-8", "8099 setfib=1",
               "127.0.0.1:", ":8099", "-1", "65536", "8099 bind=1", "8099 backlog="],
    "location": ["/a { }", "~ ( { }", "a b { }", "= { }", "~ { }", "@ { }", "^~ { }", "=/a { }", "~* [ { }"],
    "log_format": ["a b", "a $nonsense_", "combined a", "a escape=x b"],
    "map": ["$uri $b { }", "$uri b { }", "$uri $b { a; }", "$uri $b { a b c; }", "$uri $b { ~( b; }",
            "$uri $b { default a; default b; }", "$uri $b { a b; a c; }", "$uri $b { include none; }"],
    "modern_browser": ["unlisted", "opera x", "none 1.0", "opera 1.0.0.0.0"],
    "modern_browser_value": ["a"],
    "ancient_browser_value": ["a"],
    "open_file_cache": ["max=2", "inactive=1s", "max=x", "max=0", "max=2 inactive=x", "on", "max=2 what=1", "off off"],
    "open_log_file_cache": ["max=2", "inactive=1s", "max=x", "max=0", "max=2 inactive=x", "on", "max=2 min_uses=0",
                            "max=2 valid=x", "off off"],
    "mirror": ["/a", "off"],
    "pid": ["logs/a.pid"],
    "proxy_bind": ["127.0.0.1", "off", "x", "::1", "[::1]", "[::1]:80", "127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:x",
                   "127.0.0.1 transparent", "127.0.0.1 x", "off transparent", "unix:/x", "localhost", "$arg_a", "80",
                   "$nonsense_", '""', "*", "127.0.0.1:99999"],
    "proxy_cookie_domain": ["a b", "off", "a", "~( b", "~a $1", "a $nonsense_", '"" b'],
    "proxy_cookie_flags": ["a secure", "off", "a", "~( secure", "a $nonsense_", "a secure httponly samesite=lax"],
    "proxy_cookie_path": ["a b", "off", "a", "~( b", "~*A $1", "a $nonsense_"],
    "proxy_hide_header": ["X-A", '""', "X-A X-A"],
    "proxy_http_version": ["1.0", "1.1", "2.1", "x"],
    "proxy_ignore_headers": ["Expires", "Date", "Vary Vary"],
    "proxy_limit_rate": ["1k", "x", "-1"],
    "proxy_method": ["GET", "$arg_a"],
    "proxy_next_upstream": ["error", "off", "maybe", "error error", "http_500 non_idempotent", "http_501"],
    "proxy_pass": ["http://127.0.0.1:8099", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999",
                   "http://127.0.0.1:x", "http://unix:/a", "http://unix:/a:/b", "https://127.0.0.1/a/", "/a",
                   "http://$a_", "http://[::1]", "http://[::1", "http://$host", "http:127.0.0.1"],
    "proxy_pass_header": ["X-A", "Date"],
    "proxy_redirect": ["a b", "off", "a", "default", "~( b", "~*A $1", "a $nonsense_", '"" ""'],
    "proxy_set_body": ["a", "$arg_a", "$nonsense_"],
    "proxy_set_header": ["X-A b", "X-A $nonsense_", 'Host ""'],
    "proxy_ssl_certificate": ["own.crt", "$host.crt", '""'],
    "proxy_ssl_certificate_key": ["own.key", "$host.key", "none"],
    "proxy_ssl_ciphers": ["HIGH", "NONSENSE"],
    "proxy_ssl_conf_command": ["Options Bugs", "Nonsense 1"],
    "proxy_ssl_crl": ["none"],
    "proxy_ssl_name": ["a", "$arg_a", "$nonsense_"],
    "proxy_ssl_password_file": ["own.key", "none"],
    "proxy_ssl_protocols": ["TLSv1.2", "TLSv1.2 tlsv1.3", "TLSv1.4", "TLSv1.2 TLSv1.2"],
    "proxy_ssl_trusted_certificate": ["own.crt", "none"],
    "proxy_store": ["on", "off", "x", "/x$uri", "$nonsense_", "ON"],
    "proxy_store_access": ["user:rw", "user:x", "user:rw group:rw all:r", "user", "user:", "x:rw", "user:wr",
                           "user:rw x"],
    "lock_file": ["logs/lock"],
    "proxy_temp_path": ["x 1", "x 0", "x y"],
    "read_ahead": ["8k", "x"],
    "real_ip_header": ["X-A"],
    "return": ["204", "x", "1000", "600 a", "-1", "200 a b", "301 $", '""', "http:/a"],
    "rewrite": ["a b", "( b", "a b often", "a $ last", "a b last last"],
    "root": ["/a", "$document_root", "$realpath_root/a"],
    "satisfy": ["any", "none"],
    "resolver": ["127.0.0.1", "127.0.0.1:5353 [::1] valid=10s ipv6=off", "127.0.0.1 valid=x", "127.0.0.1 valid=0",
                 "127.0.0.1 ipv6=maybe", "127.0.0.1 what=1", "valid=10s", "127.0.0.1:x", "127.0.0.1:0",
                 "127.0.0.1:70000", "[::1", "[::x]", ":53", '""', "unix:/x", "localhost", "::1", "127.0.0.1/a", "*"],
    "scgi_temp_path": ["x 1", "x 0", "x y"],
    "secure_link": ["$uri"],
    "secure_link_md5": ["$uri"],
    "secure_link_secret": ["a"],
    "server_name": ["~a", "*a.b", "~(", "..", "a..b", "*."],
    "server_tokens": ["off"],
    "set": ["$a b", "a b", "$ b", "$uri b", "$a $nonsense_", "$a ${uri"],
    "set_real_ip_from": ["127.0.0.1", "10.0.0.0/33", "10.0.0.1/8", "::/129", "1.2.3.4.5/8"],
    "split_clients": ["$uri $a { 50% b; * c; }", "$uri a { }", "$uri $a { 50 b; }", "$uri $a { 101% b; }",
                      "$uri $a { 60% b; 50% c; }", "$uri $a { 0.001% b; }", "$uri $a { x b; }"],
    "ssl_certificate": ["own.crt", "$ssl_server_name.crt"],
    "ssl_certificate_key": ["own.key", "$ssl_server_name.key"],
    "ssl_ciphers": ["HIGH"],
    "ssl_client_certificate": ["own.crt"],
    "ssl_conf_command": ["Options PrioritizeChaCha"],
    "ssl_crl": ["none"],
    "ssl_dhparam": ["none"],
    "ssl_ecdh_curve": ["prime256v1"],
    "ssl_ocsp": ["leaf", "maybe", "1", '""'],
    "ssl_ocsp_cache": ["off", "shared:a:1m", "shared:a:1k", "shared::1m", "shared:a", "shared:a:x", "shared", "on",
                       "none:a:1m", '""'],
    "ssl_ocsp_responder": ["http://a"],
    "ssl_password_file": ["own.key", "none"],
    "ssl_session_cache": ["off", "none", "builtin", "builtin:5", "builtin:", "builtin:x", "builtin:-1", "shared",
                          "shared:", "shared:a", "shared::1m", "shared:a:", "shared:a:x", "shared:a:1k",
                          "shared:a:32k", "shared:a:1m:2", "off none", "builtin shared:a:1m", "shared:a:1m off",
                          "maybe", '""', "shared:a:1m shared:a:2m", "shared:a:1m shared:b:1m", "Shared:a:1m"],
    "ssl_session_ticket_key": ["own.crt"],
    "ssl_stapling_file": ["own.der"],
    "ssl_stapling_responder": ["http://a"],
    "ssl_trusted_certificate": ["own.crt"],
    "ssl_verify_client": ["off", "maybe", "1"],
    "ssl_protocols": ["TLSv1.2", "TLSv1.2 tlsv1.3", "TLSv1.4", "TLSv1.2 TLSv1.2"],
    "stub_status": ["on"],
    "thread_pool": ["a threads=2", "a thread=2", "a threads=x", "a threads=0", "a threads=2 max_queue=x"],
    "timer_resolution": ["1s", "x", "-1"],
    "try_files": ["a b", "a =x", "a =1000", "a =404"],
    "types": ["{ a/b c; }", "{ a/b; }", "{ a/b c c; }", "{ a/b c; d/e c; }"],
    "user": ["root", "nobody_there", "root nobody_there"],
    "userid": ["v1", "maybe"],
    "userid_domain": ["a"],
    "userid_expires": ["max", "x", "-1"],
    "userid_flags": ["secure", "maybe", "off secure", "samesite=maybe", "samesite"],
    "userid_mark": ["A", "AB", "-", '""'],
    "userid_name": ["a"],
    "userid_p3p": ["a"],
    "upstream": ["u { server 127.0.0.1; }", "u { }", "u { server 127.0.0.1 backup; }", "u { server; }",
                 "u { server a b; root a; }"],
    "userid_path": ["a"],
    "uwsgi_temp_path": ["x 1", "x 0", "x y"],
    "valid_referers": ["none a.b", "~(", "a.*.b", "*"],
    "variables_hash_max_size": ["2048", "x", "-1", "1k", '""'],
    "worker_cpu_affinity": ["01", "2", "0x", "auto auto", "auto 01 10"],
    "worker_priority": ["5", "x", "-x"],
    "worker_processes": ["2", "x", "-1"],
    "working_directory": ["/tmp"],
}

# In an upstream block, where names of other blocks mean something else.
IN_UPSTREAM = {
    "hash": ["$uri", "$uri consistent", "$uri what", "$nonsense_", "a${uri", '"" consistent'],
    "ip_hash": [""],
    "keepalive": ["5", "x", "-1", "5k", '""'],
    "least_conn": [""],
    "random": ["", "two", "two least_conn", "three", "one least_conn", "two most_conn"],
    "server": ["127.0.0.1:80", "127.0.0.1 weight=2 max_fails=0 fail_timeout=5s max_conns=3", "[::1]:81 down",
               "unix:/x backup", "127.0.0.1 weight=0", "127.0.0.1 weight=x", "127.0.0.1 weight=",
               "127.0.0.1 max_fails=-1", "127.0.0.1 max_fails=x", "127.0.0.1 fail_timeout=x",
               "127.0.0.1 fail_timeout=-1", "127.0.0.1 max_conns=x", "127.0.0.1 down=1", "127.0.0.1 backup=1",
               "127.0.0.1 what", "127.0.0.1 what=1", "127.0.0.1 weight=1 weight=2", "127.0.0.1 down down",
               "127.0.0.1:99999", "127.0.0.1:x", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:80-90", ":80", "[::1", "[::x]",
               "[::1]x", "[::1]:x", "[]:80", '""', "unix:", f"unix:/{'x' * 200}", "a/b", "http://a", "*", "*:80", "::1",
               "$host", "localhost"],
    "zone": ["a 64k", "a", "a 1k", "a x", '"" 64k', "a 0", '"" x'],
}

# Newer than the nginx of the table above, blocks that stand once, and what means something else here.
NO_VALUES = {
    "add_header_inherit", "add_trailer_inherit", "api", "dashboard", "early_hints", "health_check",
    "keepalive_min_timeout", "match", "max_headers", "metrics",
    "proxy_pass_trailers", "proxy_retry_budget", "proxy_socket_rcvbuf", "proxy_socket_sndbuf",
    "proxy_ssl_certificate_cache", "proxy_ssl_key_log",
    "ssl_async_threads", "ssl_certificate_cache", "ssl_certificate_compression", "ssl_ech_file", "ssl_ktls",
    "stall_threshold", "status_zone", "use", "load_module", "http", "events", "server",
    "tunnel_bind", "tunnel_buffer_size", "tunnel_connect_timeout", "tunnel_next_upstream",
    "tunnel_next_upstream_timeout", "tunnel_next_upstream_tries", "tunnel_pass", "tunnel_read_timeout",
    "tunnel_send_lowat", "tunnel_send_timeout", "tunnel_socket_keepalive", "tunnel_socket_rcvbuf",
    "tunnel_socket_sndbuf",
}

# Newer in an upstream block: their values are in test_upstream.py.
NO_VALUES_IN_UPSTREAM = {"least_time", "queue", "resolver", "resolver_timeout", "state", "status_zone", "sticky"}

LETTERS = {"location": "l", "server": "s", "http": "h", "upstream": "u", "events": "e", "main": "m"}

# By the names of nginx_rules.h: what opens the block, and what closes it.
BLOCKS = {
    "main": ("", ""), "events": ("events {", "}"), "http": ("http {", "}"),
    "upstream": ("http { upstream u { server 127.0.0.1;", "} }"),
    "server": ("http { server {", "} }"),
    "location": ("http { server { location / {", "} } }"),
    "if_in_server": ("http { server { if ($uri) {", "} } }"),
    "if_in_location": ("http { server { location / { if ($uri) {", "} } } }"),
    "limit_except": ("http { server { location / { limit_except GET {", "} } } }"),
}
COUNTS_MAX = 9
MISTAKES_MAX = 500  # of a file: more than twice as many are not shown


def table():
    """Of each directive of nginx's that this server has, the blocks it may stand in and its syntax."""
    done = subprocess.run([binary(), "--directives"], capture_output=True, text=True)
    rows = [line.split("\t")[:3] for line in done.stdout.splitlines()]
    return [(name, contexts.split(", "), syntax) for name, contexts, syntax in rows if not name.startswith("uring_")]


def rules():
    """By name and block, the numbers of arguments nginx takes, as bits."""
    with open(os.path.join(os.path.dirname(__file__), "../fuzz/nginx_rules.h")) as file:
        rows = re.findall(r"\{(conf::[^,]*), (0b[01]+),\s+((?:\"[^\"]*\"\s*)+)\}", file.read())
    allowed = collections.defaultdict(int)
    for blocks, counts, names in rows:
        for block in re.findall(r"conf::(\w+)", blocks):
            for name in names.replace('"', " ").split():
                allowed[name, block] |= int(counts, 2)
    return allowed


@pytest.fixture
def prefix(tmp_path):
    for folder in ("conf", "logs"):
        (tmp_path / folder).mkdir()
    return str(tmp_path)


def sentences_by_line(prefix, text):
    path = os.path.join(prefix, "conf/server.conf")
    with open(path, "w") as file:
        file.write(text)
    done = subprocess.run([binary(), "-t", "-p", prefix, "-c", path], capture_output=True, text=True)
    found = collections.defaultdict(list)
    for sentence, line in re.findall(r"\[emerg\] (.*) in \S+:(\d+)$", done.stderr, re.M):
        found[int(line)].append(sentence)
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_and_numbers_of_arguments_are_those_of_nginx(prefix, block):
    opening, closing = BLOCKS[block]
    allowed = rules()
    syntax = {name: syntax for name, contexts, syntax in sorted(table(), key=lambda row: block in row[1])}
    lines = [(name, count) for name in syntax for count in range(COUNTS_MAX + 2)]
    wrong = []
    for first in range(0, len(lines), MISTAKES_MAX):
        part = lines[first:first + MISTAKES_MAX]
        text = [name + " x" * count + (" {}" if syntax[name].endswith("}") else ";") for name, count in part]
        told = sentences_by_line(prefix, "\n".join([opening, *text, closing, "events {}" * (block != "events")]))
        for number, (name, count) in enumerate(part, 2):
            counts = allowed[name, block]
            want = None
            if not counts:
                want = f'"{name}" directive is not allowed here'
            elif not counts >> min(count, COUNTS_MAX) & 1:
                want = f'invalid number of arguments in "{name}" directive'
            refused = [s for s in told[number] if "is not allowed here" in s or "invalid number of arguments in" in s]
            if refused != ([want] if want else []):
                wrong.append(f"{text[number - 2]}\n  nginx: {want}\n  ours:  {told[number]}")
    assert not wrong, f"{len(wrong)} lines in {block} are judged differently:\n" + "\n".join(wrong[:20])


def cases():
    """For each directive a value that is taken, the same twice, and values that are not: pairs of block and line."""
    for name, contexts, syntax in table():
        in_upstream = contexts == ["upstream"]
        own = IN_UPSTREAM if in_upstream else BY_NAME
        if name in (NO_VALUES_IN_UPSTREAM if in_upstream else NO_VALUES):
            continue
        block = next(letter for context, letter in LETTERS.items() if context in contexts)
        values = own.get(name) or BY_SYNTAX.get(syntax)
        assert values, f"no values for {name} {syntax}"
        lines = [f"{name} {value}".strip() + ("" if value.endswith("}") else ";") for value in values]
        for line in [*lines, f"{lines[0]} {lines[0]}"]:
            yield block, line


@pytest.mark.parametrize("part", range(4))
def test_values_and_second_mentions_are_judged_as_nginx_judges_them(prefix, part):
    if not is_installed():
        pytest.skip("no nginx here")
    different = compare(prefix, list(cases())[part::4])
    assert not different, f"{len(different)} lines are judged differently:\n" + "\n".join(different[:20])
