"""contrib/bench/ring_choices: every way to use io_uring answers what it is asked, and has a figure."""

import os
import re
import subprocess

import pytest

from harness.server import binary


def test_each_choice_has_a_figure_for_each_load():
    program = os.path.join(os.path.dirname(os.path.abspath(binary())), "ring_choices")
    done = subprocess.run([program, "--quick"], capture_output=True, text=True, timeout=60, check=False)
    if "there is no io_uring here" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0 and done.stderr == ""
    tables = [[line.split("|")[1:-1] for line in table.splitlines()] for table in done.stdout.strip().split("\n\n")]
    assert [len(table[0]) for table in tables] == [4, 4, 4]
    assert [len(table) - 2 for table in tables] in ([10, 3, 3], [9, 3, 3])
    for table in tables:
        for name, *figures in table[2:]:
            assert name.strip() and all(re.fullmatch(r" \d+\.\d\d ", figure) for figure in figures), name
            assert all(float(figure) > 0 for figure in figures), name


def test_other_options_are_refused():
    program = os.path.join(os.path.dirname(os.path.abspath(binary())), "ring_choices")
    done = subprocess.run([program, "--fast"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr == "ring_choices: only --quick is an option\n"
