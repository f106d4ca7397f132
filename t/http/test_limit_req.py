"""`limit_req`: who asks too often waits or is refused. Rates are so slow that a test is over before anything leaks."""

import os
import signal

import pytest

from harness import wait_until

ZONE = "limit_req_zone $arg_key zone=one:64k rate=1r/m; limit_req_zone $arg_other zone=two:64k rate=1r/m; "


def statuses(server, *targets):
    return [server.get(target).status for target in targets]


def expect_verdicts(server, *expected):
    """What was logged, in any order: workers log by themselves, when the client has its answer already."""
    wait_until(lambda: sorted(server.access_log.split()) == sorted(expected), "the verdicts in the log")


@pytest.fixture
def limited(new_server):
    """A server with `limit_req …;` in its location /, and two zones of keys that the client names."""
    def start(limits, zones=ZONE, **how):
        text = (f"{zones} log_format verdict $limit_req_status; "
                f"server {{ listen 127.0.0.1:%PORT%; access_log logs/access.log verdict; location / {{ {limits} }} "
                "location /free { } location /redirected { error_page 404 /; } }")
        return new_server(http=text, files={"html/free": ""}, **how).start()
    return start


def test_the_second_request_of_a_key_is_refused(limited):
    server = limited("limit_req zone=one;")
    assert statuses(server, "/?key=a", "/?key=a", "/?key=b", "/?key=b", "/?key=a") == [200, 503, 200, 503, 503]
    server.wait_for_log(r'\[error\] .* limiting requests, excess: (1\.000|0\.\d{3}) by zone "one", client: 127.0.0.1')
    expect_verdicts(server, "PASSED", "REJECTED", "PASSED", "REJECTED", "REJECTED")


def test_an_empty_key_is_not_limited(limited):
    server = limited("limit_req zone=one;")
    assert statuses(server, "/", "/", "/free?key=a", "/free?key=a") == [200] * 4
    expect_verdicts(server, *["-"] * 4)


def test_a_key_that_is_too_long_is_not_limited_and_logged(limited):
    server = limited("limit_req zone=one;", f"limit_req_zone {'$arg_a' * 12} zone=one:128k rate=1r/m; "
                     "large_client_header_buffers 4 16k;")
    target = "/?a=" + "x" * 6000
    assert statuses(server, target, target) == [200, 200]
    server.wait_for_log(r'\[error\] .* the value of the "\$arg_a.*" key is more than 65535 bytes: "xxx', count=2)


def test_a_burst_without_delay_passes_at_once(limited):
    server = limited("limit_req zone=one burst=3 nodelay;")
    assert statuses(server, *["/?key=a"] * 6) == [200] * 4 + [503] * 2


def test_the_status_and_the_level_can_be_chosen(limited):
    server = limited("limit_req zone=one; limit_req_status 429; limit_req_log_level notice;")
    assert statuses(server, "/?key=a", "/?key=a") == [200, 429]
    server.wait_for_log(r"\[notice\] .* limiting requests")


def test_a_dry_run_counts_and_refuses_nothing(limited):
    server = limited("limit_req zone=one burst=1; limit_req_dry_run on;")
    assert statuses(server, *["/?key=a"] * 3) == [200] * 3
    server.wait_for_log(r'\[error\] .* limiting requests, dry run, excess: \d\.\d{3} by zone "one"')
    server.wait_for_log(r'\[warn\] .* delaying request, dry run, excess: \d\.\d{3}, by zone "one"')
    expect_verdicts(server, "PASSED", "DELAYED_DRY_RUN", "REJECTED_DRY_RUN")


def test_a_request_ahead_of_its_rate_waits(limited):
    server = limited("limit_req zone=one burst=5;", "limit_req_zone $arg_key zone=one:64k rate=10r/s;", workers=1)
    clients = [server.client() for _ in range(3)]
    with server.paused():  # what comes at once is of one time
        for client in clients:
            client.send_request("GET", "/?key=a")
    assert [client.read_response().status for client in clients] == [200] * 3
    for client in clients:
        client.close()
    server.wait_for_log(r'\[warn\] .* delaying request, excess: \d\.\d{3}, by zone "one"')
    expect_verdicts(server, "PASSED", "DELAYED", "DELAYED")


def test_a_client_that_leaves_is_not_waited_for(limited):
    server = limited("limit_req zone=one burst=5;")
    server.get("/?key=a")
    with server.client() as client:
        client.send_request("GET", "/?key=a")
        server.wait_for_log("delaying request")
    server.wait_for_log(r"\[info\] .* client prematurely closed connection, client: 127.0.0.1")


def test_who_left_is_logged_as_499(new_server):
    server = new_server(http=ZONE + "log_format s '$status $bytes_sent'; server { listen 127.0.0.1:%PORT%; "
                                    "access_log logs/access.log s; limit_req zone=one burst=5; }").start()
    server.get("/?key=a")
    with server.client() as client:
        client.send_request("GET", "/?key=a")
        server.wait_for_log("delaying request")
    server.wait_for_log(r"^499 0$", name="logs/access.log")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_ends_does_not_wait_for_those_who_wait(limited, number):
    server = limited("limit_req zone=one burst=5;")
    server.get("/?key=a")
    with server.client() as client:
        client.send_request("GET", "/?key=a")
        server.wait_for_log("delaying request")
        assert server.stop(number) == 0


def test_answers_keep_their_order_when_one_waits(limited):
    server = limited("limit_req zone=one burst=5;", "limit_req_zone $arg_key zone=one:64k rate=20r/s;")
    with server.client() as client:
        for target in ("/?key=a", "/?key=a", "/free", "/?key=a"):
            client.send_request("GET", target)
        assert [client.read_response().header("Content-Length") for _ in range(4)] == ["6", "6", "0", "6"]


def test_of_several_limits_each_may_refuse_and_then_none_has_counted(limited):
    server = limited("limit_req zone=one burst=1 nodelay; limit_req zone=two;")
    assert statuses(server, "/?key=a&other=x", "/?key=a&other=x") == [200, 503]
    server.wait_for_log('by zone "two"')
    # `one` did not count what `two` refused: there is room for another.
    assert statuses(server, "/?key=a&other=y", "/?key=a&other=z") == [200, 503]
    server.wait_for_log('by zone "one"')


def test_an_internal_redirect_is_not_counted_again(limited):
    server = limited("limit_req zone=one;")
    assert statuses(server, "/redirected?key=a", "/redirected?key=b") == [404, 404]
    assert server.get("/?key=a").status == 200


def test_the_page_of_a_refusal_is_not_limited(new_server):
    server = new_server(http=ZONE, server="", files={"html/busy.html": "busy"}, config=None)
    server.configure(http=ZONE, server="limit_req zone=one; error_page 503 /busy.html?key=a;")
    server.start()
    server.get("/?key=a")
    answer = server.get("/?key=a")
    assert (answer.status, answer.text) == (503, "busy")


def test_workers_count_together_and_reloads_keep_the_count(limited):
    server = limited("limit_req zone=one burst=9 nodelay;")
    assert statuses(server, *["/?key=a"] * 10) == [200] * 10
    server.reload()
    assert statuses(server, *["/?key=a"] * 5) == [503] * 5
    first = server.workers()
    for worker in first:
        server.expect(r"exited on signal 9")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(server.workers()) == len(first) and worker not in server.workers(), "a successor")
    assert statuses(server, *["/?key=a"] * 5) == [503] * 5
    assert server.get("/?key=b").status == 200


def test_another_size_begins_anew(limited):
    server = limited("limit_req zone=one;")
    assert statuses(server, "/?key=a", "/?key=a") == [200, 503]
    config = server.read("conf/server.conf")
    server.write("conf/server.conf", config.replace("zone=one:64k", "zone=one:128k"))
    server.reload()
    assert statuses(server, "/?key=a", "/?key=a") == [200, 503]


def test_another_key_is_refused_at_a_reload(limited):
    server = limited("limit_req zone=one;")
    server.expect(r"\[emerg\]")
    config = server.read("conf/server.conf")
    server.write("conf/server.conf", config.replace("limit_req_zone $arg_key", "limit_req_zone $uri"))
    done = server.run("-s", "reload")
    assert done.returncode == 1
    assert 'limit_req "one" uses the "$uri" key while previously it used the "$arg_key" key' in done.stderr
    assert statuses(server, "/?key=a", "/?key=a") == [200, 503]


def test_a_full_zone_forgets_who_asked_longest_ago(limited):
    server = limited("limit_req zone=one;", "limit_req_zone $arg_key zone=one:32k rate=1r/m;")
    with server.client() as client:
        for number in range(990):
            assert client.get(f"/?key={number:0200}").status == 200
        assert client.get(f"/?key={0:0200}").status == 200
        assert client.get(f"/?key={989:0200}").status == 503


def test_limits_are_inherited_as_a_whole(new_server):
    server = new_server(http=ZONE + "limit_req zone=one;",
                        server="location / { } location /own { limit_req zone=two; }", files={"html/own": ""}).start()
    assert statuses(server, "/?key=a&other=x", "/?key=a&other=x", "/own?key=a&other=y", "/own?key=b&other=y") == [
        200, 503, 200, 503]


MISTAKES = [
    ("limit_req_zone;", 'invalid number of arguments in "limit_req_zone" directive'),
    ("limit_req_zone $uri zone=a:1m;", 'invalid number of arguments in "limit_req_zone" directive'),
    ("limit_req_zone $uri zone=a rate=1r/s;", 'invalid zone size "zone=a"'),
    ("limit_req_zone $uri zone=a:x rate=1r/s;", 'invalid zone size "zone=a:x"'),
    ("limit_req_zone $uri zone=a:1k rate=1r/s;", 'zone "zone=a:1k" is too small'),
    ("limit_req_zone $uri zone=a:1m rate=0r/s;", 'invalid rate "rate=0r/s"'),
    ("limit_req_zone $uri zone=a:1m rate=1r/h;", 'invalid rate "rate=1r/h"'),
    ("limit_req_zone $uri zone=a:1m rate=-1;", 'invalid rate "rate=-1"'),
    ("limit_req_zone $uri zone=a:1m sync;", 'invalid parameter "sync"'),
    ("limit_req_zone $uri zone=a:1m rate=1r/s sync;", 'invalid number of arguments in "limit_req_zone" directive'),
    ("limit_req_zone $uri zone=a:1m burst=2;", 'invalid parameter "burst=2"'),
    ("limit_req_zone $uri rate=1r/s rate=2r/s;", '"limit_req_zone" must have "zone" parameter'),
    ("limit_req_zone $uri zone=a:1m rate=1r/s; limit_req_zone $args zone=a:1m rate=1r/s;",
     'limit_req_zone "a" is already bound to key "$uri"'),
    ("limit_req_zone $uri zone=a:1m rate=1r/s; limit_req_zone $uri zone=a:2m rate=1r/s;",
     'the size 2097152 of shared memory zone "a" conflicts with already declared size 1048576'),
    ("limit_req_zone $uri zone=a:1m rate=1r/s; limit_conn_zone $uri zone=a:1m;",
     'the shared memory zone "a" is already declared for a different use'),
    ("limit_req_zone $nonsense zone=a:1m rate=1r/s;", 'unknown "nonsense" variable'),
    ("limit_req zone=a;", 'zero size shared memory zone "a"'),
    ("limit_req;", 'invalid number of arguments in "limit_req" directive'),
    ("limit_req zone=a burst=1 nodelay x;", 'invalid number of arguments in "limit_req" directive'),
    ("limit_req a;", 'invalid parameter "a"'),
    ("limit_req burst=5;", '"limit_req" must have "zone" parameter'),
    ("limit_req zone=a burst=0;", 'invalid burst value "burst=0"'),
    ("limit_req zone=a burst=x;", 'invalid burst value "burst=x"'),
    ("limit_req zone=a delay=0;", 'invalid delay value "delay=0"'),
    ("limit_req zone=a; limit_req zone=a;", '"limit_req" directive is duplicate'),
    ("limit_req_status 399;", "value must be between 400 and 599"),
    ("limit_req_status 600;", "value must be between 400 and 599"),
    ("limit_req_status x;", '"limit_req_status" directive invalid number'),
    ("limit_req_log_level debug;", 'invalid value "debug" in "limit_req_log_level" directive'),
    ("limit_req_dry_run maybe;", 'invalid value "maybe" in "limit_req_dry_run" directive, it must be "on" or "off"'),
    ("limit_req_status 429; limit_req_status 429;", '"limit_req_status" directive is duplicate'),
]


@pytest.mark.parametrize("text, sentence", MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistakes_have_the_words_of_nginx(refuses, text, sentence):
    refuses(sentence, http=text)


@pytest.mark.parametrize("text, contexts", [
    ("limit_req_zone $uri zone=x:1m rate=1r/s;", "http"), ("limit_req zone=one;", "http server location"),
    ("limit_req_status 429;", "http server location"), ("limit_req_log_level info;", "http server location"),
    ("limit_req_dry_run on;", "http server location"),
])
def test_each_directive_has_its_contexts(stands_only_in, text, contexts):
    stands_only_in(text, contexts, http=ZONE)
