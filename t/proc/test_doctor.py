"""`server doctor` on this machine: what it says of configurations that are well, that are not, and that are missing."""

import os
import re
import resource
import subprocess

import pytest

from harness import binary
from harness.certificates import self_signed
from harness.tls import LISTEN, OWN, pair
from harness.waiting import WAIT_SECONDS


def run(*arguments, **how):
    return subprocess.run([binary(), "doctor", *arguments], capture_output=True, text=True, timeout=WAIT_SECONDS, **how)


def findings(done):
    """The lines, by topic: pairs of a level and what is said. Nothing else may be printed."""
    assert (done.returncode, done.stderr) == (0, "")
    found = {}
    for line in done.stdout.splitlines():
        level, topic, said = re.fullmatch(r"(ok  |warn)  (\S+) +(\S.*)", line).groups()
        found.setdefault(topic, []).append((level.strip(), said))
    return found


def examined(server, **how):
    return findings(run("-p", server.prefix, "-c", "conf/server.conf", **how))


@pytest.fixture
def doctor(new_server):
    """What the doctor says of a configuration, after `prepare(server)`."""
    def examine(prepare=None, how=None, **configuration):
        server = new_server(**configuration)
        if prepare:
            prepare(server)
        return server, examined(server, **(how or {}))
    return examine


def test_it_looks_at_everything(doctor, engine):
    server, found = doctor()
    assert found["configuration"] == [("ok", server.path("conf/server.conf"))]
    assert found["engine"] == [("ok", f"{engine}: the configuration says so")]
    assert found["kernel"] == [("ok", f"Linux {os.uname().release}")]
    assert found["listen"] == [("ok", "1 listening socket for each worker")]
    assert found["descriptors"][0][0] == "ok" and "512 worker_connections" in found["descriptors"][0][1]
    assert re.match(rf"{len(os.sched_getaffinity(0))} \(.*\), 2 workers", found["cpus"][0][1])
    with open("/proc/sys/net/core/somaxconn") as file:
        assert any(said.startswith(f"net.core.somaxconn {file.read().strip()}") for _, said in found["sysctl"])
    assert {"memlock", "placement", "ports"} <= set(found)
    assert "secrets" not in found


def test_it_leaves_nothing_behind(doctor):
    server, _ = doctor(http="error_log logs/own.log; access_log logs/own.log;")
    assert os.listdir(server.path("logs")) == []


@pytest.mark.parametrize("mode, level", [(0o600, "ok"), (0o400, "ok"), (0o640, "warn"), (0o644, "warn")])
def test_permissions_of_a_key(doctor, mode, level):
    server, found = doctor(lambda server: os.chmod(server.path("conf/own.key"), mode), server=f"{LISTEN} {OWN}",
                           files=pair("own", self_signed()))
    ((said_level, said),) = found["secrets"]
    assert said_level == level
    assert said.startswith(f"{server.path('conf/own.key')} has mode {mode:04o}")
    assert said.endswith(f'; run "chmod go-rwx {server.path("conf/own.key")}"') == (level == "warn")


def test_permissions_of_files_with_passwords(doctor):
    def prepare(server):
        for name, mode in (("own.key", 0o600), ("passwords", 0o644), ("ticket.key", 0o604), ("users", 0o640),
                           ("open_users", 0o644)):
            os.chmod(server.path(f"conf/{name}"), mode)
    server, found = doctor(
        prepare, server=f"""{LISTEN} {OWN} ssl_password_file passwords; ssl_session_ticket_key ticket.key;
            location /a {{ auth_basic a; auth_basic_user_file users; }}
            location /b {{ auth_basic b; auth_basic_user_file open_users; }}
            location /c {{ auth_basic c; auth_basic_user_file users_of_$host; }}""",
        files={**pair("own", self_signed(), "secret"), "conf/passwords": "secret\n", "conf/ticket.key": b"k" * 80,
               "conf/users": "a:b\n", "conf/open_users": "a:b\n"})
    levels = {os.path.basename(said.split()[0]): level for level, said in found["secrets"]}
    assert levels == {"own.key": "ok", "passwords": "warn", "ticket.key": "warn", "users": "ok", "open_users": "warn"}


def test_a_key_for_upstream_servers(doctor):
    server, found = doctor(
        lambda server: os.chmod(server.path("conf/own.key"), 0o644),
        server="""location / { proxy_pass https://127.0.0.1:1; proxy_ssl_certificate own.crt;
                  proxy_ssl_certificate_key own.key; }""", files=pair("own", self_signed()))
    assert [level for level, _ in found["secrets"]] == ["warn"]
    assert "which are not used" not in found["ports"][0][1]


def test_more_connections_than_descriptors(doctor):
    _, found = doctor(how={"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))})
    ((level, said),) = found["descriptors"]
    assert level == "warn" and "512 worker_connections may need 1280, but the limit is 1000" in said
    assert 'set "worker_rlimit_nofile 1280;"' in said
    _, found = doctor(main="worker_rlimit_nofile 100;")
    assert found["descriptors"] == [("warn", "worker_rlimit_nofile 100 is too low: 512 worker_connections may need "
                                             '1280; set "worker_rlimit_nofile 1280;"')]


def test_the_limits_are_those_of_the_running_server(new_server):
    server = new_server()
    server.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1100, 1100)))
    found = examined(server)
    assert "but the limit is 1100 for the running server" in found["descriptors"][0][1]


def test_more_workers_than_CPUs(doctor):
    _, found = doctor(workers=len(os.sched_getaffinity(0)) + 1)
    assert found["cpus"][0][0] == "warn"
    assert found["cpus"][0][1].endswith('set "worker_processes auto;"')


def test_a_backlog_that_is_cut(doctor):
    _, found = doctor(http="server { listen 127.0.0.1:%PORT% backlog=1000000; }")
    ((level, said),) = found["listen"]
    assert level == "warn" and "backlog=1000000 of 127.0.0.1:" in said
    assert said.endswith('; run "sysctl -w net.core.somaxconn=1000000"')


def test_without_a_configuration_it_looks_at_the_system():
    found = findings(run("-c", "/nonexistent/server.conf"))
    ((level, said),) = found["configuration"]
    assert level == "warn"
    assert said.startswith("/nonexistent/server.conf cannot be used, so that only the system was looked at: open() ")
    assert "No such file or directory" in said and '; run "server -t" for all mistakes' in said
    assert {"engine", "kernel", "descriptors", "memlock", "cpus", "sysctl"} <= set(found)
    assert not {"listen", "ports", "placement", "secrets"} & set(found)


def test_a_configuration_with_mistakes_is_said_to_have_them(doctor):
    _, found = doctor(server="nonsense;")
    assert 'unknown directive "nonsense"' in found["configuration"][0][1]


def test_a_directory_without_a_configuration(tmp_path):
    found = findings(run("--root", str(tmp_path), "--listen", "127.0.0.1:1", "--engine", "epoll"))
    assert found["engine"] == [("ok", "epoll: the configuration says so")]


@pytest.mark.parametrize("arguments", [["-t"], ["-T"], ["-s", "stop"]])
def test_what_does_not_go_with_it(arguments):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'server: "doctor" does not go with -t, -T or -s\n'


def test_it_is_the_first_word():
    done = subprocess.run([binary(), "-q", "doctor"], capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert (done.returncode, done.stderr) == (1, 'server: invalid option: "doctor"\n')
