"""contrib/tune_sysctl.sh below a root directory of the test's own: what it shows, changes and gives back."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(TOP, "contrib", "tune_sysctl.sh")
FILE = "etc/sysctl.d/90-ringx.conf"

# As kernels write them, with tabs. The first two are too low, the port range too narrow.
SYSCTLS = {
    "net.core.somaxconn": "128",
    "net.ipv4.tcp_wmem": "4096\t16384\t1048576",
    "net.ipv4.ip_local_port_range": "32768\t60999",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_rmem": "4096\t131072\t33554432",
    "net.ipv4.tcp_max_syn_backlog": "512",
    "net.ipv4.tcp_syncookies": "1",
    "net.core.netdev_max_backlog": "1000",
    "fs.file-max": "9223372036854775807",
    "fs.nr_open": "1048576",
}
CHANGED = {
    "net.core.somaxconn": "4096",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
    "net.ipv4.ip_local_port_range": "16384 65535",
    "net.ipv4.tcp_tw_reuse": "1",
}


class System:
    """A root directory with settings of a kernel."""

    def __init__(self, root):
        self.root = root
        self.write("proc/net/softnet_stat", "11b54536 00000000 000000c2\n1262c993 00000000 000000b4\n")
        os.makedirs(self.path("etc/sysctl.d"))
        for name, value in SYSCTLS.items():
            self.set(name, value)

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def set(self, name, value):
        self.write("proc/sys/" + name.replace(".", "/"), value + "\n")

    def value(self, name):
        return self.read("proc/sys/" + name.replace(".", "/"))

    def state(self):
        """All files and what is in them."""
        paths = [os.path.join(folder, name) for folder, _, names in os.walk(self.root) for name in names]
        return {path: self.read(path) for path in paths}

    def run(self, *arguments):
        done = subprocess.run([SCRIPT, *arguments, "--root", self.root], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_as_nobody(self, *arguments):
        """With rights to read alone. The script may lie where that user cannot reach it."""
        how = {"user": "nobody"} if os.getuid() == 0 else {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                os.chmod(os.path.join(folder, name), 0o444)
            os.chmod(folder, 0o555)
        with open(SCRIPT) as script:
            return subprocess.run(["sh", "-s", "--", *arguments, "--root", self.root], stdin=script, cwd="/",
                                  capture_output=True, text=True, timeout=60, **how)

    def remove(self):
        for folder, _, _ in os.walk(self.root):
            os.chmod(folder, 0o755)
        shutil.rmtree(self.root)


@pytest.fixture
def system():
    made = System(tempfile.mkdtemp(prefix="ringx-test-"))
    yield made
    made.remove()


def test_it_shows_what_it_would_change_and_changes_nothing(system):
    before = system.state()
    shown = system.run()
    assert system.state() == before
    changes = dict(re.findall(r"^change  (\S+) .* -> (.*?): .+$", shown, re.M))
    assert changes == CHANGED
    kept = re.findall(r"^ok      (\S+)", shown, re.M)
    assert sorted(kept) == sorted(set(SYSCTLS) - set(CHANGED) - {"net.ipv4.tcp_syncookies"})


def test_apply_changes_the_kernel_and_the_next_start(system):
    system.run("--apply")
    for name, value in SYSCTLS.items():
        assert system.value(name) == CHANGED.get(name, value) + "\n"
    lines = [line for line in system.read(FILE).splitlines() if line and not line.startswith("#")]
    assert dict(line.split(" = ") for line in lines) == CHANGED
    assert "change" not in system.run()


def test_undo_gives_back_what_was_there_byte_by_byte(system):
    before = system.state()
    system.run("--apply")
    assert system.state() != before
    system.run("--undo")
    assert system.state() == before


def test_apply_twice_changes_nothing_more(system):
    before = system.state()
    system.run("--apply")
    applied = system.state()
    assert "nothing to change" in system.run("--apply")
    assert system.state() == applied
    system.run("--undo")
    assert system.state() == before


def test_the_first_values_are_those_that_come_back(system):
    before = system.state()
    system.run("--apply")
    system.set("net.core.somaxconn", "256")  # somebody else did that
    system.set("net.core.netdev_max_backlog", "1000")
    system.write("proc/net/softnet_stat", "11b54536 000001ae 000000c2\n")  # a new reason
    system.run("--apply")
    assert system.value("net.core.somaxconn") == "4096\n"
    assert system.value("net.core.netdev_max_backlog") == "4096\n"
    system.write("proc/net/softnet_stat", before[system.path("proc/net/softnet_stat")])
    system.run("--undo")
    assert system.state() == before


def test_undo_without_apply_has_nothing_to_do(system):
    before = system.state()
    assert "nothing to undo" in system.run("--undo")
    assert system.state() == before


def test_a_higher_value_stays(system):
    higher = {"net.core.somaxconn": "65535", "net.ipv4.tcp_wmem": "8192\t65536\t16777216",
              "net.ipv4.ip_local_port_range": "1024\t65535"}
    for name, value in higher.items():
        system.set(name, value)
    system.run("--apply")
    for name, value in higher.items():
        assert system.value(name) == value + "\n"


@pytest.mark.parametrize("name, value, other, changed", [
    ("net.ipv4.tcp_syncookies", "0", "net.ipv4.tcp_max_syn_backlog", "4096\n"),
    ("net.ipv4.tcp_syncookies", "1", "net.ipv4.tcp_max_syn_backlog", "512\n"),
])
def test_what_matters_only_without_syn_cookies(system, name, value, other, changed):
    system.set(name, value)
    system.run("--apply")
    assert system.value(other) == changed


def test_what_a_kernel_does_not_have_is_left_out(system):
    os.unlink(system.path("proc/sys/net/ipv4/tcp_tw_reuse"))
    assert "tcp_tw_reuse" not in system.run()
    system.run("--apply")
    assert "tcp_tw_reuse" not in system.read(FILE)


@pytest.mark.parametrize("action", ["--apply", "--undo"])
def test_without_rights_it_says_so_and_changes_nothing(system, action):
    if action == "--undo":
        system.run("--apply")
    before = system.state()
    done = system.run_as_nobody(action)
    assert done.returncode == 1
    assert re.search("cannot write .*run it as root", done.stderr)
    assert system.state() == before


@pytest.mark.parametrize("arguments", [["--nonsense"], ["--root"]])
def test_what_it_does_not_understand_ends_it(arguments):
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("tune_sysctl.sh: ")


def test_its_list_is_the_doctors():
    with open(SCRIPT) as file:
        ours = [tuple(line.split("|")) for line in file.read().splitlines() if re.match(r"(net|fs)\.[^|]*\|", line)]
    with open(os.path.join(TOP, "src/proc/doctor_sysctls.cc")) as file:
        rows = re.findall(r'\{"([^"]+)", Kind::(\w+), "([^"]+)", When::(\w+),\s+"([^"]+)"\}', file.read())
    assert len(rows) > 5
    assert ours == rows
