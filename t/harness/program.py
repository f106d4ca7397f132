"""A program that serves in a process of its own: a real application, or a server that a test kills.

Its last argument is the port it shall listen on. It says "ready" on a line of its own when it does so, and what else a
test waits for in lines of the same kind. What it says on stderr is a fault.
"""

import os
import queue
import signal
import subprocess
import threading

from .ports import free_port, release
from .waiting import WAIT_SECONDS


class Program:
    def __init__(self, *command):
        self.command = command
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.faults = []
        self.process = None
        self.start()

    def start(self):
        """At first, or again on the same port after it was killed."""
        self.said = queue.Queue()
        self.process = subprocess.Popen([*self.command, str(self.port)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.readers = [threading.Thread(target=read, args=(pipe, keep)) for pipe, keep in
                        ((self.process.stdout, self.said.put), (self.process.stderr, self.faults.append))]
        for reader in self.readers:
            reader.start()
        self.wait_for_line("ready")

    def wait_for_line(self, wanted):
        """Waits until it says so; what it says before that is passed over."""
        passed = []
        while wanted not in passed:
            try:
                passed.append(self.said.get(timeout=WAIT_SECONDS))
            except queue.Empty:
                raise AssertionError(f"not {wanted!r} but {passed} from {self.command}: {self.faults}") from None

    def kill(self):
        """As a crash does: nothing is finished, nobody is told."""
        self.end(signal.SIGKILL)

    def end(self, number):
        process, self.process = self.process, None
        process.send_signal(number)
        process.wait(WAIT_SECONDS)
        for reader in self.readers:
            reader.join()
        process.stdout.close()
        process.stderr.close()

    def close(self):
        """Gives what was wrong with it."""
        if self.process:
            if self.process.poll() is not None:
                self.faults.append(f"{os.path.basename(self.command[-1])} ended: {self.process.returncode}")
            self.end(signal.SIGKILL)
        release(self.port)
        return self.faults


def read(pipe, keep):
    for line in pipe:
        keep(line.rstrip("\n"))
