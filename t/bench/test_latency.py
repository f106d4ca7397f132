"""bench measures latencies honestly: an open loop keeps its rate, and shows a stall to its whole extent."""

import threading
import time

import pytest

from harness.backend import response
from harness.bench import measured

HELLO = response("hello")
STALL_SECONDS = 1


class Stalling:
    """Answers at once, but for a second in which it answers nobody: from the hundredth request on."""

    def __init__(self):
        self.lock = threading.Lock()
        self.goes_on = threading.Event()
        self.count = 0
        self.until = None

    def __call__(self, *_):
        with self.lock:
            self.count += 1
            if self.count == 100:
                self.until = time.monotonic() + STALL_SECONDS
        if self.until:
            self.goes_on.wait(max(0, self.until - time.monotonic()))
        return HELLO


@pytest.fixture
def stalling(backend):
    return f"http://{backend(Stalling()).address}/"


def test_an_open_loop_charges_a_stall_to_every_request_that_was_due(engine, stalling):
    result = measured("--engine", engine, "-c", 2, "-d", "3s", "-r", 300, stalling)
    latency, service = result["latency_us"], result["service_us"]
    # 300 of the 900 were due within the second, evenly: a tenth of all waited for more than two thirds of it.
    assert result["answers"] + result["unsent"] == 900
    assert latency["count"] == service["count"] == result["answers"] > 850
    assert latency["p90"] > 0.5e6 and latency["p95"] > 0.6e6
    assert latency["max"] > 0.8e6
    # Two of them were on their way meanwhile.
    assert service["p95"] < 0.5e6


def test_a_closed_loop_hides_the_same_stall(engine, stalling):
    result = measured("--engine", engine, "-c", 2, "-n", 450, stalling)
    assert result["answers"] == 900
    assert result["latency_us"]["max"] > 0.8e6
    assert result["latency_us"]["p99"] < 0.5e6
    assert "service_us" not in result


def test_a_rate_is_kept(engine, backend):
    result = measured("--engine", engine, "-c", 8, "-d", "3s", "-r", 200, f"http://{backend(HELLO).address}/")
    assert result["answers"] + result["unsent"] == 600
    assert result["answers"] > 590
    assert result["requests_per_second"] == pytest.approx(200, rel=0.1)
    # Never is a request sent before it is due.
    assert all(point["answers"] <= 200 * point["seconds"] + 1 for point in result["over_time"])


def test_threads_share_a_rate(engine, backend):
    result = measured("--engine", engine, "-t", 3, "-c", 7, "-d", "1s", "-r", 100, f"http://{backend(HELLO).address}/")
    assert result["answers"] + result["unsent"] == 100 and result["answers"] > 90


def test_counted_requests_of_an_open_loop_end_with_the_last(engine, backend):
    result = measured("--engine", engine, "-c", 4, "-n", 10, "-r", 400, f"http://{backend(HELLO).address}/")
    assert result["answers"] == 40 and result["seconds"] >= 39 / 400


def test_requests_that_could_not_be_sent_are_told(engine, backend):
    """One connection, and a server that never answers: all but the first request are due in vain."""
    result = measured("--engine", engine, "-c", 1, "-d", "500ms", "-r", 100, "--timeout", "300ms",
                      f"http://{backend(b'').address}/")
    assert result["failures"]["timeout"] >= 1 and result["answers"] == 0
    assert result["unsent"] + result["failures"]["all"] == 50


def test_an_idle_connection_that_the_server_closes_is_no_failure(engine, serve):
    server = serve("keepalive_timeout 100ms; location / { return 200 hello; }")
    result = measured("--engine", engine, "-c", 2, "-n", 4, "-r", 4, f"http://127.0.0.1:{server.port()}/")
    assert result["answers"] == 8 and result["failures"]["all"] == 0
    assert result["connections"] > 2
