"""Fixtures of the black-box tests: the engine of the run, and servers that are checked and removed after each test."""

import ctypes
import os
import zlib

import pytest

from harness import Server, binary
from harness.backend import Backend
from harness.nginx import Nginx, is_installed

SYS_IO_URING_SETUP = 425


def io_uring_refusal():
    """Why this machine has no io_uring, or nothing. A host may forbid it, and then only epoll can be tested."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_IO_URING_SETUP, 4, ctypes.create_string_buffer(120))
    if fd < 0:
        return os.strerror(ctypes.get_errno())
    os.close(fd)
    return None


@pytest.fixture(scope="session", params=["io_uring", "epoll"])
def engine(request):
    refusal = io_uring_refusal() if request.param == "io_uring" else None
    if refusal:
        pytest.skip(f"no io_uring here: {refusal}")
    return request.param


def pytest_collection_modifyitems(config, items):
    """RINGX_TEST_ENGINES=one: each test runs on one engine, and each engine gets half of them; `other`: on the one that
    `one` leaves out. So two runs, such as those of two builds, have run all of them on both."""
    part = os.environ.get("RINGX_TEST_ENGINES")
    if not part:
        return
    shift = ("one", "other").index(part)
    engines = ["io_uring", "epoll"] if not io_uring_refusal() else ["epoll"]

    def is_left_out(item):
        engine = item.callspec.params.get("engine") if hasattr(item, "callspec") else None
        if not engine:
            return False
        test = item.nodeid.replace(engine, "")
        return engine != engines[(zlib.crc32(test.encode()) + shift) % len(engines)]

    left_out = [item for item in items if is_left_out(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if not is_left_out(item)]


@pytest.fixture
def new_server(engine, request):
    """Makes servers that are not started yet: `server = new_server(http="…")`."""
    if not os.access(binary(), os.X_OK):
        pytest.skip(f"{binary()} is not built")
    servers = request.node.servers = []

    def make(files=None, **configuration):
        server = Server(engine)
        servers.append(server)
        for name, data in {"html/index.html": "hello\n", **(files or {})}.items():
            server.write(name, data)
        server.configure(**configuration)
        return server

    yield make
    wrong = [line for server in servers for line in server.close()]
    if wrong:
        pytest.fail("in the logs or at the end, unexpected:\n" + "\n".join(wrong[:20]), pytrace=False)


@pytest.fixture
def serve(new_server):
    """Starts servers: `server = serve("location / { … }", files={"html/a": "…"})`."""
    def start(server="", arguments=(), **configuration):
        return new_server(server=server, **configuration).start(*arguments)
    return start


@pytest.fixture
def backend():
    """Starts origin servers: `origin = backend(answer)`, or one that the test plays by hand: `backend()`."""
    started = []

    def start(*arguments, unix=False, **how):
        path = f"/tmp/ringx-backend-{os.getpid()}-{len(started)}" if unix else None
        started.append(Backend(*arguments, unix=path, **how))
        return started[-1]

    yield start
    wrong = [fault for one in started for fault in one.close()]
    if wrong:
        pytest.fail("wrong with what an origin received:\n" + "\n".join(wrong[:5]), pytrace=False)


@pytest.fixture
def proxied(serve, backend):
    """Starts a server before an origin: `server, origin = proxied(answer, "proxy_… directives;")`; or with texts of its
    own for server and http, in which %BACKEND% is the origin's address."""
    def start(answer=None, directives="", server="", http="", unix=False, **configuration):
        origin = backend(answer, unix=unix)
        if "%BACKEND%" not in server + http:
            server += f"location / {{ proxy_pass http://%BACKEND%; {directives} }}"
        texts = {"server": server, "http": http}
        texts = {name: text.replace("%BACKEND%", origin.address) for name, text in texts.items()}
        return serve(**texts, **configuration), origin
    return start


@pytest.fixture
def beside_nginx(new_server):
    """Starts nginx and the server, one process of each, with the same text for the http context; gives their ports."""
    if not is_installed():
        pytest.skip("no nginx here")
    peers = []

    def start(text, files):
        server = new_server(http=text, files=files, workers=1).start()
        peers.append(Nginx(server, text))
        return peers[-1].port, server.port()

    yield start
    for peer in peers:
        peer.stop()


@pytest.fixture
def refusal_of(new_server):
    """What is said of a configuration that is refused, with names in place of the temporary paths."""
    def check(config, files=None):
        server = new_server(config="events { } " + config, files=files)
        server.expect(r"\[emerg\]|\[warn\]")
        done = server.run("-t")
        assert done.returncode == 1, f"accepted: {done.stderr}"
        return done.stderr.replace(server.path("conf/server.conf"), "%CONF%").replace(server.prefix, "%PREFIX%")
    return check


@pytest.fixture
def refuses(new_server):
    """Fails unless a configuration is refused with that sentence: `refuses("invalid …", http="…")`."""
    def check(sentence, **configuration):
        server = new_server(**configuration)
        server.expect(r"\[emerg\]")
        done = server.run("-t")
        assert done.returncode == 1
        assert f"[emerg] {sentence}" in done.stderr
    return check


@pytest.fixture
def stands_only_in(new_server):
    """Fails unless a directive may stand in these contexts and in no other; `http` is what it needs there."""
    def check(text, contexts, http=""):
        for context in ("main", "events", "http", "server", "location"):
            parts = {"http": http}
            block = "server" if context == "location" else context
            parts[block] = parts.get(block, "") + (f"location / {{ {text} }}" if context == "location" else text)
            server = new_server(**parts)
            server.expect(r"\[emerg\]")
            done = server.run("-t")
            assert (done.returncode == 0) == (context in contexts.split()), f"{context}: {done.stderr}"
            assert done.returncode == 0 or f'"{text.split()[0]}" directive is not allowed here' in done.stderr
    return check


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows configuration and logs of a failed test's servers."""
    report = (yield).get_result()
    servers = getattr(item, "servers", [])
    if call.when == "call" and report.failed:
        for server in servers:
            for name in ("conf/server.conf", "logs/error.log", "stderr"):
                report.sections.append((name, server.read(name)[-20000:]))
