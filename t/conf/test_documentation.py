"""Each directive says what it is: the table the program prints is what the man page's list is made of."""

import subprocess

import pytest

from harness import binary


def rows():
    done = subprocess.run([binary(), "--directives"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_each_directive_is_documented(new_server):
    del new_server  # only for its check that the binary is there
    table = rows()
    assert len(table) > 50
    for name, contexts, arguments, help_line in table:
        assert contexts, name
        assert help_line.endswith("."), f"{name} has no line of help"
        assert arguments is not None


@pytest.mark.parametrize("name", ["listen", "worker_processes", "uring_entries"])
def test_the_table_knows(new_server, name):
    del new_server
    assert name in [row[0] for row in rows()]
