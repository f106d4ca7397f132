"""Starting, checking, reloading and ending, as administrators and supervisors do it."""

import os
import signal

import pytest

from harness import Client, StartFailed, open_files, wait_until


def test_the_pid_file_names_the_process_that_was_started(serve):
    server = serve()
    assert server.read("logs/server.pid") == f"{server.pid}\n"
    assert len(server.workers()) == 2


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_removes_the_pid_file(serve, number):
    server = serve()
    workers = server.workers()
    assert server.stop(number) == 0
    assert not os.path.exists(server.path("logs/server.pid"))
    assert not any(os.path.exists(f"/proc/{pid}") for pid in workers)


@pytest.mark.parametrize("name", ["stop", "quit"])
def test_s_stop_and_s_quit_end_it(serve, name):
    server = serve()
    done = server.run("-s", name)
    assert (done.returncode, done.stdout) == (0, "")
    assert server.process.wait(30) == 0
    assert not os.path.exists(server.path("logs/server.pid"))


def test_quit_lets_the_last_download_end(serve):
    body = os.urandom(32 << 20)
    server = serve(files={"html/large": body})
    with server.client() as client:
        client.send_request("GET", "/large")
        client.take(1)
        client.input = b"H" + client.input
        server.send_signal(signal.SIGQUIT)
        server.wait_for_log("gracefully shutting down")
        assert client.read_response().body == body
    assert server.process.wait(30) == 0


def test_t_says_that_a_configuration_is_good(new_server):
    server = new_server()
    done = server.run("-t")
    conf = server.path("conf/server.conf")
    assert done.returncode == 0
    assert f"the configuration file {conf} syntax is ok" in done.stderr
    assert f"configuration file {conf} test is successful" in done.stderr
    assert server.run("-tq").stderr == ""


def test_t_says_what_is_wrong_and_where(new_server):
    server = new_server(server="\n        indxe index.html;")
    conf = server.path("conf/server.conf")
    with open(conf) as file:
        line = 1 + file.read().splitlines().index("        indxe index.html;")
    server.expect(r'unknown directive "indxe"')  # it is in the log too, as nginx has it
    done = server.run("-t")
    assert done.returncode == 1
    assert f'[emerg] unknown directive "indxe" in {conf}:{line}' in done.stderr
    assert f"configuration file {conf} test failed" in done.stderr


def test_a_bad_configuration_ends_the_process_without_a_pid_file(new_server):
    server = new_server(server="nonsense;")
    server.expect(r'unknown directive "nonsense"')
    with pytest.raises(StartFailed) as failure:
        server.start()
    assert failure.value.args[0] == 1
    assert 'unknown directive "nonsense"' in failure.value.args[1]
    assert not os.path.exists(server.path("logs/server.pid"))


def test_g_adds_directives_to_the_main_context(new_server):
    server = new_server(main="").start("-g", "worker_rlimit_nofile 1000;")
    with open(f"/proc/{server.workers()[0]}/limits") as file:
        limit = next(line for line in file if line.startswith("Max open files"))
    assert limit.split()[3] == "1000"


def test_a_reload_changes_the_answer_and_keeps_workers_and_connections(serve):
    server = serve("location / { return 200 old; }")
    workers = server.workers()
    with server.client() as client:
        assert client.get("/").text == "old"
        server.configure("location / { return 200 new; }")
        server.reload()
        assert client.get("/").text == "new"
    assert server.workers() == workers


def test_hup_reloads(serve):
    server = serve("location / { return 200 old; }")
    server.configure("location / { return 200 new; }")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log("reconfiguring")
    wait_until(lambda: server.get("/").text == "new", "the new configuration")


def test_a_reload_to_a_bad_configuration_fails_and_changes_nothing(serve):
    server = serve("location / { return 200 old; }")
    server.expect('unknown directive "nonsense"')
    server.configure("nonsense;")
    done = server.run("-s", "reload")
    assert done.returncode == 1
    assert 'unknown directive "nonsense"' in done.stderr
    assert server.get("/").text == "old"


def test_a_reload_opens_and_closes_ports(serve):
    server = serve()
    first, second = server.port(1), server.port(2)
    server.configure(config=server.read("conf/server.conf").replace(f":{first}", f":{second}"))
    server.reload()
    with Client(second) as client:
        assert client.get("/").status == 200
    wait_until(lambda: not server.accepts(first), "the old port to close")


def test_a_killed_worker_is_replaced(serve):
    server = serve()
    server.expect(r"exited on signal 9")
    before = server.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 2 and server.workers() != before, "a new worker")
    for _ in range(10):
        assert server.get("/").status == 200


def test_usr1_reopens_the_logs(serve):
    server = serve()
    server.get("/before")
    server.wait_for_log("/before", "logs/access.log")
    os.rename(server.path("logs/access.log"), server.path("logs/access.log.1"))
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(server.path("logs/access.log")), "a new access log")
    for pid in server.workers():
        wait_until(lambda pid=pid: server.path("logs/access.log") in open_files(pid).values(), "a worker to open it")
    server.get("/after")
    server.wait_for_log("/after", "logs/access.log")
    assert "/after" not in server.read("logs/access.log.1")


def test_the_workers_do_not_run_as_root(serve):
    if os.getuid() != 0:
        pytest.skip("only root can give up root")
    server = serve()
    for pid in server.workers():
        wait_until(lambda pid=pid: "0" not in status(pid)["Uid"].split(), "a worker to change its user")
        assert int(status(pid)["CapEff"], 16) == 0


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.split(":", 1) for line in file)
