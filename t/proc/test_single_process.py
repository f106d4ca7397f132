"""master_process off: one process does everything."""

import os
import signal

from harness import wait_until


def start(new_server, text):
    server = new_server(server=f"location / {{ return 200 {text}; }}", main="master_process off;")
    return server.start()


def test_it_serves_without_children(new_server):
    server = start(new_server, "alone")
    assert server.workers() == []
    assert server.get("/").text == "alone"
    assert server.stop(signal.SIGQUIT) == 0
    assert not os.path.exists(server.path("logs/server.pid"))


def test_it_reloads_by_itself(new_server):
    server = start(new_server, "old")
    with server.client() as client:
        assert client.get("/").text == "old"
        server.write("conf/server.conf", server.read("conf/server.conf").replace("200 old", "200 new"))
        assert server.run("-s", "reload").returncode == 0
        server.wait_for_log("the configuration is in force")
        assert client.get("/").text == "new"


def test_a_bad_configuration_changes_nothing(new_server):
    server = start(new_server, "old")
    server.expect("unknown directive")
    server.configure("nonsense;", main="master_process off;")
    server.send_signal(signal.SIGHUP)
    server.wait_for_log('unknown directive "nonsense"')
    assert server.get("/").text == "old"


def test_it_reopens_its_logs(new_server):
    server = start(new_server, "x")
    os.rename(server.path("logs/error.log"), server.path("logs/error.log.1"))
    server.send_signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(server.path("logs/error.log")), "a new log")
    assert server.stop() == 0
    server.wait_for_log("exit$")


def test_terminate_ends_it_at_once(new_server):
    server = start(new_server, "x")
    with server.client() as client:
        assert client.get("/").text == "x"
        assert server.stop(signal.SIGTERM) == 0
