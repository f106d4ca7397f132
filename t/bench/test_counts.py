"""bench counts what happened: as the server has counted it, and as a server that answers wrongly meant it."""

import pytest

from harness import wait_until
from harness.backend import Answer, response
from harness.bench import measured, run

HELLO = response("hello")
LAST = response("too much", "Connection: close", status=413)
KINDS = ["connect", "tls", "send", "receive", "closed", "cut", "timeout", "head", "body", "excess"]


def failures(of):
    """The kinds of failures there were, with their counts."""
    assert set(of["failures"]) == {"all", *KINDS}
    assert of["failures"]["all"] == sum(of["failures"][kind] for kind in KINDS)
    return {kind: of["failures"][kind] for kind in KINDS if of["failures"][kind]}


def url_of(origin, path="/"):
    return f"http://{origin.address}{path}"


@pytest.fixture
def site(serve):
    return serve("location = /metrics { metrics; } location /ok { status_zone ok; return 200 hello; } "
                 "location /gone { status_zone gone; return 410; }", files={"html/1k": "x" * 1024})


def zone_counts(server, zone):
    """By class, as the server's own metrics have it."""
    counts = {}
    for line in server.get("/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith("ringx_location_zone_responses_total") and f'zone="{zone}"' in name:
            counts[name.partition('class="')[2].partition('"')[0]] = int(float(value))
    return {family: count for family, count in counts.items() if count}


@pytest.mark.parametrize("how", [[], ["-t", "2"], ["--pipeline", "8"], ["--close"], ["--rate", "2000"],
                                 ["-m", "HEAD"], ["-m", "POST"]], ids=" ".join)
def test_counts_agree_with_the_server(site, engine, how):
    result = measured("--engine", engine, "-c", 6, "-n", 50, *how, f"http://127.0.0.1:{site.port()}/ok")
    assert result["engine"] == engine
    assert result["answers"] == 300 and result["statuses"] == {"200": 300} and not failures(result)
    assert result["latency_us"]["count"] == 300
    assert result["connections"] == (300 if "--close" in how else 6)
    wait_until(lambda: zone_counts(site, "ok") == {"2xx": 300}, "300 requests in the server's metrics")


def test_a_run_by_the_clock_agrees_with_the_server(site, engine):
    result = measured("--engine", engine, "-c", 4, "-d", "300ms", f"http://127.0.0.1:{site.port()}/ok")
    assert result["answers"] > 0 and not failures(result) and result["given_up"] == 0
    wait_until(lambda: zone_counts(site, "ok") == {"2xx": result["answers"]}, "as many requests in the metrics")


def test_urls_take_turns(site, engine):
    base = f"http://127.0.0.1:{site.port()}"
    urls = [base + path for path in ("/ok", "/gone", "/1k")]
    result = measured("--engine", engine, "-c", 2, "-n", 30, "--pipeline", 5, *urls)
    assert result["statuses"] == {"200": 40, "410": 20}
    wait_until(lambda: zone_counts(site, "ok") == {"2xx": 20} and zone_counts(site, "gone") == {"4xx": 20},
               "a third of the requests in each location")


def test_bytes_are_those_of_the_connections(engine, backend):
    origin = backend(HELLO)
    result = measured("--engine", engine, "-c", 1, "-n", 10, url_of(origin))
    assert result["bytes_in"] == 10 * len(HELLO)
    assert result["bytes_out"] == len(origin.connections[0].received) == 10 * len(
        f"GET / HTTP/1.1\r\nHost: {origin.address}\r\n\r\n")


def test_requests_are_as_they_were_asked_for(engine, backend, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 3000)
    origin = backend(HELLO)
    measured("--engine", engine, "-c", 1, "-n", 2, "-m", "PUT", "-H", "X-A: 1", "--body", tmp_path / "body",
             url_of(origin, "/a?b"))
    for request in origin.requests:
        assert request.method == "PUT" and request.target == "/a?b" and request.body == b"x" * 3000
        assert request.header("X-A") == "1"


# What a server does wrong, and as what it counts: of one connection that asks ten times.
WRONG = {
    "status": (response("no", status=503), {}, {"503": 10}),
    "short body": (Answer(HELLO[:-2], "close"), {"cut": 10}, {}),
    "short head": (Answer(HELLO[:20], "close"), {"cut": 10}, {}),
    "no answer": (Answer(b"", "close"), {"closed": 10}, {}),
    "reset": (Answer(b"HTTP/1.1 200", "reset"), {"receive": 10}, {}),
    "garbage": (Answer(b"What?\r\n\r\n", "close"), {"head": 10}, {}),
    "two lengths": (Answer(response("hello", "Content-Length: 7"), "close"), {"head": 10}, {}),
    "bad chunks": (Answer(response("hello", framing="chunked").replace(b"\r\n0\r\n", b"x\r\n0\r\n"), "close"),
                   {"body": 10}, {}),
    "no last chunk": (Answer(response("hello", framing="chunked")[:-5], "close"), {"cut": 10}, {}),
    "too much": (Answer(HELLO + b"!", "close"), {"excess": 10}, {"200": 10}),
    "an answer more": (Answer(HELLO + HELLO, "close"), {"excess": 10}, {"200": 10}),
    "a switch of protocols": (Answer(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "close"),
                              {"head": 10}, {}),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_answers_are_counted_by_kind(engine, backend, wrong):
    answer, kinds, statuses = WRONG[wrong]
    result = measured("--engine", engine, "-c", 1, "-n", 10, url_of(backend(answer)))
    assert failures(result) == kinds
    assert result["statuses"] == statuses
    assert result["answers"] == sum(statuses.values()) == result["latency_us"]["count"]


RIGHT = {
    "interim responses": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO,
    "chunks": response("hello", framing="chunked"),
    "no body": response(status=204, framing="none"),
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    "until the end": Answer(response("hello", framing="none"), "close"),
    "the last on its connection": Answer(response("hello", "Connection: close"), "close"),
    "HTTP/1.0": Answer(response("hello", version="1.0"), "close"),
    "in parts": Answer(HELLO, step=20),
}


@pytest.mark.parametrize("right", RIGHT)
def test_right_answers_of_every_kind_are_no_failures(engine, backend, right):
    how = ["-c", 2, "-n", 2, "--timeout", "60s"]
    result = measured("--engine", engine, *how, url_of(backend(RIGHT[right])))
    assert not failures(result) and result["answers"] == 4
    assert len(result["statuses"]) == 1


def test_answers_to_HEAD_have_no_body(engine, backend):
    result = measured("--engine", engine, "-c", 1, "-n", 5, "-m", "HEAD",
                      url_of(backend(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")))
    assert not failures(result) and result["statuses"] == {"200": 5}


def test_a_few_wrong_answers_among_many_are_as_many_failures(engine, backend):
    def answer(connection, _):
        turn = len(connection.heard)
        return Answer(HELLO[:-1], "close") if turn % 10 == 0 else HELLO
    result = measured("--engine", engine, "-c", 1, "-n", 100, url_of(backend(answer)))
    assert failures(result) == {"cut": 10} and result["statuses"] == {"200": 90}
    assert result["connections"] == 10 or result["connections"] == 11


def test_what_was_pipelined_behind_a_last_answer_is_asked_again(engine, backend):
    def answer(connection, _):
        if len(connection.requests) < 3:
            return HELLO
        return Answer(response("hello", "Connection: close"), "close")
    result = measured("--engine", engine, "-c", 1, "-n", 32, "--pipeline", 8, url_of(backend(answer)))
    assert not failures(result) and result["answers"] == 32
    assert result["connections"] == 11  # three answers each


def test_who_does_not_answer_in_time_is_not_waited_for(engine, backend):
    result = measured("--engine", engine, "-c", 2, "-n", 2, "--timeout", "100ms", url_of(backend(b"")))
    assert failures(result) == {"timeout": 4} and result["answers"] == 0


def test_the_first_example_of_a_failure_is_shown(engine, backend):
    done = run("--engine", engine, "-c", 1, "-n", 1, url_of(backend(Answer(b"What?\r\n\r\n", "close"))))
    assert done.returncode == 0
    assert "1 head: the answer has no valid head" in done.stdout
    assert "such as: the server sent no valid HTTP/1.0 header" in done.stdout


@pytest.mark.parametrize("answer", [HELLO, Answer(LAST, "finish", when="head")],
                         ids=["at the end", "early"])
def test_large_bodies_are_sent_while_answers_are_read(engine, backend, tmp_path, answer):
    (tmp_path / "body").write_bytes(b"x" * (4 << 20))
    how = ["-c", 1, "-n", 3, "--timeout", "60s", "--body", tmp_path / "body"]
    result = measured("--engine", engine, *how, url_of(backend(answer)))
    assert result["answers"] == 3 and not failures(result)


def test_pipelined_bodies_and_answers_larger_than_all_buffers_do_not_block_each_other(engine, backend, tmp_path):
    (tmp_path / "body").write_bytes(b"x" * (1 << 20))
    origin = backend(response("y" * (1 << 20)))
    how = ["-c", 1, "-n", 16, "--pipeline", 16, "--timeout", "60s", "--body", tmp_path / "body"]
    result = measured("--engine", engine, *how, url_of(origin))
    assert result["answers"] == 16 and not failures(result)
