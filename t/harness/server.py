"""The server under test: its prefix, configuration, processes and logs.

A Server owns a temporary prefix that the workers' user can read. It runs the binary in the foreground as a supervisor
would, and ends with it: whatever the test does, no process and no file is left behind.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from .client import Client
from .ports import free_port, release
from .waiting import WAIT_SECONDS, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# In /proc/net/tcp. A socket whose process has closed it has no inode.
ESTABLISHED, CLOSE_WAIT, LISTEN = "01", "08", "0A"

# What no log may hold unless the test says that it expects it.
ALARMS = re.compile(r"\[(alert|emerg)\]|CHECK failed|runtime error:|AddressSanitizer|LeakSanitizer|UndefinedBehavior")

CONFIGURATION = """\
daemon off;
worker_processes %WORKERS%;
pid logs/server.pid;
error_log logs/error.log info;
%MAIN%
events {
    use %ENGINE%;
    worker_connections 512;
    %EVENTS%
}
%HTTP%"""

HTTP = """\
http {
    include mime.types;
    default_type application/octet-stream;
    access_log logs/access.log;
    %HTTP%
    %SERVER%
}
"""

SERVER = """\
    server {
        listen 127.0.0.1:%PORT%;
        server_name localhost;
        root html;
        %SERVER%
    }
"""


class StartFailed(Exception):
    """The process ended before it served; `args` hold its exit status and what it said."""


def binary():
    return os.environ.get("RINGX_SERVER", os.path.join(TOP, "objs", "server"))


class Server:
    def __init__(self, engine):
        self.engine = engine
        self.prefix = tempfile.mkdtemp(prefix="ringx-test-")
        os.chmod(self.prefix, 0o755)  # the workers run as another user
        for folder in ("conf", "html", "logs"):
            os.mkdir(self.path(folder))
        shutil.copy(os.path.join(TOP, "conf", "mime.types"), self.path("conf/mime.types"))
        self.process = None
        self.executable = None
        self.ports = []
        self.expected = []
        self.expected_status = {0}

    # --- files

    def path(self, name):
        return os.path.join(self.prefix, name)

    def write(self, name, data):
        """Writes a file below the prefix, making its folders; returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return path

    def read(self, name):
        try:
            with open(self.path(name), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    @property
    def error_log(self):
        return self.read("logs/error.log")

    @property
    def access_log(self):
        return self.read("logs/access.log")

    @property
    def stderr(self):
        return self.read("stderr")

    # --- configuration

    def configure(self, server="", http="", main="", events="", config=None, workers=2):
        """Writes conf/server.conf: directives for the contexts of a usual one, or the whole text.

        With `http` given as a text that holds a `server` block, no server is added to it. %PORT%, %PORT2% … become
        free ports, %ENGINE% the engine of this run, %PREFIX% the prefix, in any of the texts. Which of the `workers`
        a connection meets is chance, and they do not wait for each other: a test that counts on their order, or on
        what one of them remembers, has one.
        """
        if config is None:
            own_server = re.search(r"\bserver\s*\{", http)
            config = CONFIGURATION.replace("%HTTP%", HTTP)
            config = config.replace("%SERVER%", "" if own_server else SERVER, 1).replace("%WORKERS%", str(workers))
            for mark, text in (("MAIN", main), ("EVENTS", events), ("HTTP", http), ("SERVER", server)):
                config = config.replace(f"%{mark}%", text)
        self.write("conf/server.conf", self.filled_in(config))

    def filled_in(self, text):
        text = text.replace("%ENGINE%", self.engine).replace("%PREFIX%", self.prefix)
        return re.sub(r"%PORT(\d*)%", lambda match: str(self.port(int(match.group(1) or 1))), text)

    def port(self, number=1):
        """The port %PORT% stands for, or %PORTn%."""
        while len(self.ports) < number:
            self.ports.append(free_port())
        return self.ports[number - 1]

    # --- processes

    def command(self, *arguments):
        return [self.executable or binary(), "-p", self.prefix, "-c", "conf/server.conf", *arguments]

    def copy_executable(self):
        """From now on runs a copy in the prefix: the build may lie where other users cannot reach it."""
        self.executable = os.path.join(self.prefix, "server")
        shutil.copy(binary(), self.executable)

    def run(self, *arguments, **how):
        """Runs the binary on this prefix to its end, as with -t or -s; gives status, stdout, stderr as text."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=WAIT_SECONDS,
                              stdin=subprocess.DEVNULL, **how)

    def start(self, *arguments, **how):
        """Starts it in the foreground and waits for the pid file, which is there when every worker serves."""
        assert self.process is None, "already started"
        with open(self.path("stderr"), "ab") as stderr:
            self.process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=stderr,
                                            stderr=stderr, start_new_session=True, **how)
        wait_until(self.has_started, "the pid file")
        return self

    def has_started(self):
        status = self.process.poll()
        if status is not None:
            self.process = None
            raise StartFailed(status, self.stderr, self.error_log)
        return self.read("logs/server.pid") == f"{self.process.pid}\n"

    @staticmethod
    def accepts(port):
        try:
            socket.create_connection(("127.0.0.1", port), WAIT_SECONDS).close()
            return True
        except (ConnectionRefusedError, ConnectionResetError):  # the latter from a socket that is just being closed
            return False

    @property
    def pid(self):
        return self.process.pid

    def workers(self):
        """The pids of the master's children, oldest first."""
        return sorted(children(self.pid))

    def paused(self):
        """Stops the workers meanwhile."""
        return paused(self.workers())

    def connections(self, number=1):
        """How many connections to %PORT% a worker holds or has yet to accept."""
        with open("/proc/net/tcp") as file:
            rows = [line.split() for line in file.readlines()[1:]]
        ours = [(row[3], row[9]) for row in rows if row[1].endswith(f":{self.port(number):04X}")]
        return sum(state in (ESTABLISHED, CLOSE_WAIT) or (state != LISTEN and inode != "0") for state, inode in ours)

    def send_signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        """Reloads as an administrator does; fails unless that succeeds."""
        done = self.run("-s", "reload")
        assert done.returncode == 0, f"reload: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def stop(self, number=signal.SIGQUIT):
        """Ends it by a signal and waits for it; returns the exit status."""
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"signal {number} did not end it in {WAIT_SECONDS} s") from None

    # --- clients

    def client(self, number=1, **how):
        return Client(self.port(number), **how)

    def client_that_sent(self, data, number=1, finished=False):
        """A client whose first bytes are there before its connection is accepted, however slow we are."""
        with self.paused():
            client = self.client(number)
            client.send(data)
            if finished:
                client.finish()
        return client

    def request(self, method, target, *rest, **how):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.request(method, target, *rest, **how)

    def get(self, target, *rest, **how):
        return self.request("GET", target, *rest, **how)

    # --- logs

    def wait_for_log(self, pattern, name="logs/error.log", count=1):
        """Waits until the pattern is in the log, `count` times; returns the matches."""
        def found():
            matches = list(re.finditer(pattern, self.read(name), re.M))
            return matches if len(matches) >= count else None
        return wait_until(found, f"{pattern!r} in {name}")

    def expect(self, pattern):
        """Says that lines with this pattern are no alarm in this test."""
        self.expected.append(re.compile(pattern))

    def alarms(self):
        lines = (self.error_log + self.stderr).splitlines()
        return [line for line in lines if ALARMS.search(line) and not any(e.search(line) for e in self.expected)]

    def close(self):
        """Stops it, removes the prefix; gives what was wrong with its end and its logs."""
        wrong = []
        group = self.process and self.process.pid
        if self.process:
            try:
                status = self.stop(signal.SIGTERM)
                if status not in self.expected_status:
                    wrong.append(f"exit status {status}")
            except AssertionError as error:
                wrong.append(str(error))
        if group and members(group):
            wrong.append(f"processes left behind: {members(group)}")
            os.killpg(group, signal.SIGKILL)
        wrong += self.alarms()
        while self.ports:
            release(self.ports.pop())
        shutil.rmtree(self.prefix, ignore_errors=True)
        return wrong


@contextlib.contextmanager
def paused(pids):
    """Stops processes meanwhile: what is sent to them is there as a whole when they go on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(stat_fields(pid)[0] == "T" for pid in pids), "the processes to stop")
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


# --- /proc


def stat_fields(pid):
    """State, parent, process group … of a process; nothing when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def processes(field, value):
    found = []
    for name in os.listdir("/proc"):
        fields = stat_fields(name) if name.isdigit() else None
        if fields and fields[0] != "Z" and int(fields[field]) == value:
            found.append(int(name))
    return found


def is_alive(pid):
    """Whether it still runs: who nobody has buried yet does not."""
    fields = stat_fields(pid)
    return fields is not None and fields[0] != "Z"


def open_files(pid):
    """By descriptor, what a process has open; those it closes meanwhile are left out."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return found


def children(pid):
    return processes(1, pid)


def members(group):
    return processes(2, group)
