"""`GET errors` of the api: the last errors of all processes, whoever wrote them and whatever they hold."""

import json
import os
import signal
import time
from datetime import datetime, timezone

from harness import wait_until

PLACES = "location /api/ { api; } location /missing/ { }"


def errors(server):
    answer = server.get("/api/errors")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
    return json.loads(answer.body.decode())["errors"]  # which is valid UTF-8


def errors_with(server, words, count=1):
    def found():
        lines = [error for error in errors(server) if words in error["text"]]
        return lines if len(lines) >= count else None
    return wait_until(found, f"{count} errors with {words!r}")


def test_at_first_there_are_none(serve):
    assert errors(serve(PLACES)) == []


def test_an_error_has_time_level_and_process(serve):
    server = serve(PLACES)
    server.get("/missing/here")
    error = errors_with(server, "/missing/here")[0]
    assert error["level"] == "error"
    assert error["pid"] in server.workers() and error["worker"] in (0, 1)
    told = datetime.strptime(error["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    assert abs(told.timestamp() - time.time()) < 60
    # As in the log, without what every line has.
    assert f"{error['pid']}: {error['text']}\n" in server.error_log
    assert "failed (2: No such file or directory), client: 127.0.0.1" in error["text"]


def test_what_clients_sent_is_valid_whatever_it_was(serve):
    server = serve(PLACES)
    for name in ('"quoted"', "back\\slash", "%0Aline", "%ff%fe", "<b>", "%e2%82", "%7f"):
        server.get(f"/missing/{name}", [("Referer", "\xff\xfe\"\\")])
    server.get("/missing/" + "%ff" * 2000 + "%e2%82%ac")
    texts = " ".join(error["text"] for error in errors_with(server, "/missing/", 7))
    for name in ('"quoted"', "back\\slash", "<b>", "\\xFF\\xFE"):
        assert name in texts
    assert not any(ord(c) < 0x20 for c in texts)


def test_the_last_ones_are_kept_in_order(serve):
    server = serve(PLACES)
    with server.client() as client:
        for number in range(300):
            client.get(f"/missing/{number}")
        last = errors_with(server, "/missing/299\"")
    all_of_them = errors(server)
    assert last[0] == all_of_them[-1]
    assert len(all_of_them) == 128
    numbers = [error["number"] for error in all_of_them]
    assert numbers == sorted(set(numbers))


def test_errors_outlive_workers_and_reloads(serve):
    server = serve(PLACES)
    server.get("/missing/one")
    before = errors_with(server, "/missing/one")
    server.reload()
    workers = set(server.workers())
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(set(server.workers()) - workers) == len(workers), "successors of the workers")
    server.expect("signal 9|SIGKILL|killed|exited on signal")
    assert errors_with(server, "/missing/one") == before
    # The master has something to say, too, and is no worker.
    alert = [error for error in errors(server) if error["level"] == "alert"]
    assert alert and all(error["pid"] == server.pid and "worker" not in error for error in alert)


def test_what_the_log_does_not_admit_is_not_told(serve):
    server = serve(PLACES + "location /quiet/ { error_log logs/quiet.log crit; }")
    server.get("/quiet/x")
    server.get("/missing/x")
    assert errors_with(server, "/missing/x")
    assert not any("/quiet/" in error["text"] for error in errors(server))


def test_a_log_of_json_changes_nothing(serve):
    server = serve(PLACES + "error_log logs/e.json error json;")
    server.get("/missing/x")
    assert ", client: 127.0.0.1" in errors_with(server, "/missing/x")[0]["text"]


def test_a_single_process_has_them_too(serve):
    server = serve(PLACES, main="master_process off;", workers=1)
    server.get("/missing/x")
    error = errors_with(server, "/missing/x")[0]
    assert (error["pid"], error["worker"]) == (server.pid, 0)
