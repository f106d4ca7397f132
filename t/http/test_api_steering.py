"""`api`: the configuration is checked and put in force, and error logs have another level for a while."""

import contextlib
import json
import os
import signal
import threading

import pytest

from harness import wait_until

READING = "location /api/ { api; }"
WRITING = "location /api/ { api write=on; } location = /pid { return 200 $pid; }"
JSON = [("Content-Type", "application/json")]
ALONE = pytest.mark.parametrize("main", ["", "master_process off;"], ids=["master", "alone"])


def post(server, path, *headers):
    return server.request("POST", path, [("Content-Length", "0"), *headers])


def put_level(server, text):
    body = text.encode()
    return server.request("PUT", "/api/log", [*JSON, ("Content-Length", str(len(body)))], body)


def reload(server):
    return post(server, "/api/reload")


def generation(server):
    return json.loads(server.get("/api/health").text)["generation"]


def configure(server, text, main=""):
    """Replaces the file as a whole: it may be read at this moment."""
    kept = server.read("conf/server.conf")
    server.configure(text, main=main)
    fresh = server.read("conf/server.conf")
    server.write("conf/server.conf", kept)
    server.write("conf/next.conf", fresh)
    os.rename(server.path("conf/next.conf"), server.path("conf/server.conf"))


@contextlib.contextmanager
def connected_to(server, pid=None):
    """A connection to some worker, or to that one: (client, pid of the worker)."""
    def connect():
        client = server.client()
        worker = int(client.get("/pid").text)
        if pid in (None, worker):
            return client, worker
        client.close()
        return None
    client, worker = wait_until(connect, f"a connection to worker {pid}")
    with client:
        yield client, worker


@contextlib.contextmanager
def reload_that_waits(server):
    """A client that has asked for a reload, which waits for a worker that is stopped: (client, pid of its worker)."""
    with connected_to(server) as (client, asked):
        other = next(worker for worker in server.workers() if worker != asked)
        os.kill(other, signal.SIGSTOP)
        try:
            client.send_request("POST", "/api/reload", [("Content-Length", "0")])
            server.wait_for_log("reconfiguring")
            yield client, asked
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(other, signal.SIGCONT)


def has_read_all(server):
    """Whether nothing that clients have sent is left in the sockets of the workers."""
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    ours = [row[4] for row in rows if row[1].endswith(f":{server.port():04X}") and row[3] == "01"]
    return ours and all(queues.endswith(":00000000") for queues in ours)


# --- checks


@ALONE
def test_a_good_configuration_is_good(serve, main):
    server = serve(WRITING, main=main)
    answer = post(server, "/api/config/check")
    assert answer.status == 200
    assert json.loads(answer.text) == {"good": True, "generation": 1, "mistakes": []}


@ALONE
def test_mistakes_are_told_with_their_places(serve, main):
    server = serve(WRITING, main=main)
    configure(server, WRITING + "\n  nonsense\n  1;\n  indxe a;\n", main)
    answer = post(server, "/api/config/check")
    assert answer.status == 200 and answer.header("Content-Type") == "application/json"
    told = json.loads(answer.text)
    assert told["good"] is False and told["generation"] == 1 and len(told["mistakes"]) == 2
    lines = server.read("conf/server.conf").splitlines()
    first, second = told["mistakes"]
    assert first["level"] == "emerg" and first["message"] == 'unknown directive "nonsense"'
    assert first["file"] == second["file"] == server.path("conf/server.conf")
    assert lines[first["line"] - 1] == "  nonsense" and first["column"] == 3
    assert second["source"] == "indxe a;" and lines[second["line"] - 1][second["column"] - 1:] == "indxe a;"
    assert "index" in second["hint"] and first["hint"] is None


def test_a_mistake_without_a_place_has_none(serve):
    server = serve(WRITING)
    os.rename(server.path("conf/server.conf"), server.path("conf/elsewhere.conf"))
    told = json.loads(post(server, "/api/config/check").text)
    assert told["good"] is False
    assert told["mistakes"][0]["line"] is None and "server.conf" in told["mistakes"][0]["message"]


def test_a_zone_that_would_change_its_meaning_is_a_mistake(serve):
    server = serve(WRITING, http="limit_req_zone $uri zone=z:1m rate=1r/s;")
    server.write("conf/server.conf", server.read("conf/server.conf").replace("$uri zone", "$host zone"))
    told = json.loads(post(server, "/api/config/check").text)
    assert told["good"] is False and "while previously it used" in told["mistakes"][0]["message"]


def test_a_check_changes_nothing(serve):
    server = serve(WRITING + "location / { return 200 old; }")
    workers, files = server.workers(), set(os.listdir(server.path("logs")))
    configure(server, WRITING + "location / { return 200 new; } error_log logs/other.log; listen 127.0.0.1:%PORT2%;",
              "worker_priority 5;")
    assert json.loads(post(server, "/api/config/check").text)["good"] is True
    assert server.get("/").text == "old" and generation(server) == 1
    assert server.workers() == workers and set(os.listdir(server.path("logs"))) == files
    assert not server.accepts(server.port(2))


# --- reloads


@ALONE
def test_a_reload_is_in_force_when_it_is_answered(serve, main):
    server = serve(WRITING + "location / { return 200 0; }", main=main)
    for number in range(1, 6):
        configure(server, WRITING + f"location / {{ return 200 {number}; }}", main)
        answer = reload(server)
        assert answer.status == 200
        assert json.loads(answer.text) == {"good": True, "generation": number + 1, "mistakes": []}
        for _ in range(4):
            assert server.get("/").text == str(number) and generation(server) == number + 1


@ALONE
def test_a_bad_configuration_is_refused_with_its_mistakes(serve, main):
    server = serve(WRITING + "location / { return 200 old; }", main=main)
    server.expect("unknown directive")
    configure(server, WRITING + "nonsense;", main)
    answer = reload(server)
    assert answer.status == 422
    told = json.loads(answer.text)
    assert told["good"] is False and told["generation"] == 1
    assert told["mistakes"][0]["message"] == 'unknown directive "nonsense"' and told["mistakes"][0]["line"] > 0
    assert server.get("/").text == "old"


def test_what_only_a_reload_finds_is_told_too(serve):
    other, server = serve(), serve(WRITING)
    server.expect(r"bind\(\)")
    configure(server, WRITING + f"listen 127.0.0.1:{other.port()};")
    assert json.loads(post(server, "/api/config/check").text)["good"] is True
    answer = reload(server)
    assert answer.status == 422
    told = [mistake["message"] for mistake in json.loads(answer.text)["mistakes"]]
    assert any(f"bind() to 127.0.0.1:{other.port()} failed (98: Address already in use)" in text for text in told)


def test_warnings_come_with_a_good_reload(serve):
    server = serve(WRITING)
    configure(server, WRITING + "listen 127.0.0.1:%PORT2%; } server { server_name localhost; listen 127.0.0.1:%PORT2%;")
    answer = reload(server)
    assert answer.status == 200
    levels = [mistake["level"] for mistake in json.loads(answer.text)["mistakes"]]
    assert levels and set(levels) == {"warn"}


@pytest.mark.parametrize("line", ["worker_rlimit_nofile 900;", "worker_priority 5;", "env A=b;"])
def test_workers_that_are_replaced_still_answer(serve, line):
    server = serve(WRITING + "location / { return 200 old; }")
    before = server.workers()
    configure(server, WRITING + "location / { return 200 new; }", line)
    answer = reload(server)
    assert answer.status == 200 and json.loads(answer.text)["generation"] == 2
    assert server.get("/").text == "new"
    wait_until(lambda: len(server.workers()) == 2, "the old workers to leave")
    assert not set(before) & set(server.workers())


def test_workers_become_more_and_fewer(serve):
    server = serve(WRITING, main="worker_cpu_affinity off;")
    for count in (4, 1, 3):
        server.configure(WRITING, main="worker_cpu_affinity off;", workers=count)
        assert reload(server).status == 200
        wait_until(lambda: len(server.workers()) == count, f"{count} workers")
        health = json.loads(server.get("/api/health").text)
        assert health["workers"]["wanted"] == health["workers"]["serving"] == count


def test_all_who_ask_at_once_are_answered(serve):
    server = serve(WRITING)
    statuses = []

    def ask():
        for _ in range(5):
            statuses.append(reload(server).status)

    def command():
        for _ in range(3):
            statuses.append(200 if server.run("-s", "reload").returncode == 0 else "reload failed")

    def check():
        for _ in range(5):
            statuses.append(post(server, "/api/config/check").status)

    threads = [threading.Thread(target=target) for target in (ask, ask, ask, ask, command, check)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        server.send_signal(signal.SIGHUP)
        server.get("/")
    for thread in threads:
        thread.join()
    assert statuses == [200] * 28
    now = generation(server)
    assert reload(server).status == 200
    wait_until(lambda: generation(server) > now, "the last reload")


def test_reloads_under_load_lose_no_request(serve):
    server = serve(WRITING + "location / { return 200 text; }", main="worker_cpu_affinity off;", workers=2)
    ended = threading.Event()
    wrong, counts = [], []

    def load():
        count = 0
        try:
            while not ended.is_set():
                assert server.get("/").text == "text"
                count += 1
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(error)
        counts.append(count)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(8):
        line = "worker_cpu_affinity off;" + (f" worker_rlimit_nofile {900 + number};" if number % 2 else "")
        configure(server, WRITING + "location / { return 200 text; }", line)
        assert reload(server).status == 200
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong and min(counts) > 0


def test_a_client_that_leaves_does_not_stop_its_reload(serve):
    server = serve(WRITING)
    with reload_that_waits(server) as (client, _):
        client.close()
        server.wait_for_log('"POST /api/reload HTTP/1.1" 499', "logs/access.log")
    server.wait_for_log("the configuration is in force")
    assert generation(server) == 2


def test_a_worker_that_dies_while_it_asks_is_forgotten(serve):
    server = serve(WRITING)
    server.expect("exited on signal 9")
    server.expect("cannot send the configuration to worker .* Broken pipe")  # as long as the master has not heard of it
    with reload_that_waits(server) as (client, asked):
        os.kill(asked, signal.SIGKILL)
        assert client.is_closed()
    server.wait_for_log("the configuration is in force")
    wait_until(lambda: len(server.workers()) == 2, "another worker")
    assert reload(server).status == 200


def test_a_server_that_is_stopped_ends_what_waits(serve):
    server = serve(WRITING)
    with reload_that_waits(server) as (client, _):
        server.send_signal(signal.SIGTERM)
        # Whichever the worker hears of first: that it is to end, or that there will be no reload.
        assert client.is_closed() or client.read_response().status == 422


def test_who_waits_learns_that_the_master_is_gone(new_server):
    server = new_server(server=WRITING)
    server.start()
    server.expect("the master process is gone")
    workers = server.workers()
    with reload_that_waits(server) as (client, _):
        server.process.kill()
        server.process.wait()
        answer = client.read_response()
        assert answer.status == 503 and json.loads(answer.text)["error"]["code"] == "no_master"
    wait_until(lambda: not any(os.path.exists(f"/proc/{worker}/exe") for worker in workers), "the workers to leave")
    server.process = None


# --- who may


@pytest.mark.parametrize("method, path", [("POST", "config/check"), ("POST", "reload"), ("PUT", "log"),
                                          ("DELETE", "log")])
def test_nobody_steers_where_things_are_only_read(serve, method, path):
    server = serve(READING)
    answer = server.request(method, "/api/" + path, [("Content-Length", "0")])
    assert answer.status == 403 and json.loads(answer.text)["error"]["code"] == "read_only"
    assert generation(server) == 1


@pytest.mark.parametrize("header", [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
                                    ("Origin", "http://evil.example")])
@pytest.mark.parametrize("path", ["config/check", "reload"])
def test_pages_of_other_sites_steer_nothing(serve, path, header):
    server = serve(WRITING)
    answer = post(server, "/api/" + path, header)
    assert answer.status == 403 and json.loads(answer.text)["error"]["code"] == "cross_site"
    assert generation(server) == 1


@pytest.mark.parametrize("path", ["config/check", "reload"])
def test_reading_steers_nothing(serve, path):
    server = serve(WRITING)
    answer = server.get("/api/" + path)
    assert answer.status == 405 and answer.header("Allow") == "POST"


# --- health


def test_health_tells_generation_and_workers(serve):
    server = serve(WRITING)
    health = json.loads(server.get("/api/health").text)
    assert health["status"] == "ok" and health["state"] == "serving" and health["generation"] == 1
    assert health["workers"] == {"wanted": 2, "alive": 2, "serving": 2, "leaving": 0}


@ALONE
def test_health_is_bad_while_the_server_stops(serve, main):
    server = serve(READING, main=main)
    with server.client() as client:
        client.get("/api/health")
        client.send("GET /api/health HTTP/1.1\r\n")
        wait_until(lambda: has_read_all(server), "the head to be read")
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down")
        client.send("Host: a\r\n\r\n")
        answer = client.read_response()
    assert answer.status == 503 and json.loads(answer.text)["status"] == "leaving"


def test_a_worker_that_is_replaced_does_not_say_that_the_server_stops(serve):
    server = serve(READING, workers=1)
    with server.client() as client:
        client.get("/api/health")
        client.send("GET /api/health HTTP/1.1\r\n")
        wait_until(lambda: has_read_all(server), "the head to be read")
        configure(server, READING, "env A=b;")
        server.reload()
        client.send("Host: a\r\n\r\n")
        answer = client.read_response()
    assert answer.status == 200 and json.loads(answer.text)["generation"] == 2


# --- levels of logs


def levels(server):
    return json.loads(server.get("/api/log").text)


def test_configured_levels_are_told(serve):
    server = serve(READING + "error_log logs/own.log warn;", http="error_log memory:64k debug;")
    told = levels(server)
    assert told["level"] is None
    assert {(log["file"], log["configured"], log["level"]) for log in told["logs"]} == {
        (server.path("logs/error.log"), "info", "info"), (server.path("logs/own.log"), "warn", "warn"),
        ("memory:64k", "debug", "debug")}


@ALONE
def test_a_level_holds_for_all_until_the_next_reload(serve, main):
    server = serve(WRITING, main=main)
    quiet = json.loads(put_level(server, '{"level": "crit"}').text)
    assert quiet["level"] == "crit" and {log["level"] for log in quiet["logs"]} == {"crit"}
    assert {log["configured"] for log in quiet["logs"]} == {"info"}
    size = len(server.error_log)
    for _ in range(8):
        assert server.get("/missing").status == 404  # an error of whichever worker
        assert levels(server)["level"] == "crit"
    assert len(server.error_log) == size
    assert reload(server).status == 200
    assert levels(server)["level"] is None
    assert server.get("/missing").status == 404
    server.wait_for_log("/missing")


def test_a_level_reaches_every_process(serve):
    server = serve(WRITING, main="error_log logs/quiet.log crit;")
    put_level(server, '{"level": "notice"}')
    server.send_signal(signal.SIGUSR1)
    server.wait_for_log("reopening logs", "logs/quiet.log", count=3)  # the master and both workers


@pytest.mark.parametrize("back", ["null", "delete"])
def test_levels_go_back_to_what_is_configured(serve, back):
    server = serve(WRITING)
    assert json.loads(put_level(server, '{"level": "debug"}').text)["level"] == "debug"
    answer = put_level(server, '{"level": null}') if back == "null" else server.request("DELETE", "/api/log")
    assert answer.status == 200 and json.loads(answer.text)["level"] is None
    assert levels(server)["level"] is None
    server.wait_for_log("the level of error logs is as configured from now on, client: 127.0.0.1")


def test_a_reload_that_fails_leaves_levels_alone(serve):
    server = serve(WRITING)
    server.expect("unknown directive")
    put_level(server, '{"level": "debug"}')
    configure(server, "nonsense;")
    assert reload(server).status == 422
    assert levels(server)["level"] == "debug"


def test_a_worker_that_comes_later_obeys_too(serve):
    server = serve(WRITING, workers=1)
    put_level(server, '{"level": "alert"}')
    server.expect("exited on signal")
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: server.workers() and server.workers() != before, "another worker")
    assert server.get("/missing").status == 404
    assert "/missing" not in server.error_log


@pytest.mark.parametrize("body", ['{"level": "loud"}', '{"level": 3}', "{}", '{"level": "info", "more": 1}', "[]", "x",
                                  ""])
def test_what_is_no_level_is_refused(serve, body):
    server = serve(WRITING)
    answer = put_level(server, body)
    assert answer.status == 400 and json.loads(answer.text)["error"]["message"].endswith(".")
    assert levels(server)["level"] is None
