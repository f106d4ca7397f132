"""The command line as tools use it: output, exit codes, and where it goes."""

import os
import re
import subprocess

import pytest

from harness import binary, open_files, wait_until


def run(*arguments, **how):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=30, **how)


@pytest.fixture(autouse=True)
def built():
    if not os.access(binary(), os.X_OK):
        pytest.skip(f"{binary()} is not built")


def test_v_is_one_line_with_name_and_version():
    done = run("-v")
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(r"server version: ringx/\d+\.\d+\.\d+\n", done.stderr)


def test_V_says_what_it_was_made_of():
    lines = run("-V").stderr.splitlines()
    assert lines[0].startswith("server version: ringx/")
    assert lines[1].startswith("built by ")
    assert lines[2].startswith("built with OpenSSL ")
    assert "TLS SNI support enabled" in lines
    assert any(line.startswith("modules: ") and " static" in line for line in lines)
    assert lines[-1].startswith("configure arguments:")


def test_h_explains_the_switches():
    done = run("-h")
    assert done.returncode == 0
    for switch in ("-v ", "-V ", "-t ", "-T ", "-q ", "-s signal", "-p prefix", "-e filename", "-c filename",
                   "-g directives", "--root", "--listen"):
        assert f"  {switch}" in done.stderr
    assert run("-?").stderr == done.stderr


@pytest.mark.parametrize("arguments, sentence", [
    (["-c"], 'server: option "-c" requires file name'),
    (["-z"], 'server: invalid option: "z"'),
    (["-s", "foo"], 'server: invalid option: "-s foo"'),
    (["start"], 'server: invalid option: "start"'),
])
def test_what_it_does_not_understand_ends_it(arguments, sentence):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (1, sentence + "\n")


def test_T_prints_every_file_once(new_server):
    server = new_server(main="include extra.conf; include extra.conf;")
    server.write("conf/extra.conf", "# nothing\n")
    done = server.run("-T")
    assert done.returncode == 0
    for name in ("conf/server.conf", "conf/extra.conf", "conf/mime.types"):
        path = server.path(name)
        assert done.stdout.count(f"# configuration file {path}:\n{server.read(name)}\n") == 1
    assert "syntax is ok" in done.stderr


def test_t_leaves_nothing_behind(new_server):
    server = new_server()
    assert server.run("-t").returncode == 0
    assert not os.path.exists(server.path("logs/server.pid"))


def test_t_is_content_while_the_port_is_busy(serve):
    server = serve()
    done = server.run("-t")
    assert (done.returncode, "emerg" in done.stderr) == (0, False), done.stderr
    assert server.get("/").text == "hello\n"


def test_modules_are_compiled_in(new_server):
    server = new_server(main="load_module modules/a.so;")
    server.expect(r"\[emerg\]")
    done = server.run("-t")
    assert done.returncode == 1
    assert '"load_module" directive is not supported' in done.stderr


def test_t_finds_what_cannot_be_opened(new_server):
    server = new_server(main="error_log missing/error.log;")
    server.expect("missing/error.log")
    done = server.run("-t")
    assert done.returncode == 1
    assert "syntax is ok" in done.stderr
    assert f'[emerg] open() "{server.path("missing/error.log")}" failed (2: No such file or directory)' in done.stderr


def test_e_names_the_log_until_the_configuration_does(new_server):
    server = new_server(server="nonsense;")
    server.run("-t", "-e", "logs/first.log")
    assert 'unknown directive "nonsense"' in server.read("logs/first.log")
    assert server.error_log == ""


def test_e_is_the_log_of_a_configuration_without_one(new_server):
    server = new_server()
    text = server.read("conf/server.conf").replace("error_log logs/error.log info;", "")
    server.write("conf/server.conf", text)
    server.start("-e", "logs/first.log")
    server.get("/missing")
    server.wait_for_log('/missing" failed', "logs/first.log")
    server.reload()
    server.get("/gone")
    server.wait_for_log('/gone" failed', "logs/first.log")


def test_g_may_not_repeat_what_the_file_says(new_server):
    server = new_server()
    server.expect("duplicate")
    done = server.run("-t", "-g", "pid other.pid;")
    assert done.returncode == 1
    assert '"pid" directive is duplicate' in done.stderr


def test_s_without_a_server_says_what_is_missing(new_server):
    server = new_server()
    for name in ("stop", "quit", "reload", "reopen"):
        done = server.run("-s", name)
        assert done.returncode == 1
        line = f'server: [error] open() "{server.path("logs/server.pid")}" failed (2: No such file or directory)\n'
        assert done.stderr == line


def test_s_with_a_stale_or_broken_pid_file(new_server):
    server = new_server()
    server.expect(r"kill\(")
    server.write("logs/server.pid", "99999999\n")
    assert "[alert] kill(99999999, 15) failed (3: No such process)" in server.run("-s", "stop").stderr
    server.write("logs/server.pid", "x\n")
    done = server.run("-s", "stop")
    assert done.returncode == 1
    assert f'[error] invalid PID number "x" in "{server.path("logs/server.pid")}"' in done.stderr


def test_standard_descriptors_may_be_closed(new_server):
    server = new_server(main="user root;" if os.getuid() == 0 else "")
    command = " ".join(server.command()) + " <&- >&- 2>&-"
    process = subprocess.Popen(["sh", "-c", "exec " + command])
    server.process = process
    wait_until(server.has_started, "the pid file")
    want = ["/dev/null", "/dev/null", server.path("logs/error.log")]  # once started, as in nginx
    for pid in (server.pid, *server.workers()):
        wait_until(lambda pid=pid: [open_files(pid)[fd] for fd in range(3)] == want, f"the descriptors of {pid}")
    assert server.get("/").status == 200


def test_daemon_returns_when_it_serves(new_server):
    server = new_server()
    server.write("conf/server.conf", server.read("conf/server.conf").replace("daemon off;", ""))
    done = server.run()
    assert (done.returncode, done.stderr) == (0, "")
    master = int(server.read("logs/server.pid"))
    assert os.getsid(master) != os.getsid(0)
    assert server.get("/").status == 200
    assert server.run("-s", "quit").returncode == 0
    wait_until(lambda: not os.path.exists(server.path("logs/server.pid")), "the end")


def test_winch_rests_a_daemon_and_hup_wakes_it(new_server):
    server = new_server()
    server.write("conf/server.conf", server.read("conf/server.conf").replace("daemon off;", ""))
    assert server.run().returncode == 0
    master = int(server.read("logs/server.pid"))
    children = f"/proc/{master}/task/{master}/children"

    def workers():
        with open(children) as file:
            return file.read().split()

    os.kill(master, 28)
    wait_until(lambda: not workers(), "the workers to leave")
    assert server.accepts(server.port())  # the sockets are kept
    os.kill(master, 1)
    wait_until(lambda: len(workers()) == 2, "workers")
    assert server.get("/").status == 200
    assert server.run("-s", "stop").returncode == 0
    wait_until(lambda: not os.path.exists(server.path("logs/server.pid")), "the end")


def test_directives_are_listed_for_the_manual():
    rows = [line.split("\t") for line in run("--directives").stdout.splitlines()]
    assert ["worker_processes"] in [row[:1] for row in rows]
    assert all(len(row) == len(rows[0]) for row in rows)
