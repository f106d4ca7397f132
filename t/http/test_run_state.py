"""What the figures say of the run: generations, reloads, workers, engine."""

import os
import signal
import time

from harness import wait_until
from harness.figures import figures

METRICS = "location = /metrics { metrics; }"


def test_a_server_that_was_started_has_had_no_reloads(serve):
    before = time.time()
    server = serve(METRICS)
    now = figures(server)
    assert now.sum("generation") == 1
    assert now.sum("reloads_total", result="good") == now.sum("reloads_total", result="failed") == 0
    assert now.sum("last_reload_success") == 1
    for moment in ("start_time_seconds", "generation_start_time_seconds", "last_reload_time_seconds"):
        assert before - 1 < now.sum(moment) < time.time() + 1
    assert now.sum("state", state="serving") == 1
    assert now.sum("workers_wanted") == now.sum("workers_alive") == now.sum("workers_serving") == 2
    assert now.sum("workers_leaving") == 0


def test_the_engine_and_why(serve):
    server = serve(METRICS)
    assert figures(server).sum("engine_info", kind=server.engine, reason="the configuration says so") == 1


def test_reloads_are_counted_by_their_result(serve):
    server = serve(METRICS)
    first = figures(server)
    server.reload()
    now = figures(server)
    assert now.sum("generation") == 2
    assert now.sum("reloads_total", result="good") == 1 and now.sum("last_reload_success") == 1
    assert now.sum("start_time_seconds") == first.sum("start_time_seconds")
    assert now.sum("generation_start_time_seconds") > first.sum("generation_start_time_seconds")

    server.expect("unknown directive")
    good = server.read("conf/server.conf")
    server.configure("nonsense;")
    assert server.run("-s", "reload").returncode == 1
    failed = figures(server)
    assert failed.sum("generation") == 2
    assert failed.sum("reloads_total", result="failed") == 1 and failed.sum("last_reload_success") == 0
    assert failed.sum("generation_start_time_seconds") == now.sum("generation_start_time_seconds")
    assert failed.sum("last_reload_time_seconds") >= now.sum("last_reload_time_seconds")

    server.write("conf/server.conf", good)
    server.reload()
    assert figures(server).sum("last_reload_success") == 1 and figures(server).sum("generation") == 3


def test_workers_that_die_are_missed_until_others_serve(serve):
    server = serve(METRICS)
    server.expect("exited on signal")
    before = set(server.workers())
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - before) == 2, "successors of the workers")
    wait_until(lambda: figures(server).sum("workers_serving") == 2, "the successors to serve")
    assert figures(server).sum("workers_alive") == 2 and figures(server).sum("generation") == 1


def test_a_worker_that_leaves_is_none_of_those_that_serve(serve):
    server = serve(METRICS + "location /slow { limit_rate 1; }", files={"html/slow": b"x" * 100}, workers=1)
    with server.client() as client:
        client.send_request("GET", "/slow")
        client.fill()
        server.write("conf/server.conf", server.read("conf/server.conf").replace("events {", "env A=b;\nevents {"))
        server.reload()
        now = figures(server)
        assert now.sum("workers_wanted") == now.sum("workers_alive") == now.sum("workers_serving") == 1
        assert now.sum("workers_leaving") == 1
    wait_until(lambda: figures(server).sum("workers_leaving") == 0, "the old worker to leave")


def test_without_a_master_it_is_the_same(new_server):
    server = new_server(server=METRICS, main="master_process off;").start()
    now = figures(server)
    assert now.sum("generation") == now.sum("workers_serving") == 1
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("the configuration is in force")
    now = wait_until(lambda: figures(server) if figures(server).sum("generation") == 2 else None, "the reload")
    assert now.sum("reloads_total", result="good") == 1
