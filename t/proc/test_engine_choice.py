"""Which engine serves, and why: chosen by the master, once, for all workers."""

import os
from errno import ENOSYS, EPERM

import pytest

from harness.seccomp import IO_URING, forbid

SYSCTL = "/proc/sys/kernel/io_uring_disabled"


@pytest.fixture
def automatic(new_server):
    """A server that chooses by itself."""
    server = new_server()
    server.write("conf/server.conf", server.read("conf/server.conf").replace(f"use {server.engine};", "use auto;"))
    return server


def test_the_log_says_which_engine_serves(serve):
    server = serve()
    assert server.error_log.count(f'using the "{server.engine}" event method') == 1


@pytest.mark.parametrize("error, text", [(EPERM, "Operation not permitted"), (ENOSYS, "Function not implemented")])
def test_where_seccomp_forbids_io_uring_epoll_serves(automatic, error, text):
    automatic.start(preexec_fn=lambda: forbid(IO_URING, error))
    (match,) = automatic.wait_for_log('using the "epoll" event method: (.*)')
    assert f"({error}: {text})" in match.group(1)
    assert automatic.get("/").text == "hello\n"


def test_io_uring_that_was_asked_for_and_cannot_be_had_ends_the_start(new_server):
    server = new_server()
    server.write("conf/server.conf", server.read("conf/server.conf").replace(f"use {server.engine};", "use io_uring;"))
    server.expect("cannot be used")
    done = server.run(preexec_fn=lambda: forbid(IO_URING, EPERM))
    assert done.returncode == 1
    assert 'the "io_uring" event method cannot be used: ' in done.stderr
    assert not os.path.exists(server.path("logs/server.pid"))


def test_where_the_kernel_forbids_io_uring_epoll_serves(automatic):
    if os.getuid() != 0 or not os.path.exists(SYSCTL):
        pytest.skip("only root can forbid it, where the kernel has the switch")
    if os.environ.get("PYTEST_XDIST_WORKER"):
        pytest.skip("other tests are using io_uring at the same time")
    with open(SYSCTL) as file:
        before = file.read()
    try:
        with open(SYSCTL, "w") as file:
            file.write("2")
        automatic.start()
        automatic.wait_for_log('using the "epoll" event method: .*io_uring_disabled')
        assert automatic.get("/").text == "hello\n"
    finally:
        with open(SYSCTL, "w") as file:
            file.write(before)


def test_an_ordinary_user_with_little_locked_memory_can_start_it(automatic):
    if os.getuid() != 0:
        pytest.skip("only root can become an ordinary user")
    automatic.copy_executable()
    for folder, _, files in os.walk(automatic.prefix):
        for path in [folder, *(os.path.join(folder, file) for file in files)]:
            os.chown(path, 65534, 65534)

    def become_nobody():
        import resource
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    automatic.start(preexec_fn=become_nobody)
    assert automatic.get("/").text == "hello\n"
    automatic.reload()
    assert automatic.get("/").text == "hello\n"
