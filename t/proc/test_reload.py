"""Changing the configuration while serving: what stays, what is replaced, what the caller is told."""

import os
import signal
import subprocess

import pytest

from harness import Client, wait_until


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def is_sanitized(pid):
    """AddressSanitizer keeps freed memory for a while."""
    with open(f"/proc/{pid}/maps") as file:
        return "libasan" in file.read()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def reconfigure(server, old, new):
    """Replaces the file as a whole: the master may be reading it."""
    server.write("conf/next.conf", server.read("conf/server.conf").replace(old, new))
    os.rename(server.path("conf/next.conf"), server.path("conf/server.conf"))


def test_many_reloads_cost_nothing(serve):
    server = serve("location / { return 200 same; }")
    pids = [server.pid, *server.workers()]
    with server.client() as client:
        for _ in range(5):  # whatever is made once is there
            server.reload()
        before = [(descriptors(pid), resident_kb(pid)) for pid in pids]
        for _ in range(40):
            server.reload()
            assert client.get("/").text == "same"
        # What the last generation had is freed by and by.
        for pid, (fds, kb) in zip(pids, before):
            wait_until(lambda: descriptors(pid) <= fds + 2, "the descriptors to be closed")
            wait_until(lambda: resident_kb(pid) < kb + 1024 or is_sanitized(pid), "the memory to be given back")
    assert [server.pid, *server.workers()] == pids


def test_keepalive_connections_and_downloads_survive_reloads(serve):
    body = os.urandom(8 << 20)
    server = serve(files={"html/large": body})
    clients = [server.client() for _ in range(20)]
    downloads = [server.client() for _ in range(3)]
    for client in downloads:
        client.send_request("GET", "/large")
    for _ in range(10):
        server.reload()
        for client in clients:
            assert client.get("/").status == 200
    for client in downloads:
        assert client.read_response().body == body
    for client in clients + downloads:
        client.close()


def test_hup_tells_its_outcome_in_the_log(serve):
    server = serve("location / { return 200 old; }")
    server.expect('unknown directive "nonsense"')
    server.configure("nonsense;")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log(r"signal 1 \(SIGHUP\) received from \d+, reconfiguring")
    server.wait_for_log('unknown directive "nonsense" in .*/server.conf:')
    server.configure("location / { return 200 new; }")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("the configuration is in force")
    assert server.get("/").text == "new"


def test_the_caller_is_told_all_mistakes(serve):
    server = serve()
    server.expect("unknown directive")
    server.configure("nonsense; indxe a;")
    done = server.run("-s", "reload")
    assert done.returncode == 1
    assert 'unknown directive "nonsense"' in done.stderr
    assert 'unknown directive "indxe"' in done.stderr
    assert "^" in done.stderr  # and where


def test_the_caller_is_told_that_an_address_is_taken(serve, new_server):
    other = serve()
    server = serve()
    server.expect(r"bind\(\)")
    text = server.read("conf/server.conf")
    reconfigure(server, f":{server.port()};", f":{server.port()}; listen 127.0.0.1:{other.port()};")
    done = server.run("-s", "reload")
    assert done.returncode == 1
    assert f"bind() to 127.0.0.1:{other.port()} failed (98: Address already in use)" in done.stderr
    assert "still could not bind()" in done.stderr
    assert server.get("/").status == 200
    server.write("conf/server.conf", text)
    server.reload()


def test_more_workers_are_started_beside_those_there_are(serve):
    server = serve(main="worker_cpu_affinity off;")
    before = server.workers()
    reconfigure(server, "worker_processes 2", "worker_processes 4")
    server.reload()
    assert len(server.workers()) == 4
    assert set(before) < set(server.workers())
    for _ in range(20):
        assert server.get("/").status == 200


def test_surplus_workers_leave_without_losing_a_connection(serve):
    server = serve(main="worker_cpu_affinity off;")
    reconfigure(server, "worker_processes 2", "worker_processes 4")
    server.reload()
    before = server.workers()
    reconfigure(server, "worker_processes 4", "worker_processes 1")
    reload = subprocess.Popen(server.command("-s", "reload"))
    fewer = False
    while not fewer:
        fewer = reload.poll() is not None and len(server.workers()) == 1
        assert server.get("/").status == 200
    assert reload.returncode == 0
    assert server.workers()[0] in before


@pytest.mark.parametrize("line", ["worker_rlimit_nofile 900;", "worker_priority 5;", "env A=b;"])
def test_what_cannot_change_in_place_is_changed_by_new_workers(serve, line):
    server = serve("location / { return 200 old; }")
    before = server.workers()
    with server.client() as client:
        assert client.get("/").text == "old"
        server.configure("location / { return 200 new; }", main=line)
        server.reload()
        assert server.get("/").text == "new"
        # An idle connection is closed, or answered once more by the worker that leaves.
        assert client.is_closed()
    wait_until(lambda: len(server.workers()) == 2, "the old workers to leave")
    assert not set(before) & set(server.workers())


def test_who_has_just_connected_is_answered_by_workers_that_leave(serve):
    server = serve("location / { return 200 text; }", main="worker_cpu_affinity off;")
    clients = [server.client() for _ in range(8)]
    wait_until(lambda: server.connections() == 8, "the connections to be accepted")
    server.configure("location / { return 200 text; }", main="worker_rlimit_nofile 900;")
    server.reload()
    server.wait_for_log("gracefully shutting down")
    for client in clients:
        with client:
            assert client.get("/").text == "text"
            assert client.is_closed()


def test_the_pid_file_moves(serve):
    server = serve()
    reconfigure(server, "pid logs/server.pid", "pid logs/other.pid")
    server.send_signal(signal.SIGHUP)
    wait_until(lambda: server.read("logs/other.pid") == f"{server.pid}\n", "the new pid file")
    wait_until(lambda: not os.path.exists(server.path("logs/server.pid")), "the old one to go")
    server.reload()


def test_a_reload_while_another_is_under_way_is_not_lost(serve):
    server = serve("location / { return 200 0; }")
    for number in range(1, 6):
        reconfigure(server, f"return 200 {number - 1};", f"return 200 {number};")
        server.send_signal(signal.SIGHUP)
    server.reload()
    assert server.get("/").text == "5"


def test_only_root_and_the_own_user_may_ask(serve):
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    server = serve()
    server.copy_executable()
    done = server.run("-s", "reload", user=65534, group=65534)
    assert done.returncode == 1
    assert "kill(" in done.stderr
    assert "reconfiguring" not in server.error_log


def test_a_new_address_serves_the_new_configuration(serve):
    server = serve("location / { return 200 one; }")
    server.port(2)
    text = server.read("conf/server.conf")
    second = f"server {{ listen 127.0.0.1:{server.port(2)}; location / {{ return 200 two; }} }}\n}}"
    server.write("conf/server.conf", text.rstrip().removesuffix("}") + second)
    server.reload()
    assert server.get("/").text == "one"
    with Client(server.port(2)) as client:
        assert client.get("/").text == "two"
