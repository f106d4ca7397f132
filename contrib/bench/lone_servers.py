"""contrib/bench/lone_servers.py - servers that are one process each, in the foreground, with their own configurations:
lighttpd and h2o, which serve the same files as far as they are installed, and the floor (floor.cc)."""

import contextlib
import os
import shutil
import signal
import subprocess

from rig import SERVER_CPU, BadRun, Contender, Running, binary, lay_out

from harness.server import Server, members
from harness.waiting import wait_until

LIGHTTPD = """\
server.document-root = "%PREFIX%/html"
server.bind = "127.0.0.1"
server.port = %PORT%
server.errorlog = "%PREFIX%/logs/error.log"
server.max-connections = 20000
server.max-fds = 40000
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 600
mimetype.assign = (".txt" => "text/plain")
"""

H2O = """\
listen:
  host: 127.0.0.1
  port: %PORT%
num-threads: 1
max-connections: 20000
http1-request-timeout: 600
error-log: %PREFIX%/logs/error.log
hosts:
  default:
    paths:
      /:
        file.dir: %PREFIX%/html
"""

ALONE = {  # programs that are one process, with their configurations and the options that name these
    "lighttpd": (LIGHTTPD, ["-D", "-f"]),
    "h2o": (H2O, ["-m", "worker", "-c"]),
}


class RunningAlone(Running):
    """A server that is one process, in the foreground, and speaks of its start by listening only."""

    def __init__(self, contender, files):
        Server.__init__(self, contender.engine)
        self.contender, self.cpu = contender, SERVER_CPU
        lay_out(self, files)
        self.configure(config=ALONE[contender.name][0])

    def command(self, *arguments):
        options = ALONE[self.contender.name][1]
        return ["taskset", "-c", self.cpu, self.contender.program, *options, self.path("conf/server.conf")]

    def has_started(self):
        if self.process.poll() is not None:
            raise BadRun(f"{self.contender.name} did not start: {self.stderr}")
        return self.accepts(self.port())

    def stop(self, number=signal.SIGKILL):
        """How they end is not measured: h2o would wait for idle connections, and its helper ends after it."""
        group, process, self.process = self.process.pid, self.process, None
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself, which its status tells
            os.killpg(group, signal.SIGKILL)
        status = process.wait()
        wait_until(lambda: not members(group), "the end of its processes")
        return status

    def __exit__(self, *unused):
        self.expected_status = {-signal.SIGKILL}
        return super().__exit__(*unused)

    @property
    def worker(self):
        return self.process.pid


class RunningFloor(RunningAlone):
    """Sends `answer` for each head, or passes bytes on to the port of an origin."""

    def __init__(self, contender, answer=None, origin=None, cpu=SERVER_CPU):
        Server.__init__(self, contender.engine)
        self.contender, self.cpu = contender, cpu
        self.write("answer", answer or "")
        self.what = f":{origin}" if origin else self.path("answer")

    def command(self, *arguments):
        return ["taskset", "-c", self.cpu, self.contender.program, str(self.port()), self.what]


def floor():
    return Contender("floor", os.path.join(os.path.dirname(binary()), "floor"), "io_uring")


def is_floor(contender):
    return contender.name == "floor"


def is_lone(contender):
    return contender.name in ALONE


def found(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def contenders():
    """(those that are installed, the names of the others)"""
    here = [Contender(name, found(name), "epoll") for name in ALONE if found(name)]
    return here, [name for name in ALONE if not found(name)]


def version(name):
    done = subprocess.run([found(name), "-v"], capture_output=True, text=True, timeout=10, check=False)
    return ((done.stdout + done.stderr).strip().splitlines() or ["silent"])[0]
