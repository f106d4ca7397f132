"""Telling a machine that stood still from a server that did.

A virtual machine stands still when it has used up the CPU time its host allots to it, or when the host takes memory
back. Watchers of the highest priority that only sleep, one on each CPU, are then woken late all at once, which nothing
a server does on its own CPU can bring about. Times are those of time.perf_counter().
"""

import bisect
import multiprocessing
import os
import time

WATCH_SECONDS = 0.0005
STALL_SECONDS = 0.001
CPUS = sorted(os.sched_getaffinity(0))  # before anybody is bound to one of them


def ahead_of_others(cpu, priority):
    """This thread, but nothing it starts, goes before all else on this CPU, or on any. False when it may not."""
    if cpu is not None:
        os.sched_setaffinity(0, {int(cpu)})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        return True
    except PermissionError:
        return False


class StallWatch:
    """Notes when the machine stood still: `with StallWatch() as watch`, then watch.stalls, a list of (from, to)."""

    def __enter__(self):
        self.watchers = [Watcher(cpu) for cpu in CPUS]
        return self

    def __exit__(self, *unused):
        self.stalls = common_stalls([watcher.end() for watcher in self.watchers])


class Watcher:
    """Sleeps on a CPU, in a process of its own, and keeps the times for which it was not woken."""

    def __init__(self, cpu):
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.watch, args=(theirs, cpu))
        self.process.start()

    @staticmethod
    def watch(pipe, cpu):
        stalls = []
        if ahead_of_others(cpu, 20):
            due = time.perf_counter()
            while not pipe.poll():
                due = max(due + WATCH_SECONDS, time.perf_counter())
                time.sleep(max(0, due - time.perf_counter()))
                woken = time.perf_counter()
                if woken - due > STALL_SECONDS:
                    stalls.append((due, woken))
        pipe.send(stalls)

    def end(self):
        self.ours.send(None)
        stalls = self.ours.recv()
        self.process.join()
        return stalls


def common_stalls(of_cpus):
    """Those that all CPUs had at the same time, each from its first beginning to its last end."""
    common, *others = of_cpus
    for stalls in others:
        common = [(min(a, c), max(b, d)) for a, b in common for c, d in stalls if a < d and c < b]
    return common


def without_stalls(waits, stalls):
    """The latencies, less what of them fell into stalls."""
    ends = [stall[1] for stall in stalls]
    latencies = []
    for due, done in waits:
        latency = done - due
        for begin, end in stalls[bisect.bisect_right(ends, due):]:
            if begin >= done:
                break
            latency -= min(done, end) - max(due, begin)
        latencies.append(latency)
    return latencies
