"""Which engine serves, and why: chosen by the master, once, for all workers."""

import ctypes
import os
import struct

import pytest

SYSCALLS = 425, 426, 427  # io_uring_setup, io_uring_enter, io_uring_register
EPERM, ENOSYS = 1, 38
SYSCTL = "/proc/sys/kernel/io_uring_disabled"


def forbid_io_uring(error):
    """Run in the child: every io_uring call fails with this error, as container runtimes have it."""
    code = [(0x20, 0, 0, 0)]  # load the number of the call
    code += [(0x15, len(SYSCALLS) - i, 0, number) for i, number in enumerate(SYSCALLS)]
    code += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000 | error)]  # allow; fail
    program = b"".join(struct.pack("HBBI", *step) for step in code)
    memory = ctypes.create_string_buffer(program)
    filter_ = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert libc.prctl(22, 2, filter_, 0, 0) == 0  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


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
    automatic.start(preexec_fn=lambda: forbid_io_uring(error))
    (match,) = automatic.wait_for_log('using the "epoll" event method: (.*)')
    assert f"({error}: {text})" in match.group(1)
    assert automatic.get("/").text == "hello\n"


def test_io_uring_that_was_asked_for_and_cannot_be_had_ends_the_start(new_server):
    server = new_server()
    server.write("conf/server.conf", server.read("conf/server.conf").replace(f"use {server.engine};", "use io_uring;"))
    server.expect("cannot be used")
    done = server.run(preexec_fn=lambda: forbid_io_uring(EPERM))
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
