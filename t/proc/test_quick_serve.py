"""Serving a directory without a configuration file."""

import json
import os
import signal
import subprocess

import pytest

from harness import Client, binary
from harness.ports import free_port, release


@pytest.fixture
def quick(engine, tmp_path):
    """Starts it with the given options in an empty directory; gives the port."""
    if not os.access(binary(), os.X_OK):
        pytest.skip(f"{binary()} is not built")
    os.chmod(tmp_path, 0o755)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "page.html").write_text("a page\n")
    port = free_port()
    started = []

    def start(*options):
        process = subprocess.Popen([binary(), *(option.replace("PORT", str(port)) for option in options),
                                    "--engine", engine], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        started.append(process)
        return process, port

    yield start
    for process in started:
        process.kill()
        process.wait()
    release(port)


@pytest.mark.parametrize("options", [
    ["--listen", "127.0.0.1:PORT", "--root", "files"],
    ["--mode", "fast-path", "--static-dir", "./files", "--port", "PORT"],
    ["--mode", "dynamic-path", "--static-dir", "./files", "--host=127.0.0.1", "--port=PORT", "--workers=1"],
])
def test_a_directory_is_served(quick, engine, tmp_path, options):
    process, port = quick(*options)
    assert process.stdout.readline() == f"Serving {root(options)}\n"
    line = process.stdout.readline()
    assert f"at http://127.0.0.1:{port}/ " in line and f"engine: {engine}" in line
    with Client(port) as client:
        page = client.get("/page.html")
        assert (page.status, page.text, page.header("Content-Type")) == (200, "a page\n", "text/html")
        listing = client.get("/")
        assert listing.status == 200 and "page.html" in listing.text
    assert os.listdir(tmp_path) == ["files"]  # and nothing is written
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert "[alert]" not in process.stderr.read()


def root(options):
    return options[options.index("--root" if "--root" in options else "--static-dir") + 1]


def test_an_address_in_use_is_told(quick):
    first, _ = quick("--port", "PORT", "--root", "files")
    first.stdout.readline()
    second, _ = quick("--port", "PORT", "--root", "files")
    assert second.wait(30) == 1
    assert "Address already in use" in second.stderr.read()


def test_errors_go_to_standard_error(quick):
    process, port = quick("--port", "PORT", "--root", "files")
    process.stdout.readline()
    with Client(port) as client:
        assert client.get("/missing").status == 404
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    assert '/missing" failed (2: No such file or directory)' in process.stderr.read()


def test_the_api_answers_this_machine(quick):
    process, port = quick("--mode", "dynamic-path", "--listen", "127.0.0.1:PORT", "--workers=2")
    process.stdout.readline()
    with Client(port) as client:
        assert json.loads(client.get("/api/health").body)["status"] == "ok"
        assert json.loads(client.get("/api/stats").body)["api_version"] == 1
        assert "ringx_build_info" in client.get("/api/metrics").text
        assert client.request("POST", "/api/health", [("Content-Length", "0")]).status == 405
        assert client.request("DELETE", "/api/zones/a", [("Content-Length", "0")]).status == 403
