"""bench ends in order: by signals, when a server is gone, and when there was none."""

import json
import resource
import signal

import pytest

from harness.backend import Answer, response
from harness.bench import Started, measured, run
from harness.ports import free_port, release

HELLO = response("hello")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("how", [[], ["-r", "100"], ["--pipeline", "4"]], ids=" ".join)
def test_a_signal_ends_the_run_with_the_results_so_far(engine, backend, number, how):
    origin = backend(HELLO)
    with Started("--engine", engine, "-c", 2, "-d", "60s", "--json", *how, f"http://{origin.address}/") as bench:
        origin.wait_for_requests(10)
        bench.interrupt(number)
        status, out, err = bench.end()
    assert status == 0 and not err
    result = json.loads(out)["runs"][0]
    assert result["note"] == "interrupted" and result["seconds"] < 60
    assert result["answers"] >= 8 and result["failures"]["all"] == 0
    assert result["answers"] == len(origin.requests) - result["given_up"]


def test_what_is_not_answered_after_a_signal_is_given_up(engine, backend):
    origin = backend(b"")
    with Started("--engine", engine, "-c", 3, "-d", "60s", "--json", f"http://{origin.address}/") as bench:
        origin.wait_for_requests(3)
        bench.interrupt()
        status, out, _ = bench.end()
    result = json.loads(out)["runs"][0]
    assert status == 0 and result["given_up"] == 3 and result["answers"] == 0 and result["failures"]["all"] == 0


def test_the_end_of_the_time_waits_for_answers_that_are_on_their_way(engine, backend):
    origin = backend()
    with Started("--engine", engine, "-c", 1, "-d", "100ms", "--json", f"http://{origin.address}/") as bench:
        peer = origin.accept()
        assert peer.read_request()
        while len(peer.requests) < 3:
            peer.send(HELLO)
            peer.read_request()
        peer.send_slowly(HELLO, 10)
        while peer.read_request():
            peer.send(HELLO)
        status, out, _ = bench.end()
    result = json.loads(out)["runs"][0]
    assert status == 0 and result["given_up"] == 0 and result["failures"]["all"] == 0
    assert result["answers"] == len(peer.requests)


def test_nobody_listens(engine):
    port = free_port()
    done = run("--engine", engine, f"http://127.0.0.1:{port}/")
    release(port)
    assert done.returncode == 1 and not done.stdout
    assert f"no connection to 127.0.0.1:{port} could be made: connect() failed (111: Connection refused)" in done.stderr


def test_a_host_without_address():
    done = run("http://nobody.invalid/")
    assert done.returncode == 1 and done.stderr == 'bench: the host "nobody.invalid" has no address\n'


def test_a_name_with_addresses_nobody_listens_on(engine, backend):
    origin = backend(HELLO)
    assert measured("--engine", engine, "-c", 1, "-n", 1, f"http://localhost:{origin.port}/")["answers"] == 1


def test_a_server_that_goes_away_is_counted_and_left(engine, backend):
    def answer(connection, _):
        if len(connection.heard) == 5:
            origin.refuse()
            return Answer(b"", "close")
        return HELLO
    origin = backend(answer)
    result = measured("--engine", engine, "-c", 1, "-n", 8, f"http://{origin.address}/")
    assert result["answers"] == 4
    assert result["failures"]["closed"] == 1 and result["failures"]["connect"] == 3


@pytest.mark.parametrize("arguments, sentence", [
    ([], "whom to ask? Give a URL, or --host and --port"),
    (["--unknown", "http://a/"], 'there is no option "--unknown" (--help lists them)'),
    (["-c", "x", "http://a/"], '--connections is a number from 1 to 100000, not "x"'),
    (["localhost:80"], '"localhost:80" is no URL to ask for: it does not begin with http:// or https://'),
])
def test_a_wrong_command_line_is_refused(arguments, sentence):
    done = run(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"bench: {sentence}\n")


def test_help_and_version():
    assert "Usage: bench" in run("--help").stdout and "--compare" in run("-h").stdout
    assert run("-v").stdout.startswith("bench of ringx ")


def test_too_few_descriptors():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
    done = run("-c", 200, "http://127.0.0.1:1/", preexec_fn=limit)
    assert done.returncode == 1 and "200 connections need 264 descriptors, and the limit is 100" in done.stderr
