"""What every measurement here needs: contenders on one CPU, a client on the other, and what the work cost.

A contender is a server with an engine. All of them get the same configuration text, one worker, and the CPU of
SERVER_CPU; whatever asks them runs on CLIENT_CPU. The cost of a run is the time its worker and its threads spent on a
CPU, as the scheduler counts it (/proc/PID/task/*/schedstat): io_uring's kernel workers are tasks of that process too.
"""

import atexit
import functools
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "t"))

from harness.bench import bench_binary  # noqa: E402  (found through the line above)
from harness.server import Server, binary  # noqa: E402

SERVER_CPU, CLIENT_CPU = "0", "1"
NGINX = os.environ.get("NGINX", shutil.which("nginx") or "/usr/sbin/nginx")

# Fixed paths inside of the prefix let any user run both; nginx would use those its package was built with.
CONFIGURATION = """\
daemon off;
worker_processes 1;
pid logs/server.pid;
error_log logs/error.log notice;
events {
    use %ENGINE%;
    worker_connections %CONNECTIONS%;
}
http {
    include mime.types;
    default_type text/plain;
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
    %HTTP%
    client_body_temp_path client_body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {
        listen 127.0.0.1:%PORT% %LISTEN%;
        root html;
        %SERVER%
    }
}
"""


class BadRun(Exception):
    """A run that measured something else than was asked for: errors at the client, alarms in a log."""


class Contender:
    """A server to measure: whose program, which engine, and what its configuration has beyond the common text.
    `proxies_only`: it serves no files, and has a configuration of its own."""

    def __init__(self, name, program, engine, extra="", proxies_only=False):
        self.name, self.program, self.engine, self.extra = name, program, engine, extra
        self.proxies_only = proxies_only

    @property
    def ours(self):
        return self.program == binary()


def contenders():
    return [Contender("ringx io_uring", binary(), "io_uring"), Contender("ringx epoll", binary(), "epoll"),
            Contender("nginx", NGINX, "epoll")]


def chosen(everyone, names):
    """Those whose name begins with or holds one of the comma separated names; all without names."""
    wanted = [name.strip() for name in (names or "").split(",") if name.strip()]
    found = [each for each in everyone if not wanted or any(name in each.name for name in wanted)]
    if not found:
        raise SystemExit(f"no contender is called {names}: there are {', '.join(each.name for each in everyone)}")
    return found


SETTLE_SECONDS = 3


@functools.cache
def pages_of(files):
    """A folder with these (name, data). They have been there for a while before anything is measured: what was changed
    a moment ago may be kept in other ways."""
    folder = tempfile.mkdtemp(prefix="ringx-pages-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    for name, data in files:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
    time.sleep(SETTLE_SECONDS)
    return folder


def lay_out(server, files):
    """Gives a server its files, those below html together with all others that have the same."""
    pages = tuple(item for item in files.items() if item[0].startswith("html/"))
    if pages:
        os.rmdir(server.path("html"))
        os.symlink(os.path.join(pages_of(pages), "html"), server.path("html"))
    for name in files.keys() - dict(pages).keys():
        server.write(name, files[name])


class Running(Server):
    """One contender, running on its CPU: `with Running(contender, files, server="…") as server`."""

    def __init__(self, contender, files=None, server="", connections=1024, http="", listen="",
                 cpu=SERVER_CPU):
        super().__init__(contender.engine)
        self.contender, self.cpu = contender, cpu
        lay_out(self, files or {})
        text = CONFIGURATION.replace("%CONNECTIONS%", str(connections)).replace("%HTTP%", http)
        text = text.replace("%LISTEN%", listen)
        self.configure(config=text.replace("%SERVER%", f"{server}\n{contender.extra}"))

    def command(self, *arguments):
        return ["taskset", "-c", self.cpu, self.contender.program, "-p", self.prefix, "-c", "conf/server.conf",
                "-e", "logs/error.log", *arguments]

    def __enter__(self):
        try:
            return self.start()
        except BaseException as failure:
            self.close()
            raise BadRun(f"{self.contender.name} did not start: {failure}") from failure

    def __exit__(self, kind, *unused):
        wrong = self.close()
        if wrong and kind is None:
            raise BadRun(f"{self.contender.name}: {wrong[0]}")

    def url(self, path, tls_port=None):
        """`tls_port`: N of the %PORTN% that speaks TLS."""
        return f"https://127.0.0.1:{self.port(tls_port)}{path}" if tls_port else f"http://127.0.0.1:{self.port()}{path}"

    @property
    def worker(self):
        workers = self.workers()
        if len(workers) != 1:
            raise BadRun(f"{self.contender.name} has the workers {workers}, not one")
        return workers[0]


# --- what it costs


def cpu_seconds(pid):
    """The time on a CPU of all tasks of a process, io_uring's kernel workers included."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # a kernel worker that ended since it was listed
    return total / 1e9


def memory_kb(pid):
    """The memory of a process, shared pages counted by their share (Pss)."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))


def slab_kb():
    with open("/proc/meminfo") as file:
        return int(re.search(r"^Slab:\s+(\d+)", file.read(), re.M).group(1))


# --- clients


WRK_DONE = re.compile(r"(\d+) requests in ([\d.]+)(us|ms|s|m),")
SECONDS_IN = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}


def wrk(url, seconds, connections, script=None, headers=(), refusals_max=0):
    """Asks as fast as it can; gives (requests, seconds). Errors of connections fail the run, and so do more answers
    that are none of 2xx and 3xx than expected."""
    command = ["taskset", "-c", CLIENT_CPU, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", os.path.join(os.path.dirname(os.path.abspath(__file__)), script)]
    done = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 30, check=False)
    found = WRK_DONE.search(done.stdout)
    trouble = re.search(r"^\s*(Socket errors.*|Non-2xx.*)$", done.stdout, re.M)
    refusals = re.fullmatch(r"Non-2xx or 3xx responses: (\d+)", trouble.group(1)) if trouble else None
    if refusals and int(refusals.group(1)) <= refusals_max:
        trouble = None
    if done.returncode or not found or trouble:
        raise BadRun(f"wrk {url}: {trouble.group(1) if trouble else done.stdout + done.stderr}")
    return int(found.group(1)), float(found.group(2)) * SECONDS_IN[found.group(3)]


H2LOAD_DONE = re.compile(r"^finished in ([\d.]+)(us|ms|s|m),.*?^requests: .* (\d+) succeeded, 0 failed, 0 errored, "
                         r"0 timeout", re.M | re.S)


def h2load(url, seconds, connections):
    """Asks as fast as it can over HTTP/1.1, one request of a connection at a time; gives (requests, seconds)."""
    command = ["taskset", "-c", CLIENT_CPU, "h2load", "--h1", "-t1", f"-c{connections}", f"-D{seconds}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    found = H2LOAD_DONE.search(done.stdout)
    if done.returncode or not found:
        raise BadRun(f"h2load {url}: {done.stdout + done.stderr}")
    return int(found.group(3)), float(found.group(1)) * SECONDS_IN[found.group(2)]


def ask(arguments):
    """What our own load generator says of its run."""
    command = ["taskset", "-c", CLIENT_CPU, bench_binary(), "--json", *(str(each) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise BadRun(done.stderr.strip())
    return json.loads(done.stdout)["runs"][0]


def bench(url, seconds, connections):
    """As wrk(), for large bodies: it takes them with fewer calls."""
    run = ask(["-c", connections, "-d", f"{seconds}s", url])
    if run["failures"]["all"] or run["unsent"] or set(run["statuses"]) != {"200"}:
        raise BadRun(f"bench {url}: {run['failures']}, {run['unsent']} not sent, {run['statuses']}")
    return run["answers"], run["seconds"]


def raise_descriptor_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"this needs {wanted} descriptors, and the limit is {hard}: ulimit -n")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


# --- the machine


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return "not there"
    return ((done.stdout + done.stderr).strip().splitlines() or ["silent"])[0]


def cpu_model():
    with open("/proc/cpuinfo") as file:
        match = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.M)
    return match.group(1) if match else os.uname().machine


def machine():
    """What a reader of the figures has to know about where they come from."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": f"{os.cpu_count()} x {cpu_model()}",
        "memory": f"{pages / 2**30:.0f} GiB",
        "kernel": os.uname().release,
        "load before": f"{os.getloadavg()[0]:.2f}",
        "ringx": first_line(binary(), "-v"),
        "commit": first_line("git", "-C", TOP, "describe", "--always", "--dirty"),
        "nginx": first_line(NGINX, "-v"),
        "wrk": first_line("wrk", "-v"),
        "h2load": first_line("h2load", "--version"),
        "openssl": first_line("openssl", "version"),
    }


def show_machine(facts):
    for name, value in facts.items():
        print(f"{name:12} {value}")
    if float(facts["load before"]) > 0.3:
        print("Others use this machine now: take the ratios with care, the figures not at all.")
    print(flush=True)


def need(*programs):
    for program in programs:
        if not shutil.which(program) and not os.access(program, os.X_OK):
            raise SystemExit(f"{program} is not there; build it or install it first")
    if os.cpu_count() < 2:
        raise SystemExit("this needs two CPUs, one for the server and one for its client")


def save(path, facts, results):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"machine": facts, "taken": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "results": results}, file, indent=1)
        file.write("\n")
    print(f"\nAll runs are in {path}")
