"""A headless Chromium, driven by WebDriver (W3C) as chromedriver speaks it: plain HTTP and JSON.

It has a profile of its own, which goes with it, and writes down what its console says and what it asks whom for.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request

from .ports import free_port, release
from .waiting import WAIT_SECONDS, wait_until

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # what WebDriver calls a reference to one
TAB, ENTER = "\ue004", "\ue007"


def is_installed():
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


class BrowserError(Exception):
    """What chromedriver says that it cannot do."""


class Browser:
    def __init__(self):
        self.port = free_port()
        self.profile = tempfile.mkdtemp(prefix="ringx-browser-")
        environment = dict(os.environ, HOME=self.profile)
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}", "--log-level=OFF"], env=environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = None
        wait_until(self._is_ready, "chromedriver")
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                     f"--user-data-dir={self.profile}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # which Chromium refuses to do without as root
        options = {"args": arguments, "binary": shutil.which("chromium")}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options,
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = answer["sessionId"]

    def close(self):
        if self.session:
            self._call("DELETE", f"/session/{self.session}")
        self.driver.terminate()
        self.driver.wait(WAIT_SECONDS)
        release(self.port)
        shutil.rmtree(self.profile, ignore_errors=True)

    # --- WebDriver

    def _is_ready(self):
        try:
            return self._call("GET", "/status")["ready"]
        except OSError:
            return False

    def _call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=2 * WAIT_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise BrowserError(f"{value['error']}: {value['message'].splitlines()[0]}") from None

    def _do(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def devtools(self, command, **parameters):
        """A command of Chromium's own protocol."""
        return self._do("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    # --- pages

    def open(self, url):
        self._do("POST", "/url", {"url": url})

    def look(self, width, height=900, dark=False):
        """The size of the window, as of a screen that is as wide, and what the reader prefers."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 500)
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def run(self, script, *arguments):
        """The value of a function's body in the page."""
        return self._do("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector):
        """What a reader sees of the first element."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def click(self, selector):
        element = self._do("POST", "/element", {"using": "css selector", "value": selector})
        self._do("POST", f"/element/{element[ELEMENT]}/click")

    def press(self, keys):
        """Keys, one after the other, as from a keyboard."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._do("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def screenshot(self, path, whole=True):
        """Keeps a picture, of the whole page or of what is in the window."""
        picture = self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture))

    # --- what it noticed

    def _log(self, kind):
        return self._do("POST", "/se/log", {"type": kind})

    def complaints(self):
        """What the console has said since the last time: errors, violations of the page's policy."""
        return [f"{entry['level']}: {entry['message']}" for entry in self._log("browser")]

    def requests(self):
        """The URLs that were asked for since the last time."""
        events = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
