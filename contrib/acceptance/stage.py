"""What every acceptance program needs: a server of the test harness, claims that are counted, and a limit of time.

A program makes its claims on a Verdict for each engine and ends with a line for each. A failed claim is printed at once
with what was seen; the rest still runs where that makes sense. Processes and files of a program end with it.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "t"))

from harness.server import Server, StartFailed, binary  # noqa: E402  (found through the line above)
from harness.waiting import wait_until  # noqa: E402

WORKERS = 2
CONFIGURATION = """\
daemon off;
worker_processes 2;
pid logs/server.pid;
error_log logs/error.log info;
events {
    %USE%
    worker_connections 20000;
}
http {
    include mime.types;
    default_type application/octet-stream;
    access_log logs/access.log;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    server {
        listen 127.0.0.1:%PORT%;
        root html;
        %SERVER%
    }
}
"""


class Verdict:
    """The claims of one program about one engine."""

    def __init__(self, name):
        self.name, self.failures, self.facts, self.began = name, 0, [], time.monotonic()

    def claim(self, holds, text):
        """Counts and shows a claim that does not hold; returns whether it does."""
        if not holds:
            self.failures += 1
            print(f"  FAILED: {text}", flush=True)
        return bool(holds)

    def fact(self, text):
        """Something worth a word in the last line."""
        self.facts.append(text)

    def __str__(self):
        took = f"{time.monotonic() - self.began:.0f} s"
        outcome = f"FAILED ({self.failures})" if self.failures else "passed"
        return f"{self.name}: {outcome}: {', '.join([*self.facts, took])}"


class OutOfTime(Exception):
    pass


@contextlib.contextmanager
def limit(seconds):
    """Ends what it holds by OutOfTime, so that what `finally` undoes is undone."""
    def ring(*unused):
        raise OutOfTime(f"longer than {seconds} s")
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def attempt(verdict, what=""):
    """Turns what goes wrong in it into a failed claim."""
    try:
        yield
    except StartFailed as failure:
        status, stderr, _ = failure.args
        verdict.claim(False, f"{what}: it did not start: status {status}, {stderr.strip()}".lstrip(": "))
    except (AssertionError, OSError, OutOfTime, subprocess.TimeoutExpired) as failure:
        verdict.claim(False, f"{what}: {type(failure).__name__}: {failure}".lstrip(": "))


@contextlib.contextmanager
def running(verdict, engine, server="", files=None, text=CONFIGURATION, start=True, **how):
    """A server with two workers; its end and its logs are claims of the verdict. Without engine it chooses."""
    site = Server(engine or "")
    try:
        for name, data in (files or {}).items():
            site.write(name, data)
        use = f"use {engine};" if engine else ""
        site.configure(config=text.replace("%USE%", use).replace("%SERVER%", server))
        if start:
            start_all(site, **how)
        yield site
    except BaseException:
        print("\n".join(["  the end of the error log:", *site.error_log.splitlines()[-20:]]), flush=True)
        raise
    finally:
        for line in site.close():
            verdict.claim(False, f"in the logs or at the end: {line}")


def start_all(site, **how):
    """Starts a server; the pid file may be there before the workers are."""
    site.start(**how)
    wait_until(lambda: len(site.workers()) == WORKERS, f"{WORKERS} workers")


def main(name, act, seconds, add_options=None, engines=("io_uring", "epoll")):
    """Runs act(verdict, engine, options) on each engine asked for; the exit status tells whether all claims held."""
    module = sys.modules["__main__"]
    parser = argparse.ArgumentParser(description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=engines, action="append", help="only this one")
    if add_options:
        add_options(parser)
    options = parser.parse_args()
    if not os.access(binary(), os.X_OK):
        raise SystemExit(f"{binary()} is not built")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that being told to end undoes what was done
    verdicts = []
    for engine in options.engine or engines:
        verdict = Verdict(f"{name} {engine}".strip())
        with attempt(verdict), limit(seconds):
            act(verdict, engine, options)
        verdicts.append(verdict)
        print(verdict, flush=True)
    sys.exit(1 if any(verdict.failures for verdict in verdicts) else 0)


# --- looking at processes


def memory_kb(pid):
    """The memory of a process, shared pages counted by their share (Pss)."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(pid):
    """How many of a process's descriptors are sockets."""
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    return count


def usage(server):
    """Memory in KB and descriptors of the master and its workers together, and of which processes."""
    pids = [server.pid, *server.workers()]
    return {"memory": sum(memory_kb(pid) for pid in pids), "descriptors": sum(descriptors(pid) for pid in pids),
            "pids": pids}


def settled(look, seconds=10, still=0.5):
    """The value of look() once it has been the same for `still` seconds, or the last one."""
    deadline, value, since = time.monotonic() + seconds, look(), time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < still:
        time.sleep(0.05)
        now = look()
        if now != value:
            value, since = now, time.monotonic()
    return value
