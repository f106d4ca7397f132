"""Runs the load generator and reads what it says."""

import json
import os
import signal
import subprocess

from .server import binary
from .waiting import WAIT_SECONDS


def bench_binary():
    return os.environ.get("RINGX_BENCH", os.path.join(os.path.dirname(binary()), "bench"))


def command(*arguments):
    return [bench_binary(), *(str(argument) for argument in arguments)]


def run(*arguments, **how):
    """Runs it to its end; gives status, stdout, stderr as text."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=4 * WAIT_SECONDS,
                          stdin=subprocess.DEVNULL, **how)


def record(*arguments):
    """What it says as JSON."""
    done = run("--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def measured(*arguments):
    """The only run of a record."""
    runs = record(*arguments)["runs"]
    assert len(runs) == 1
    return runs[0]


class Started:
    """One that runs while the test does something else; `with Started(…) as bench`."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def interrupt(self, number=signal.SIGINT):
        self.process.send_signal(number)

    def end(self):
        """Waits for its end; gives status, stdout, stderr."""
        out, err = self.process.communicate(timeout=2 * WAIT_SECONDS)
        return self.process.returncode, out, err
