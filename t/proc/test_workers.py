"""What workers live through: deaths, limits, a master that is gone."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest

from harness import Client, is_alive, wait_until


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.split(":", 1) for line in file)


def title(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().rstrip(b"\0").decode()
    except FileNotFoundError:
        return None


def test_processes_are_called_by_what_they_do(serve):
    server = serve()
    assert title(server.pid).startswith("ringx: master process ")
    assert [title(pid) for pid in server.workers()] == ["ringx: worker process"] * 2


def test_a_worker_that_drains_says_so(serve):
    server = serve(files={"html/large": bytes(32 << 20)})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take(1)
        server.send_signal(signal.SIGQUIT)
        wait_until(lambda: "ringx: worker process is shutting down" in map(title, server.workers()), "the title")
    assert server.process.wait(30) == 0


def test_workers_are_pinned_when_there_is_one_for_each_cpu(new_server):
    cpus = sorted(os.sched_getaffinity(0))
    server = new_server(main="worker_cpu_affinity auto;").start()
    found = [os.sched_getaffinity(pid) for pid in server.workers()]
    assert found == [{cpus[i % len(cpus)]} for i in range(2)]


def time_slice(pid):
    try:
        with open(f"/proc/{pid}/sched") as file:
            return next((float(line.split(":")[1]) for line in file if line.startswith("se.slice")), None)
    except FileNotFoundError:
        return None


def test_a_worker_need_not_wait_for_its_neighbours(serve):
    server = serve()
    slices = [time_slice(pid) for pid in [server.pid, *server.workers()]]
    if None in slices or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 12):
        pytest.skip("this kernel gives all processes the same time slice, or does not tell")
    assert all(of_worker < slices[0] for of_worker in slices[1:])


def test_a_workers_death_loses_no_other_connection(serve):
    server = serve()
    server.expect("exited on signal 9")
    clients = [server.client() for _ in range(16)]
    for client in clients:
        assert client.get("/").status == 200
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    server.wait_for_log(f"worker process {before[0]} exited on signal 9")
    lost = 0
    for client in clients:
        client.send_request("GET", "/")
        if client.fill():
            assert client.read_response().status == 200
        else:
            lost += 1
    assert lost < 16
    wait_until(lambda: len(server.workers()) == 2, "a successor")
    for client in clients:
        client.close()


def test_connections_that_wait_for_a_dead_worker_are_served_by_its_successor(serve):
    server = serve(main="worker_cpu_affinity off;")
    server.expect("exited on signal 9")
    victim = server.workers()[0]
    os.kill(victim, signal.SIGSTOP)
    clients = [server.client() for _ in range(16)]  # the kernel accepts them, whoever is stopped
    for client in clients:
        client.send_request("GET", "/")
    os.kill(victim, signal.SIGKILL)
    answered = sum(client.fill() for client in clients)
    # What the dead one had already taken is lost with it.
    assert answered >= 1
    for client in clients:
        client.close()


def test_a_worker_that_dies_again_and_again_does_not_loop_hot(serve):
    server = serve()
    server.expect("exited on signal 9")
    began = time.monotonic()
    killed = set()
    while "the next one starts in" not in server.error_log:
        for pid in server.workers():
            killed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert time.monotonic() < began + 30
    assert len(killed) < 20
    wait_until(lambda: len(set(server.workers()) - killed) == 2, "workers that live")


def test_workers_that_cannot_start_end_the_start(new_server):
    server = new_server(main="working_directory /nonexistent;")
    server.expect("chdir|cannot be respawned|cannot run")
    done = server.run()
    assert done.returncode == 1
    assert "the worker processes cannot run" in done.stderr
    assert 'chdir("/nonexistent") failed (2: No such file or directory)' in server.error_log
    assert not os.path.exists(server.path("logs/server.pid"))


def test_a_killed_master_leaves_no_port_held(serve):
    server = serve()
    workers = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()
    wait_until(lambda: not server.accepts(server.port()), "the port to be free")
    wait_until(lambda: not any(map(is_alive, workers)), "the workers to leave")
    server.process = None
    server.start()
    assert server.get("/").status == 200


def test_a_second_server_on_the_same_port_is_refused(serve):
    server = serve()
    server.expect(r"bind\(\)")
    done = server.run("-g", "error_log stderr;")
    assert done.returncode == 1
    line = f"bind() to 127.0.0.1:{server.port()} failed (98: Address already in use)"
    assert done.stderr.count(line) == 5
    assert "still could not bind()" in done.stderr
    assert server.get("/").status == 200
    assert server.read("logs/server.pid") == f"{server.pid}\n"


def test_t_tolerates_an_address_in_use(serve):
    server = serve()
    assert server.run("-t").returncode == 0
    assert server.read("logs/server.pid") == f"{server.pid}\n"


def test_at_the_limit_clients_wait_and_are_served_later(serve):
    server = serve(workers=1)
    server.write("conf/server.conf", server.read("conf/server.conf").replace("_connections 512", "_connections 8"))
    server.reload()
    clients = [server.client() for _ in range(8)]
    for client in clients:
        assert client.get("/").status == 200
    server.wait_for_log("8 worker_connections are in use")
    assert clients[0].get("/").status == 200  # a turn later: it accepts no more
    late = server.client()
    late.send_request("GET", "/")
    late.socket.settimeout(0.2)
    with pytest.raises(socket.timeout):
        late.socket.recv(1)
    late.socket.settimeout(30)
    for client in clients:
        client.close()
    assert late.read_response().status == 200
    late.close()


def test_out_of_descriptors_a_worker_pauses_and_recovers(serve):
    server = serve(main="worker_rlimit_nofile 40;", workers=1)
    clients = [server.client() for _ in range(60)]
    server.wait_for_log(r"\[crit\] .*accept4\(\) failed \(24: Too many open files\)")
    for client in clients[:50]:
        client.close()
    with server.client() as client:
        assert client.get("/").status == 200
    for client in clients[50:]:
        assert client.get("/").status == 200
        client.close()


def test_shutdown_timeout_ends_what_is_left(serve):
    server = serve(main="worker_shutdown_timeout 200ms;", files={"html/large": bytes(64 << 20)})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take(1)
        server.send_signal(signal.SIGQUIT)
        assert server.process.wait(30) == 0


def test_terminate_does_not_wait(serve):
    server = serve(files={"html/large": bytes(64 << 20)})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take(1)
        assert server.stop(signal.SIGTERM) == 0


def test_a_stopped_worker_is_killed_in_the_end(serve):
    server = serve()
    server.expect("exited on signal 9")
    os.kill(server.workers()[0], signal.SIGSTOP)
    assert server.stop(signal.SIGTERM) == 0


def test_quit_serves_what_was_accepted(serve):
    server = serve()
    with server.paused():  # the requests are there before the workers learn that they are to leave
        clients = [server.client() for _ in range(32)]
        for client in clients:
            client.send_request("GET", "/")
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("signal 3 .SIGQUIT. received")
    for client in clients:
        assert client.read_response().status == 200
        client.close()
    assert server.process.wait(30) == 0


def test_unix_sockets_are_shared_and_their_file_goes(serve):
    server = serve(http="server { listen unix:%PREFIX%/logs/sock; root html; }")
    path = server.path("logs/sock")
    for _ in range(10):
        with Client(0, unix=path) as client:
            assert client.get("/").status == 200
    server.reload()
    with Client(0, unix=path) as client:
        assert client.get("/").status == 200
    assert server.stop() == 0
    assert not os.path.exists(path)


def test_the_socket_file_of_a_killed_server_is_replaced(serve):
    server = serve(http="server { listen unix:%PREFIX%/logs/sock; root html; }")
    workers = server.workers()
    os.kill(server.pid, signal.SIGKILL)
    server.process.wait()
    wait_until(lambda: not any(map(is_alive, workers)), "the workers to leave")
    server.process = None
    server.start()
    with Client(0, unix=server.path("logs/sock")) as client:
        assert client.get("/").status == 200


def test_the_masters_signals_do_nothing_to_a_worker(serve):
    server = serve()
    workers = server.workers()
    for pid in workers:
        os.kill(pid, signal.SIGHUP)
        os.kill(pid, signal.SIGUSR2)
    assert server.get("/").status == 200
    assert server.workers() == workers


def test_a_worker_told_to_quit_is_followed_by_another(serve):
    server = serve()
    before = server.workers()
    os.kill(before[0], signal.SIGQUIT)
    server.wait_for_log(f"worker process {before[0]} exited with code 0")
    wait_until(lambda: len(server.workers()) == 2, "a successor")
    assert server.get("/").status == 200


def test_workers_cannot_get_any_capability_back(serve):
    if os.getuid() != 0:
        pytest.skip("only root has something to give up")
    server = serve()
    for pid in server.workers():
        found = status(pid)
        assert int(found["CapPrm"], 16) == int(found["CapBnd"], 16) == 0
        assert found["NoNewPrivs"].strip() == "1"


def test_a_core_file_is_as_large_as_allowed(serve):
    server = serve(main="worker_rlimit_core 64k;")
    for pid in server.workers():
        with open(f"/proc/{pid}/limits") as limits:
            assert re.search(r"^Max core file size +65536 +65536 ", limits.read(), re.M)
