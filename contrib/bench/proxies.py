"""Proxies between the client and an origin: what the contenders of these rows are, haproxy beside the others.

The origin is the same for all, keeps connections and is on the client's CPU: nginx, which serves the files, or the
floor, so that client and origin together are not slower than a proxy. So the proxy has a CPU of its own, and its
worker's time is the whole cost. Each proxy keeps connections to the origin for as long as a run takes, checks nothing,
logs nothing and writes no body to a disk; what is not said here is each one's default.
"""

import os
import shutil
from contextlib import contextmanager

import lone_servers
from rig import CLIENT_CPU, NGINX, SERVER_CPU, Contender, Running

from harness.server import Server
from harness.waiting import wait_until

HAPROXY = os.environ.get("HAPROXY", shutil.which("haproxy") or "/usr/sbin/haproxy")

UPSTREAM = """\
upstream origin {
    server 127.0.0.1:%ORIGIN%;
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
}
proxy_http_version 1.1;
proxy_set_header Connection "";
proxy_max_temp_file_size 0;
"""
LOCATION = "location / { proxy_pass http://origin; }"

HAPROXY_CONFIGURATION = """\
global
    nbthread 1
    maxconn 1024
defaults
    mode http
    timeout connect 60s
    timeout server 60s
    timeout client 600s
    timeout http-keep-alive 600s
    http-reuse always
listen proxy
    bind 127.0.0.1:%PORT%
    server origin 127.0.0.1:%ORIGIN%
"""


def haproxy():
    return Contender("haproxy", HAPROXY, "epoll", proxies_only=True)


class RunningHaproxy(Running):
    """With a master, so that there is a worker to look at as in the others."""

    def __init__(self, contender, origin_port):
        Server.__init__(self, contender.engine)
        self.contender, self.cpu = contender, SERVER_CPU
        self.configure(config=HAPROXY_CONFIGURATION.replace("%ORIGIN%", str(origin_port)))

    def command(self, *arguments):
        return ["taskset", "-c", self.cpu, self.contender.program, "-W", "-db", "-q", "-f",
                self.path("conf/server.conf"), "-p", self.path("logs/server.pid"), *arguments]

    def start(self, *arguments, **how):
        super().start(*arguments, **how)
        wait_until(self.workers, "haproxy's worker")
        return self


def before(contender, origin_port):
    """The contender as a proxy before this origin, not started yet."""
    if lone_servers.is_floor(contender):
        return lone_servers.RunningFloor(contender, origin=origin_port)
    if contender.proxies_only:
        return RunningHaproxy(contender, origin_port)
    return Running(contender, server=LOCATION, http=UPSTREAM.replace("%ORIGIN%", str(origin_port)))


def origin_of(files, answer):
    if answer:
        return lone_servers.RunningFloor(lone_servers.floor(), answer, cpu=CLIENT_CPU)
    return Running(Contender("the origin", NGINX, "epoll"), files, cpu=CLIENT_CPU)


@contextmanager
def started(contender, files, answer=None):
    """The contender, running before an origin that serves the files, or has this answer for everybody."""
    with origin_of(files, answer) as origin:
        with before(contender, origin.port()) as proxy:
            yield proxy
