"""What a browser makes of the `dashboard`: one Chromium, one engine, since the page asks for nothing but HTTP.

Pictures of it are kept beside the server under test as dashboard-*.png, for people to look at.
"""

import contextlib
import os
import threading

import pytest

from harness import binary, wait_until
from harness.browser import ENTER, TAB, Browser, is_installed

PICTURES = os.path.dirname(os.path.abspath(binary()))
PLACES = """
    status_zone site;
    location /dashboard/ { dashboard; status_zone off; }
    location /api/ { api write=on; status_zone off; }
    location /pages/ { status_zone pages; return 200 text; }
    location /missing/ { status_zone missing; }
    location /app/ { status_zone application; proxy_pass http://app/; }
"""


@pytest.fixture(scope="session")
def engine():
    return "epoll"


@pytest.fixture(scope="module")
def chromium():
    if not is_installed():
        pytest.skip("no chromium here")
    with contextlib.closing(Browser()) as browser:
        yield browser


@pytest.fixture
def browser(chromium, new_server):
    """At a usual desk; the page may complain of nothing, and is left before its server is."""
    del new_server
    chromium.open("about:blank")
    chromium.look(1280)
    chromium.complaints()
    chromium.requests()
    chromium.expected = ()
    yield chromium
    complaints = [line for line in chromium.complaints() if not any(word in line for word in chromium.expected)]
    chromium.open("about:blank")
    assert not complaints


@pytest.fixture
def busy(serve, backend):
    """A server with a bit of everything, and an origin behind it."""
    origin = backend(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    upstream = f"upstream app {{ zone app 256k; status_zone all; server {origin.address}; server 127.0.0.1:1 down; }}"
    server = serve(PLACES, http=upstream)
    server.origin = origin
    return server


@contextlib.contextmanager
def traffic(server, *targets):
    """Somebody who asks for these, again and again."""
    ended = threading.Event()

    def ask():
        while not ended.is_set():
            with server.client() as client:
                for target in targets:
                    client.get(target)
            ended.wait(0.01)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def show(browser, server, path="/dashboard/", number=1):
    browser.open(f"http://127.0.0.1:{server.port(number)}{path}")
    wait_for_status(browser, "Live")


def wait_for_status(browser, words):
    wait_until(lambda: words in browser.text("#status"), f"the status {words}, which is {browser.text('#status')!r}")


def rows(browser, selector):
    """The rows of all tables in there: their cells by the names of their columns."""
    return browser.run("""
        return [...document.querySelectorAll(arguments[0] + " tbody tr")].map((row) => {
            const columns = [...row.closest("table").querySelectorAll("thead th")];
            return Object.fromEntries([...row.cells].map((cell, i) => [columns[i].textContent, cell.innerText]));
        });""", selector)


def row(browser, selector, name):
    return next((one for one in rows(browser, selector) if name in one.values()), None)


def number(text):
    return 0 if text in ("", "–") else float(text.replace(",", ""))


def states(browser):
    return {one["server"]: one["state"] for one in rows(browser, "#upstreams")}


def test_it_shows_what_there_is(browser, busy):
    show(browser, busy)
    assert {one["zone"] for one in rows(browser, "#server-zones")} == {"site"}
    assert {one["zone"] for one in rows(browser, "#location-zones")} == {"pages", "missing", "application"}
    assert {one["zone"] for one in rows(browser, "#upstream-zones")} == {"all"}
    assert states(browser) == {busy.origin.address: "up", "127.0.0.1:1": "down"}
    assert {one["worker"] for one in rows(browser, "#workers")} == {"0", "1"}
    assert browser.text("#server").startswith("version")
    origin = f"http://127.0.0.1:{busy.port()}/"
    asked = [url for url in browser.requests() if not url.startswith(("data:", "chrome:", "about:"))]
    assert len(asked) >= 3 and all(url.startswith(origin) for url in asked)


def test_numbers_follow_the_traffic(browser, busy):
    show(browser, busy)

    def is_counted():
        zone = row(browser, "#location-zones", "pages")
        return number(zone["requests/s"]) > 1 and number(zone["2xx/s"]) > 1
    with traffic(busy, "/pages/", "/app/", "/missing/"):
        wait_until(is_counted, "requests of the zone")
        wait_until(lambda: "s" in row(browser, "#location-zones", "pages")["p95"], "its latency")
        wait_until(lambda: number(browser.text("#requests")) > 3, "requests of all")
        wait_until(lambda: number(row(browser, "#upstreams", "up")["requests/s"]) > 0.5, "requests upstream")
        wait_until(lambda: number(row(browser, "#upstream-zones", "all")["requests/s"]) > 0.5, "requests of the group")
        wait_until(lambda: "s" in row(browser, "#upstream-zones", "all")["p95"], "its latency")
        wait_until(lambda: number(row(browser, "#location-zones", "missing")["4xx/s"]) > 0.5, "those that failed")
        wait_until(lambda: browser.run("return document.querySelector('#requests-line .stroke').getAttribute('d')"),
                   "a line")
    wait_until(lambda: row(browser, "#location-zones", "pages")["requests/s"] == "0", "the end of it")


def test_the_filter_leaves_what_has_its_words(browser, busy):
    show(browser, busy)
    browser.run("document.getElementById('filter').focus()")
    browser.press("app down")
    wait_until(lambda: list(states(browser)) == ["127.0.0.1:1"], "one server")
    assert browser.text("#filter-note") == "1 of 7"
    browser.press("\ue003" * len("app down") + "PAGES")
    wait_until(lambda: [one["zone"] for one in rows(browser, "#location-zones")] == ["pages"], "one zone")
    assert states(browser) == {}
    browser.press("\ue003" * len("pages"))
    wait_until(lambda: len(rows(browser, "#location-zones")) == 3, "all zones")


def steer(browser, step, address):
    selector = f'button[aria-label="{step} {address} of app"]'
    wait_until(lambda: browser.run("return document.querySelector(arguments[0]) !== null", selector), selector)
    browser.click(selector)
    assert address in browser.text("dialog[open]")
    browser.click("#ask-yes")


def test_servers_are_drained_and_taken_down_and_up(browser, busy):
    show(browser, busy)
    address = busy.origin.address
    busy.expect("no live upstreams")
    for step, state, status in (
            ("Drain", "draining", 502), ("Up", "up", 200), ("Down", "down", 502), ("Up", "up", 200)):
        steer(browser, step, address)
        wait_until(lambda: states(browser)[address] == state, state)
        assert browser.run("return document.getElementById('message').hidden"), browser.text("#message")
        # The server has changed, not only what the page says.
        assert busy.get("/app/").status == status


def test_who_does_not_confirm_changes_nothing(browser, busy):
    show(browser, busy)
    address = busy.origin.address
    browser.click(f'button[aria-label="Down {address} of app"]')
    browser.click("#ask-no")
    assert browser.run("return document.querySelector('dialog[open]') === null")
    assert "PATCH" not in busy.access_log
    assert busy.get("/app/").status == 200


def test_a_refusal_is_shown_as_the_server_says_it(browser, busy):
    show(browser, busy)
    browser.expected = ("404",)
    browser.run("void steer('Down', 'app', '127.0.0.1:2')")
    browser.click("#ask-yes")
    wait_until(lambda: "The API says: " in browser.text("#message"), "the sentence")
    wait_for_status(browser, "Live")


def test_a_reader_is_offered_no_steps(browser, serve):
    server = serve("location /d/ { dashboard; } location /api/ { api; } location / { proxy_pass http://app; }",
                   http="upstream app { zone app 256k; server 127.0.0.1:1 down; }")
    show(browser, server, "/d/")
    assert states(browser) == {"127.0.0.1:1": "down"}
    assert browser.run("return document.querySelectorAll('td button').length") == 0


def test_it_works_behind_a_prefix(browser, busy, serve):
    proxy = serve("location /ops/ { proxy_pass http://127.0.0.1:%d/; proxy_set_header Host $http_host; }" % busy.port())
    show(browser, proxy, "/ops/dashboard/")
    address = busy.origin.address
    steer(browser, "Drain", address)
    wait_until(lambda: states(browser)[address] == "draining", "the state")
    origin = f"http://127.0.0.1:{proxy.port()}/ops/"
    assert all(url.startswith((origin, "data:", "about:", "chrome:")) for url in browser.requests())


def test_a_server_that_is_gone_is_said_to_be(browser, busy):
    browser.expected = ("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
    show(browser, busy)
    busy.stop()
    wait_for_status(browser, "cannot be reached. Trying again")
    assert browser.run("return document.getElementById('retry').hidden")

    def has_given_up():
        browser.run("poll.resume()")
        return "Gave up after 8 tries" in browser.text("#status")
    wait_until(has_given_up, "the end of its tries")
    busy.start()
    browser.click("#retry")
    wait_for_status(browser, "Live")
    assert browser.run("return document.getElementById('retry').hidden")


def test_what_is_not_the_api_is_said_to_be(browser, serve):
    browser.expected = ("404", "403")
    server = serve("""
        location /nothing/ { dashboard; } location = /api/stats { return 404; }
        location /text/ { dashboard api=../some/; } location /some/ { return 200 text; }
        location /closed/ { dashboard api=../shut/; } location /shut/ { api; deny all; }""")
    server.expect("forbidden")
    for path, sentence in (("/nothing/", "answers with status 404"), ("/text/", "is not the API"),
                           ("/closed/", "answers with status 403")):
        browser.open(f"http://127.0.0.1:{server.port()}{path}")
        wait_for_status(browser, sentence)


def test_what_clients_sent_is_text(browser, busy):
    name = "<img src=x onerror=alert(1)>&amp;\\u0041"
    assert busy.get("/missing/" + name.replace(" ", "%20")).status == 404
    show(browser, busy)
    wait_until(lambda: name in browser.text("#errors"), "the error")
    assert browser.run("return document.querySelectorAll('#errors img, #errors script').length") == 0
    assert "error" in browser.text("#errors .level") and "worker" in browser.text("#errors .who")


def test_an_error_again_and_again_is_one_entry(browser, busy):
    with busy.client() as client:
        for _ in range(20):
            client.get("/missing/same")
        client.get("/missing/other")
    show(browser, busy)
    wait_until(lambda: "/missing/other" in browser.text("#errors li"), "the last error")
    entries = browser.run("return [...document.querySelectorAll('#errors li')].map((entry) => entry.innerText)")
    assert len(entries) == 2
    assert "times" not in entries[0] and "20 times in a row" in entries[1]


def asked_so_far(server):
    return server.access_log.count("GET /api/stats")


@pytest.mark.parametrize("stop, go_on", [
    ("document.getElementById('pause').click()", "document.getElementById('pause').click()"),
    ("Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
     "document.dispatchEvent(new Event('visibilitychange'))",
     "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"),
])
def test_it_asks_nothing_while_nobody_looks(browser, busy, stop, go_on):
    show(browser, busy)
    wait_until(lambda: asked_so_far(busy) >= 2, "a second question")
    # In the page: whatever was on its way has arrived, and the time for two more has passed.
    browser.run(stop + "; window.waited = false; setTimeout(() => window.before = performance.getEntriesByType("
                "'resource').length, 500); setTimeout(() => window.waited = true, 3000)")
    wait_until(lambda: browser.run("return window.waited"), "three seconds")
    assert browser.run("return performance.getEntriesByType('resource').length === window.before")
    before = asked_so_far(busy)
    browser.run(go_on)
    wait_until(lambda: asked_so_far(busy) > before, "another question")


def test_a_phone_needs_no_sideways_scrolling(browser, serve):
    long = "a-name-that-nobody-would-like-to-read-on-a-phone." * 4
    server = serve(f"location /dashboard/ {{ dashboard; }} location /api/ {{ api write=on; }} status_zone {long};"
                   "location / { proxy_pass http://app; }",
                   http=f"upstream app {{ zone app 256k; server unix:/tmp/{'socket' * 14}; server [::1]:1 down; }}")
    assert server.get("/missing").status in (502, 504)
    server.expect("connect|upstream")
    for width in (320, 360, 412, 600, 704, 705, 960, 961, 1280):
        browser.look(width)
        show(browser, server)
        wait_until(lambda: "socket" in browser.text("#errors"), "an error")
        shown, there = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
        assert shown <= there, f"at {width}"
        cut = browser.run("""
            return [...document.querySelectorAll("td, th, dd, dt, p, h1, h2, h3, button")]
                .filter((e) => e.getClientRects().length && !e.closest("thead, .unseen, .skip"))
                .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.textContent)""")
        assert cut == [], f"at {width}"


def test_everything_is_reached_by_keyboard(browser, busy):
    show(browser, busy)
    seen = []
    for _ in range(20):
        browser.press(TAB)
        seen.append(browser.run("""
            const e = document.activeElement, style = getComputedStyle(e);
            return [e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent,
                    style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];"""))
        if seen[-1][0].startswith("Up "):
            break
    names = [name for name, _ in seen]
    assert all(visible for _, visible in seen), f"no focus to be seen: {seen}"
    address = busy.origin.address
    assert names == ["Skip to the figures", "Pause", "Show zones and upstream servers with",
                     f"Drain {address} of app", f"Down {address} of app", "Up 127.0.0.1:1 of app"]
    browser.press(ENTER)
    assert browser.run("return document.activeElement.closest('dialog[open]') !== null")
    browser.press("\ue00c")  # Escape
    assert browser.run("return document.querySelector('dialog[open]') === null")
    assert browser.run("return document.activeElement.textContent") == "Up"
    browser.run("document.getElementById('pause').focus()")
    browser.press(" ")
    wait_for_status(browser, "Paused")
    assert browser.run("return document.getElementById('pause').getAttribute('aria-pressed')") == "true"


def test_a_screen_reader_finds_names_and_landmarks(browser, busy):
    show(browser, busy)
    nodes = [node for node in browser.devtools("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    found = {}
    for node in nodes:
        found.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in ("main", "banner", "status", "region", "table", "columnheader", "rowheader"):
        assert found.get(role), role
    for role in ("button", "searchbox", "table", "region", "columnheader", "rowheader", "heading"):
        assert all(found[role]), f"a {role} without a name"
    assert {"Upstream servers", "Server zones", "Location zones", "Workers", "Recent errors"} <= set(found["region"])
    live = "[...document.querySelectorAll('[aria-live], [role=status], [role=alert]')].map((e) => e.id)"
    assert browser.run(f"return {live}") == ["status", "message"]
    assert browser.run("return [...document.querySelectorAll('th')].every((e) => e.scope)")
    for wanted in ("dark", "light"):  # 4.5 to 1: WCAG AA
        browser.look(1280, dark=wanted == "dark")
        assert browser.run(CONTRAST) == [], wanted


# The texts that stand out too little from what is behind them.
CONTRAST = """
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => parts(color).slice(0, 3).map((c) => c / 255)
        .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const color = getComputedStyle(e).backgroundColor;
            if ((parts(color)[3] ?? 1) === 1) return color;
        }
    };
    return [...document.querySelectorAll("body *")].filter((e) => e.getClientRects().length &&
        [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).filter((e) => {
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
            return (a + 0.05) / (b + 0.05) < 4.5;
        }).map((e) => e.outerHTML.slice(0, 120));
"""


def test_pictures(browser, busy):
    with traffic(busy, "/pages/", "/app/", "/pages/", "/missing/", "/dashboard/"):
        show(browser, busy)
        wait_until(lambda: browser.run("return samples.number") >= 6, "some history")
        for device, width in (("desktop", 1280), ("phone", 360)):
            for dark in (False, True):
                browser.look(width, dark=dark)
                path = os.path.join(PICTURES, f"dashboard-{device}-{'dark' if dark else 'light'}.png")
                browser.screenshot(path)
                assert os.path.getsize(path) > 10_000
