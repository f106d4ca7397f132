"""What lines of an error log say beside their message: client, server, request, host, referrer, and what was being
done. Each location writes to a log of its own, and the lines are those of nginx. Also the log in memory.
"""

import os
import re
import socket
import struct

import pytest

from harness import WAIT_SECONDS, open_files, paused, wait_until

OWN = "error_log logs/%PORT%-own info;"
SITE = """
limit_req_zone $host zone=r:1m rate=1r/m;
server {
    listen 127.0.0.1:%PORT%;
    server_name site.test other.test;
    error_log logs/%PORT%-server info;
    root html;
    client_header_timeout 100ms;
    location / { }
    location /own/ { OWN }
    location /forbidden/ { OWN }
    location /deny { OWN deny all; }
    location /auth { OWN auth_basic x; auth_basic_user_file passwords; }
    location /nofile { OWN auth_basic x; auth_basic_user_file nothing; }
    location /req { OWN limit_req zone=r; limit_req_dry_run on; }
    location /body { OWN client_max_body_size 10; return 200 x; }
    location /loop { OWN rewrite ^ /loop last; }
    location /cycle { OWN try_files /no /cycle/; }
    location /named { OWN try_files /no @named; }
    location @named { error_log logs/%PORT%-named info; }
    location /page { OWN error_page 404 /missing-page; }
    location /missing-page { error_log logs/%PORT%-page info; }
    location /rewritten { OWN error_log logs/%PORT%-rewrite notice; rewrite_log on; rewrite ^/r(.*)$ /own/$1?a last; }
    location /unset { OWN if ($never) { set $never 1; } return 200 "[$never]"; }
}
""".replace("OWN", OWN)
FILES = {"html/forbidden/file": "", "html/own/large": "x" * 20_000_000, "html/own/file": "",
         "conf/passwords": "a:{PLAIN}b\n"}
FIELDS = "Host: other.test\r\nReferer: http://from/\r\n"


def request(target, fields="", method="GET"):
    return f"{method} {target} HTTP/1.1\r\n{FIELDS}{fields}Connection: close\r\n\r\n"


# What a client sends; then it reads up to the end.
CASES = {
    "no file": request("/own/x"),
    "no file in the log of the server": request("/nothing"),
    "no listing": request("/forbidden/"),
    "denied": request("/deny"),
    "wrong password": request("/auth", "Authorization: Basic YTpj\r\n"),
    "unknown user": request("/auth", "Authorization: Basic Yjpj\r\n"),
    "no password file": request("/nofile"),
    "too large": request("/body", "Content-Length: 1000\r\n", "POST"),
    "rewrite cycle": request("/loop"),
    "internal cycle": request("/cycle"),
    "named location": request("/named"),
    "error page": request("/page"),
    "rewrite log": request("/rewritten"),
    "uninitialized": request("/unset"),
    "TRACE": request("/own/", method="TRACE"),
    "no host": "GET /own/x HTTP/1.1\r\nReferer: http://from/\r\n\r\n",
    "half a head": f"GET /own/x HTTP/1.1\r\n{FIELDS}",
    "half a line": "GET /own/x",
    "nothing at all": "",
    "an HTTP/1.0 request": "GET /own/x HTTP/1.0\r\n\r\n",
}


def talk(port, pid, text):
    """All that a client of that process has to say is there when it is accepted: then nothing comes."""
    with paused([pid]):
        client = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
        client.sendall(text.encode())
    with client:
        while client.recv(65536):
            pass


def lines(server, port):
    """All lines of the logs of that port: the log, then the line without time and processes."""
    found = []
    for name in sorted(os.listdir(server.path("logs"))):
        if name.startswith(f"{port}-"):
            for line in server.read(f"logs/{name}").splitlines():
                line = re.sub(r"^\S+ \S+ (\[\w+\]) \d+#\d+: (?:\*\d+ )?", r"\1 ", line).replace(f":{port}", ":PORT")
                found.append(f"{name.removeprefix(f'{port}-')}: {line}")
    return found


@pytest.fixture
def twins(beside_nginx, request):
    def start(site):
        ports = beside_nginx(site, FILES)
        return request.node.servers[0], ports
    return start


def test_lines_have_the_context_of_nginx(twins):
    server, ports = twins(SITE)
    pids = int(server.read("logs/nginx.pid")), *server.workers()
    server.expect("failed|forbidden|client|cycle")
    different = {}
    for name, text in CASES.items():
        said = []
        for port, pid in zip(ports, pids):
            known = lines(server, port)
            talk(port, pid, text)
            wait_until(lambda: len(lines(server, port)) > len(known), f"a line about: {name}")
            new = lines(server, port)
            for line in known:
                new.remove(line)
            said.append(new)
        if said[0] != said[1]:
            different[name] = said
    assert not different, "\n".join(f"{name}:\n  nginx: {theirs}\n  ours:  {ours}"
                                    for name, (theirs, ours) in different.items())


def test_a_client_that_leaves_is_told_of(twins):
    server, ports = twins(SITE.replace("client_header_timeout 100ms;", ""))
    for port in ports:
        with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as client:
            client.sendall(f"HEAD /own/file HTTP/1.1\r\n{FIELDS}\r\n".encode())
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS) as client:
            client.sendall(f"GET /own/file HTTP/1.1\r\n{FIELDS}".encode())
        socket.create_connection(("127.0.0.1", port), WAIT_SECONDS).close()
        for said in ("closed keepalive connection", "prematurely closed"):
            wait_until(lambda: said in "".join(lines(server, port)), said)
        server.wait_for_log(r"client closed connection while waiting for request, client: 127.0.0.1, "
                            rf"server: 127.0.0.1:{port}$", f"logs/{port}-server")
    messages = [{line.partition(": ")[2] for line in lines(server, port)} for port in ports]
    assert messages[0] == messages[1]
    assert "[info] client 127.0.0.1 closed keepalive connection" in messages[1]


def test_a_reset_does_not_take_the_address_of_the_client(serve):
    server = serve(files=FILES)
    client = socket.create_connection(("127.0.0.1", server.port()))
    client.sendall(b"GET /own/large HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.recv(100)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.wait_for_log(r"\[info\] .*\(\d+: (Broken pipe|Connection reset by peer)\) while sending response to client, "
                        r"client: 127\.0\.0\.1, server: localhost, request: \"GET /own/large HTTP/1.1\"")
    server.wait_for_log(r"^127\.0\.0\.1 .*/own/large", "logs/access.log")


# --- in memory


def rings(pid):
    """The paths under which the memory logs of a process can be read."""
    return [f"/proc/{pid}/fd/{fd}" for fd, path in open_files(pid).items() if "memfd:error_log" in path]


def ring_of(server):
    paths = rings(server.pid)
    assert len(paths) == 1
    with open(paths[0], "rb") as ring:
        return ring.read().decode()


def test_a_log_in_memory_is_read_from_the_master(serve):
    server = serve(http="error_log memory:64k info;")
    assert server.get("/missing").status == 404
    wait_until(lambda: "/missing" in ring_of(server), "the line")
    line = r'^\S+ \S+ \[error\] .*/missing" failed .*, client: 127.0.0.1, server: localhost'
    assert re.search(line, ring_of(server), re.M)
    server.reload()
    server.run("-s", "reopen")
    server.wait_for_log("reopening logs", count=3)
    assert server.get("/again").status == 404
    wait_until(lambda: "/again" in ring_of(server), "the line after a reload")
    assert "/missing" in ring_of(server)


def test_a_log_in_memory_keeps_the_newest_lines(serve):
    server = serve(http="error_log memory:4k info;")
    with server.client() as client:
        for number in range(200):
            assert client.get(f"/missing{number:03}").status == 404
    wait_until(lambda: "missing199" in ring_of(server), "the last line")
    assert len(ring_of(server)) <= 4096
    assert "missing195" in ring_of(server) and "missing100" not in ring_of(server)


def test_a_log_in_memory_outlives_a_worker(serve):
    server = serve(http="error_log memory:64k info;")
    server.expect("exited on signal 9")
    assert server.get("/missing").status == 404
    wait_until(lambda: "/missing" in ring_of(server), "the line")
    for worker in server.workers():
        os.kill(worker, 9)
    server.wait_for_log("exited on signal 9", count=2)
    assert "/missing" in ring_of(server)
