"""contrib/prometheus and contrib/grafana: what they ask for is what a server tells, alerts fire when they should."""

import json
import os
import re
import subprocess

import pytest

from harness.certificates import self_signed
from harness.figures import figures
from harness.prometheus import program
from harness.tls import LISTEN, OWN, pair

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(TOP, "contrib", "prometheus", "ringx.rules.yml")
RULES_TEST = os.path.join(TOP, "contrib", "prometheus", "ringx.rules.test.yml")
DASHBOARD = os.path.join(TOP, "contrib", "grafana", "ringx.json")

# A server with everything that has figures.
HTTP = f"""
limit_req_zone $arg_k zone=rates:64k rate=1r/s;
limit_conn_zone $arg_k zone=connections:64k;
upstream app {{ zone app 64k; server 127.0.0.1:1; }}
server {{
    listen 127.0.0.1:%PORT%; {LISTEN} {OWN}
    server_name a.test;
    status_zone site;
    location = /metrics {{ metrics; }}
    location / {{ status_zone place; limit_req zone=rates; limit_conn connections 1; }}
    location /up/ {{ proxy_pass http://app; }}
    location /names/ {{ resolver 127.0.0.1:1 status_zone=names; }}
}}
"""
SELECTED = re.compile(r"\b(ringx_[a-z0-9_]+)(?:\{([^{}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
OF_PROMETHEUS = {"job", "instance"}


def promtool(*arguments, **how):
    promtool_path = program("promtool")
    if promtool_path is None:
        pytest.skip("promtool is not there: Debian's package is prometheus")
    done = subprocess.run([promtool_path, *arguments], capture_output=True, text=True, timeout=60, check=False, **how)
    return done.returncode, done.stdout + done.stderr


def panels():
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    yield from dashboard["panels"]
    yield from dashboard["annotations"]["list"]


def dashboard_expressions():
    with open(DASHBOARD, encoding="utf-8") as file:
        text = file.read()
    found = [target["expr"] for panel in panels() for target in panel.get("targets", [panel]) if "expr" in target]
    assert len(found) == text.count('"expr": ') > 40
    return found


def rules_text():
    """Without what people read."""
    with open(RULES, encoding="utf-8") as file:
        lines = [line for line in file if not re.match(r"\s*(#|summary:|description:)", line)]
    return "".join(lines)


@pytest.fixture
def told(serve):
    return figures(serve(http=HTTP, files=pair("own", self_signed())))


@pytest.mark.parametrize("asks", [dashboard_expressions, lambda: [rules_text()]], ids=["dashboard", "rules"])
def test_what_is_asked_for_is_told(told, asks):
    labels_of = {}
    for name, labels in told.samples:
        labels_of.setdefault(name, set()).update(label for label, value in labels)
    asked = [found for text in asks() for found in SELECTED.findall(text)]
    assert len(asked) > 15
    for name, selector in asked:
        assert name in labels_of, f"nobody tells {name}"
        for label, value in MATCHER.findall(selector):
            assert label in labels_of[name] | OF_PROMETHEUS, f"{name} has no label {label}"


def test_values_of_labels_that_are_asked_for_exist(told):
    """Of labels with known values; others are names, or of what is not configured here."""
    known = {label: {value for name, labels in told.samples for of, value in labels if of == label}
             for label in ("class", "reason", "result", "verdict", "process")}
    known["state"] = {"up", "down", "draining", "unhealthy", "checking", "unavailable",
                      "active", "reading", "writing", "waiting"}
    asked = [found for text in [*dashboard_expressions(), rules_text()] for found in SELECTED.findall(text)]
    seen = 0
    for name, selector in asked:
        for label, value in MATCHER.findall(selector):
            for one in value.split("|") if label in known else ():
                seen += 1
                assert one in known[label], f'{name} has no {label}="{one}"'
    assert seen > 10


def test_what_is_told_follows_the_conventions(serve):
    server = serve(http=HTTP, files=pair("own", self_signed()))
    code, said = promtool("check", "metrics", input=server.get("/metrics").text)
    assert (code, said) == (0, "")


def test_expressions_of_the_dashboard_can_be_read(tmp_path):
    rules = "".join(f"      - record: panel:{number}\n        expr: {json.dumps(text)}\n" for number, text in enumerate(
        text.replace("$__rate_interval", "5m") for text in dashboard_expressions()))
    (tmp_path / "panels.yml").write_text(f"groups:\n  - name: panels\n    rules:\n{rules}")
    code, said = promtool("check", "rules", str(tmp_path / "panels.yml"))
    assert code == 0, said


def test_panels_have_places_of_their_own():
    taken = set()
    ids = set()
    for panel in (panel for panel in panels() if "gridPos" in panel):
        assert panel["id"] not in ids
        ids.add(panel["id"])
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_rules_are_good_and_fire_when_they_should():
    code, said = promtool("check", "rules", RULES)
    assert code == 0 and "SUCCESS" in said, said
    code, said = promtool("test", "rules", RULES_TEST)
    assert code == 0 and "SUCCESS" in said, said


def test_each_alert_is_tried_out():
    with open(RULES_TEST, encoding="utf-8") as file:
        tried = set(re.findall(r'alertname="(\w+)"\}', file.read()))
    assert tried == set(re.findall(r"- alert: (\w+)", rules_text()))
