"""Mistakes about directives as nginx words them: each line is checked by nginx and by this server.

A line stands in a context: m is main, e events, h http, s server, l location. It is accepted by both, or refused
by both with the same sentence; ours also names the directive of a value it does not know. Skipped without nginx.
"""

import pytest

from harness.nginx import is_installed
from harness.verdicts import compare

GZIP = """
hsl gzip on; | gzip off; | gzip maybe; | gzip; | gzip on on; | gzip on; gzip on;
m gzip on; | gzip_types *; | gunzip on; | gzip_static on; | gzip_vary on; | gzip_proxied any; | gzip_disable x;
m gzip_min_length 1; | gzip_comp_level 1; | gzip_window 1k; | gzip_hash 1k; | gzip_buffers 1 1; | gunzip_buffers 1 1;
hsl gzip_types; | gzip_types text/plain text/css; | gzip_types *; | gzip_types text/plain * text/css;
h gzip_types text/plain; gzip_types text/css; | gzip_types text/html; | gzip_types text/plain text/PLAIN;
hsl gzip_min_length; | gzip_min_length x; | gzip_min_length 1k; | gzip_min_length 1 2; | gzip_min_length -1;
h gzip_min_length 1; gzip_min_length 2;
hsl gzip_comp_level 0; | gzip_comp_level 1; | gzip_comp_level 9; | gzip_comp_level 10; | gzip_comp_level x;
h gzip_comp_level 1; gzip_comp_level 2; | gzip_comp_level; | gzip_comp_level -1; | gzip_comp_level 1 2;
hsl gzip_window 512; | gzip_window 1k; | gzip_window 32k; | gzip_window 64k; | gzip_window 256; | gzip_window 1000;
h gzip_window; | gzip_window x; | gzip_window 1k; gzip_window 1k;
hsl gzip_hash 512; | gzip_hash 1k; | gzip_hash 128k; | gzip_hash 256k; | gzip_hash 256; | gzip_hash x;
h gzip_hash; | gzip_hash 1k; gzip_hash 1k;
hsl gzip_buffers 4 8k; | gzip_buffers 0 8k; | gzip_buffers 4; | gzip_buffers 4 8k 1; | gzip_buffers x 8k;
h gzip_buffers 4 x; | gzip_buffers 4 0;
hsl postpone_gzipping 1k; | postpone_gzipping x; | postpone_gzipping; | gzip_no_buffer on; | gzip_no_buffer x;
hsl gzip_http_version 1.0; | gzip_http_version 1.1; | gzip_http_version 2; | gzip_http_version;
h gzip_http_version 1.0; gzip_http_version 1.0;
hsl gzip_proxied off; | gzip_proxied any; | gzip_proxied expired no-cache no-store private no_last_modified;
hsl gzip_proxied no_etag auth; | gzip_proxied; | gzip_proxied maybe; | gzip_proxied off; gzip_proxied any;
h gzip_proxied any any;
hsl gzip_disable msie6; | gzip_disable "MSIE [1-6]"; | gzip_disable a b; | gzip_disable; | gzip_disable "(";
h gzip_disable a; gzip_disable b;
hsl gzip_vary on; | gzip_vary off; | gzip_vary; | gzip_vary x; | gzip_vary on; gzip_vary on;
hsl gunzip on; | gunzip; | gunzip x; | gunzip_buffers 4 4k; | gunzip_buffers 4; | gunzip on; gunzip on;
hsl gzip_static on; | gzip_static off; | gzip_static always; | gzip_static maybe; | gzip_static;
h gzip_static on; gzip_static on;
"""


def lines(text):
    for row in text.strip().splitlines():
        contexts, _, rest = row.partition(" ")
        for line in rest.split(" | "):
            for context in contexts:
                yield context, line


def check(new_server, text):
    if not is_installed():
        pytest.skip("no nginx here")
    server = new_server(config="")
    server.expect("")
    different = compare(server.prefix, list(lines(text)))
    assert not different, f"{len(different)} lines are judged differently:\n" + "\n".join(different[:20])


def test_compression_is_configured_alike(new_server):
    check(new_server, GZIP)


BODIES = """
hsl client_body_in_file_only on; | client_body_in_file_only off; | client_body_in_file_only clean;
hsl client_body_in_file_only; | client_body_in_file_only maybe;
h client_body_in_file_only on; client_body_in_file_only on;
m client_body_in_file_only on; | client_body_temp_path x; | client_body_in_single_buffer on;
hsl client_body_in_single_buffer on; | client_body_in_single_buffer x; | client_body_in_single_buffer;
hsl client_body_temp_path x; | client_body_temp_path x 1; | client_body_temp_path x 1 2;
hsl client_body_temp_path x 1 2 3;
hsl client_body_temp_path; | client_body_temp_path x 1 2 3 4; | client_body_temp_path x 0; | client_body_temp_path x y;
hsl client_body_temp_path x; client_body_temp_path y;
hsl client_body_buffer_size 1k; | client_body_buffer_size; | client_body_buffer_size x; | client_body_timeout 1s;
hsl client_body_timeout x; | client_body_timeout; | client_max_body_size 1g; | client_max_body_size x;
"""


def test_bodies_are_configured_alike(new_server):
    check(new_server, BODIES)


SENDING = """
hsl limit_rate 1k; | limit_rate x; | limit_rate; | limit_rate $arg_x; | limit_rate 0; | limit_rate 1k 2k;
hsl limit_rate_after 1k; | limit_rate_after x; | limit_rate_after; | limit_rate_after $arg_x;
h limit_rate 1k; limit_rate 2k; | limit_rate_after 1k; limit_rate_after 2k; | limit_rate ${x;
m limit_rate 1k; | limit_rate_after 1k; | chunked_transfer_encoding on; | postpone_output 1;
hsl chunked_transfer_encoding on; | chunked_transfer_encoding x; | chunked_transfer_encoding;
h chunked_transfer_encoding on; chunked_transfer_encoding on;
hsl postpone_output 0; | postpone_output x; | postpone_output; | reset_timedout_connection on;
hsl reset_timedout_connection x; | tcp_nopush on; | tcp_nopush x; | tcp_nodelay off; | tcp_nodelay x;
"""


def test_sending_is_configured_alike(new_server):
    check(new_server, SENDING)


TUNING = """
m timer_resolution 1s; | timer_resolution x; | timer_resolution; | pcre_jit on; | pcre_jit x; | lock_file x;
m lock_file; | debug_points abort; | debug_points STOP; | debug_points x; | debug_points; | multi_accept on;
e multi_accept on; | multi_accept x; | accept_mutex off; | accept_mutex x; | accept_mutex_delay 1s;
e accept_mutex_delay x; | worker_aio_requests 0; | worker_aio_requests x; | debug_connection 127.0.0.1;
e debug_connection; | debug_connection 127.0.0.1 ::1; | timer_resolution 1s; | aio threads;
hsl aio off; | aio threads; | aio threads=default; | aio threads=$host; | aio threads=$nonsense; | aio x; | aio;
hsl aio OFF; | aio threads default; | aio threadsx; | aio_write on; | aio_write x; | output_buffers 1 32k;
hsl output_buffers 0 1k; | output_buffers 1 0; | output_buffers 1; | output_buffers x 1k; | read_ahead 0;
hsl read_ahead x; | send_lowat x; | send_lowat; | postpone_output 1g; | postpone_output -1; | postpone_output 1 2;
hsl subrequest_output_buffer_size 0; | subrequest_output_buffer_size x; | log_subrequest x; | msie_padding x;
hsl msie_refresh x; | types_hash_max_size x; | types_hash_bucket_size x; | types_hash_max_size; | postpone_gzipping -1;
hsl proxy_temp_path x 1 2 3; | proxy_temp_path x 0; | proxy_temp_path x y; | proxy_temp_path x 1 2 3 4;
hsl fastcgi_temp_path x 1 z; | uwsgi_temp_path x -1; | scgi_temp_path;
hs connection_pool_size 512; | connection_pool_size 96; | connection_pool_size 120; | connection_pool_size x;
hs request_pool_size 4k; | request_pool_size 0; | request_pool_size 1000; | request_pool_size 1001; | request_pool_size;
l connection_pool_size 512; | request_pool_size 4k; | server_names_hash_max_size 512; | map_hash_max_size 64;
h server_names_hash_max_size x; | server_names_hash_bucket_size; | variables_hash_max_size x; | map_hash_max_size x;
s server_names_hash_max_size 512; | variables_hash_max_size 512; | map_hash_bucket_size 64;
"""

TWICE = {
    "m": "timer_resolution 1s; | pcre_jit on; | lock_file x; | debug_points abort;",
    "e": "multi_accept on; | accept_mutex on; | accept_mutex_delay 1s; | worker_aio_requests 32; | "
         "debug_connection 127.0.0.1;",
    "h": "server_names_hash_max_size 512; | server_names_hash_bucket_size 64; | variables_hash_max_size 1024; | "
         "variables_hash_bucket_size 64; | map_hash_max_size 64; | map_hash_bucket_size 64;",
    "hs": "connection_pool_size 512; | request_pool_size 4k;",
    "hsl": "aio off; | aio_write on; | output_buffers 2 32k; | postpone_output 1; | read_ahead 0; | "
           "subrequest_output_buffer_size 4k; | types_hash_max_size 2048; | types_hash_bucket_size 64; | "
           "log_subrequest on; | msie_padding on; | msie_refresh on; | client_body_in_single_buffer on; | "
           "gzip_buffers 4 4k; | postpone_gzipping 1k; | gzip_no_buffer on; | gunzip_buffers 4 4k; | "
           "proxy_temp_path x; | fastcgi_temp_path x; | uwsgi_temp_path x; | scgi_temp_path x;",
    "sl": "referer_hash_max_size 64; | referer_hash_bucket_size 64;",
}


def test_tuning_is_configured_alike(new_server):
    check(new_server, TUNING)


def test_what_has_no_effect_is_refused_when_repeated(new_server):
    check(new_server, "\n".join(f"{contexts} " + " | ".join(f"{line} {line}" for line in text.split(" | "))
                                for contexts, text in TWICE.items()))


CAPTURES = """
sl return 200 $1; | return 200 ${1}; | return 200 $0; | return 200 $10; | return 200 ${10}; | return 200 ${1a};
sl return 200 "$0a"; | return 200 ${}; | rewrite ^(.*)$ /$1; | rewrite ^(.*)$ /${1}; | set $a $1; | set $a ${1};
sl set $1 x; | set $1 x; return 200 ${1}; | if ($1) {} | if ($1 = a) {} | set $1 x; if ($1) {}
hsl add_header a $1; | add_header a ${1}; | expires $1; | expires ${1}; | error_page 404 /$1; | error_page 404 /${1};
hsl root $1; | root ${1}; | limit_rate ${1}; | index ${1}; | index $1;
h log_format a $1; | log_format a ${1}; | log_format a $1x; | map $1 $a {} | map ${1} $a {} | map $0 $a {}
h map a $a { b $1; } | map a $a { b ${1}; } | split_clients $1 $a { * b; } | split_clients ${1} $a { * b; }
h geo $1 $a {} | limit_req_zone $1 zone=a:1m rate=1r/s; | limit_req_zone ${1} zone=a:1m rate=1r/s;
sl try_files /$1 =404; | try_files /${1} =404;
l alias x$1; | alias x${1};
"""


def test_captures_are_no_names(new_server):
    check(new_server, CAPTURES)
