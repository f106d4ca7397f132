"""What bench writes: text, JSON, CSV, a picture, and comparisons."""

import csv
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest

from harness.backend import response
from harness.bench import command, measured, record, run

HELLO = response("hello")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def url(backend):
    return f"http://{backend(HELLO).address}/"


def test_text_says_what_was_asked_and_what_came(url):
    done = run("-c", 3, "-n", 4, "-t", 2, url)
    assert done.returncode == 0 and done.stderr == ""
    for pattern in (re.escape(url), r"3 connections, 2 threads, closed loop, \w+: \d", r"^requests +12, ",
                    r"^status +200: 12$", r"^connections +3$", r"^latency +p50 .* p99\.9 .* max "):
        assert re.search(pattern, done.stdout, re.M), pattern
    assert "failures" not in done.stdout


def test_a_terminal_sees_how_far_the_run_is(url):
    """Standard error is a terminal here; elsewhere there is no such line."""
    ours, theirs = pty.openpty()
    done = subprocess.run(command("-c", 2, "-d", "1s", url), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=theirs, timeout=120)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0 and b"requests " in done.stdout
    assert re.search(r"\r\S*0\.\d s: [\d,]+ requests/s, 0 failed, 0\.\d s left", shown), shown
    assert shown.endswith("\r\033[K")


def test_json_holds_parameters_machine_and_all_figures(url):
    everything = record("-c", 3, "-n", 4, "-r", 1000, "-H", 'X: "a"', "--timeout", "3s", url)
    assert set(everything) == {"version", "time", "machine", "runs"}
    assert set(everything["machine"]) == {"cpu", "cpus", "memory_mb", "kernel", "openssl", "load"}
    assert everything["machine"]["cpus"] > 0 and everything["machine"]["kernel"].startswith("Linux ")
    run_of = everything["runs"][0]
    parameters = run_of["parameters"]
    assert parameters["urls"] == [url] and parameters["headers"] == ['X: "a"']
    assert (parameters["connections"], parameters["requests_each"], parameters["rate"]) == (3, 4, 1000)
    assert parameters["open_loop"] and parameters["timeout_seconds"] == 3
    for latencies in (run_of["latency_us"], run_of["service_us"]):
        assert list(latencies) == ["count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
        figures = list(latencies.values())[2:]
        assert latencies["count"] == 12 and figures == sorted(figures)


def test_points_over_time_grow(url):
    points = measured("-c", 1, "-d", "1s", url)["over_time"]
    assert len(points) >= 5
    for name in ("seconds", "answers", "bytes_in"):
        assert [point[name] for point in points] == sorted(point[name] for point in points)


def test_csv_collects_runs(url, tmp_path):
    table = tmp_path / "runs.csv"
    for count in (2, 3):
        assert run("-c", 1, "-n", count, "-q", "--csv", table, "-H", 'X: "a, b"', url).returncode == 0
    assert run("-c", 2, "-n", 1, "--csv", table, "--compare", url, "--rounds", 1, url).returncode == 0
    with open(table, newline="") as file:
        lines = list(csv.reader(file))
        file.seek(0)
        rows = list(csv.DictReader(file))
    assert len(lines) == 5 and len({len(line) for line in lines}) == 1 and len(set(lines[0])) == len(lines[0])
    assert [row["answers"] for row in rows] == ["2", "3", "2", "2"]
    assert [row["side"] for row in rows] == ["", "", "A", "B"]
    for row in rows:
        assert row["url"] == url and row["status_2xx"] == row["answers"] and row["failures"] == "0"
        assert row["kernel"].startswith("Linux ") and float(row["per_second"]) > 0
        assert int(row["latency_p50_us"]) <= int(row["latency_max_us"])


def test_a_file_that_is_no_such_table_is_left_alone(url, tmp_path):
    table = tmp_path / "runs.csv"
    table.write_text("my,own,columns\n1,2,3\n")
    done = run("-n", 1, "--csv", table, url)
    assert done.returncode == 1 and "it is there and has other columns" in done.stderr
    assert table.read_text() == "my,own,columns\n1,2,3\n"


@pytest.mark.parametrize("option", ["--csv", "--plot"])
def test_files_that_cannot_be_written_are_known_before_the_run(backend, option):
    origin = backend(HELLO)
    done = run("-n", 1, option, "/nowhere/file", f"http://{origin.address}/")
    assert done.returncode == 1 and done.stderr.startswith('bench: "/nowhere/file" cannot be written: ')
    assert not origin.connections


def places(line):
    return [tuple(float(part) for part in place.split(",")) for place in line.get("points").split()]


@pytest.mark.parametrize("compared", [False, True])
def test_a_plot_has_a_curve_in_each_part_for_each_side(url, tmp_path, compared):
    picture = tmp_path / "plot.svg"
    picture.write_text("what was there before" * 10000)
    how = ["--compare", url, "--rounds", 2] if compared else []
    assert run("-c", 2, "-d", "500ms", "--plot", picture, *how, url + "?a&b<c>").returncode == 0
    top = xml.parse(picture).getroot()
    assert top.tag == SVG + "svg"
    width, height = float(top.get("width")), float(top.get("height"))
    lines = [places(line) for line in top.iter(SVG + "polyline")]
    assert len(lines) == (4 if compared else 2)
    assert all(0 <= x <= width and 0 <= y <= height for line in lines for x, y in line)
    assert all([x for x, _ in line] == sorted(x for x, _ in line) for line in lines)
    latencies = lines[0]  # y grows downward: none is less than the one before
    assert [y for _, y in latencies] == sorted((y for _, y in latencies), reverse=True)
    texts = [text.text for text in top.iter(SVG + "text")]
    assert {"Latency by percentile", "Requests a second over time", "99 %"} <= set(texts)
    assert any("?a&b<c>" in text for text in texts)


def test_a_comparison_asks_by_turns_and_shows_ratios(backend):
    heard = []
    origins = [backend(lambda *_, name=name: heard.append(name) or HELLO) for name in "AB"]
    urls = [f"http://{origin.address}/" for origin in origins]
    how = ["-c", 1, "-n", 5, "--rounds", 3, "--compare", urls[1], urls[0]]
    everything = record(*how)
    assert [each["side"] for each in everything["runs"]] == list("ABBAAB")
    assert "".join(heard) == "".join(5 * name for name in "ABBAAB")
    for figure in ("requests/s", "p50", "p99"):
        of = everything["comparison"][figure]
        assert all(each["least"] <= each["median"] <= each["most"] for each in of.values())
        assert set(of) == {"A", "B", "ratio"} and of["ratio"]["median"] > 0
    done = run(*how)
    assert re.search(r"^requests/s +[\d,]+ +[\d,]+ +[\d.]+ +[\d.]+ to [\d.]+$", done.stdout, re.M), done.stdout
    assert f"A  {urls[0]}" in done.stdout and f"B  {urls[1]}" in done.stdout
