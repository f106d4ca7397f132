"""`limit_conn`: how many requests with the same key may be under way at once, in all workers together."""

import os
import signal

import pytest

from harness import wait_until

ZONE = "limit_conn_zone $arg_key zone=one:64k; limit_conn_zone $arg_other zone=two:64k; "
LARGE = 8 << 20  # more than the sockets take: the answer stays under way


@pytest.fixture
def limited(new_server):
    def start(limits, **how):
        text = (f"{ZONE} log_format verdict $limit_conn_status; server {{ listen 127.0.0.1:%PORT% sndbuf=64k; "
                f"root html; access_log logs/access.log verdict; location / {{ {limits} }} }}")
        return new_server(http=text, files={"html/large": b"x" * LARGE}, **how).start()
    return start


def hold(server, target):
    """Asks for the large file and does not read on: it stays under way. Gives the client."""
    client = server.client(room=1 << 16)
    client.send_request("GET", target)
    client.take_through(b"\r\n\r\n")
    return client


def test_one_more_than_the_limit_is_refused(limited):
    server = limited("limit_conn one 2;")
    first, second = hold(server, "/large?key=a"), hold(server, "/large?key=a")
    assert server.get("/?key=a").status == 503
    server.wait_for_log(r'\[error\] .* limiting connections by zone "one", client: 127.0.0.1, server: , '
                        r'request: "GET /\?key=a HTTP/1.1"')
    assert server.get("/?key=b").status == 200
    assert server.get("/").status == 200
    first.take(LARGE)
    wait_until(lambda: server.get("/?key=a").status == 200, "the first one to be given back")
    second.close()
    first.close()
    wait_until(lambda: server.access_log.count("PASSED") == 4, "all to be logged")
    assert "REJECTED" in server.access_log


def test_who_leaves_is_not_counted(limited):
    server = limited("limit_conn one 1;")
    hold(server, "/large?key=a").close()
    wait_until(lambda: server.get("/?key=a").status == 200, "the connection to be given back")


def test_a_pipeline_is_one_request_at_a_time(limited):
    server = limited("limit_conn one 1;")
    with server.client() as client:
        for _ in range(20):
            client.send_request("GET", "/?key=a")
        assert [client.read_response().status for _ in range(20)] == [200] * 20


def test_a_dry_run_refuses_nothing(limited):
    server = limited("limit_conn one 1; limit_conn_dry_run on; limit_conn_log_level warn;")
    with hold(server, "/large?key=a"):
        assert server.get("/?key=a").status == 200
        server.wait_for_log(r'\[warn\] .* limiting connections, dry run, by zone "one"')
        server.wait_for_log("REJECTED_DRY_RUN", name="logs/access.log")


def test_the_status_can_be_chosen(limited):
    server = limited("limit_conn one 1; limit_conn_status 429;")
    with hold(server, "/large?key=a"):
        assert server.get("/?key=a").status == 429


def test_of_several_limits_the_first_gives_back_what_the_second_refuses(limited):
    server = limited("limit_conn one 2; limit_conn two 1;")
    with hold(server, "/large?key=a&other=x"):
        for _ in range(3):
            assert server.get("/?key=a&other=x").status == 503
        assert server.get("/?key=a&other=y").status == 200


def test_a_key_that_is_too_long_is_not_limited(limited):
    server = limited("limit_conn one 1;")
    key = "x" * 256
    with hold(server, f"/large?key={key}"):
        assert server.get(f"/?key={key}").status == 200
    server.wait_for_log(r'\[error\] .* the value of the "\$arg_key" key is more than 255 bytes: "xxx', count=2)


def test_reloads_keep_the_count(limited):
    server = limited("limit_conn one 1;")
    with hold(server, "/large?key=a") as client:
        server.reload()
        assert server.get("/?key=a").status == 503
        client.take(LARGE)
        wait_until(lambda: server.get("/?key=a").status == 200, "it to be given back")


def test_what_a_dead_worker_held_counts_no_more(limited):
    server = limited("limit_conn one 1;")
    server.expect("exited on signal 9")
    with hold(server, "/large?key=a"):
        assert server.get("/?key=a").status == 503
        before = server.workers()
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not set(before) & set(server.workers()), "the workers to be buried")
        wait_until(lambda: server.get("/?key=a").status == 200, "their counts to be forgotten")


MISTAKES = [
    ("limit_conn_zone $uri;", 'invalid number of arguments in "limit_conn_zone" directive'),
    ("limit_conn_zone $uri zone=a;", 'invalid zone size "zone=a"'),
    ("limit_conn_zone $uri zone=a:31k;", 'zone "zone=a:31k" is too small'),
    ("limit_conn_zone $uri a:1m;", 'invalid parameter "a:1m"'),
    ("limit_conn_zone $uri zone=:1m;", '"limit_conn_zone" must have "zone" parameter'),
    ("limit_conn_zone $uri zone=a:1m; limit_conn_zone $args zone=a:1m;",
     'limit_conn_zone "a" is already bound to key "$uri"'),
    ("limit_conn a;", 'invalid number of arguments in "limit_conn" directive'),
    ("limit_conn a 1;", 'zero size shared memory zone "a"'),
    ("limit_conn a 0;", 'invalid number of connections "0"'),
    ("limit_conn a x;", 'invalid number of connections "x"'),
    ("limit_conn a 65536;", "connection limit must be less 65536"),
    ("limit_conn a 1; limit_conn a 2;", '"limit_conn" directive is duplicate'),
    ("limit_conn_status 200;", "value must be between 400 and 599"),
    ("limit_conn_log_level crit;", 'invalid value "crit" in "limit_conn_log_level" directive'),
    ("limit_conn_dry_run 1;", 'invalid value "1" in "limit_conn_dry_run" directive, it must be "on" or "off"'),
]


@pytest.mark.parametrize("text, sentence", MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(refuses, text, sentence):
    refuses(sentence, http=text)


@pytest.mark.parametrize("text, contexts", [
    ("limit_conn_zone $uri zone=x:1m;", "http"), ("limit_conn one 1;", "http server location"),
    ("limit_conn_status 429;", "http server location"), ("limit_conn_log_level info;", "http server location"),
    ("limit_conn_dry_run on;", "http server location"),
])
def test_each_directive_has_its_contexts(stands_only_in, text, contexts):
    stands_only_in(text, contexts, http=ZONE)
