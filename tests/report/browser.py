#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chromium without a window, driven over the WebDriver protocol with nothing but the standard library."""
import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request


def missing():
    """Name of what is not installed; None: all is there."""
    for names in ("chromium", "chromium-browser", "google-chrome"), ("chromedriver", "chromium.chromedriver"):
        if not any(shutil.which(name) for name in names):
            return names[0]
    return None


class Browser:
    def __init__(self, folder, scripts=True):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        driver = shutil.which("chromedriver") or shutil.which("chromium.chromedriver")
        self.process = subprocess.Popen([driver, "--port=%d" % port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env=dict(os.environ, HOME=folder, TMPDIR=folder))
        self.address = "http://127.0.0.1:%d" % port
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                            "--window-size=1280,900", "--user-data-dir=" + os.path.join(folder, "browser")]}
        if not scripts:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        options["binary"] = binary
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}}}
        for attempt in range(100):
            try:
                self.session = self.call("POST", "/session", wanted)["sessionId"]
                return
            except (urllib.error.URLError, ConnectionError):
                if attempt == 99:
                    raise
                time.sleep(0.1)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def post(self, path, body):
        return self.call("POST", "/session/%s/%s" % (self.session, path), body)

    def devtools(self, command, **parameters):
        return self.post("goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path):
        self.post("url", {"url": "file://" + os.path.realpath(path)})

    def run(self, script, *arguments):
        return self.post("execute/sync", {"script": script, "args": list(arguments)})

    def scheme(self, name, medium=""):
        self.devtools("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def press(self, key):
        for kind in "keyDown", "keyUp":
            self.devtools("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key])

    def move(self, x, y):
        self.devtools("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def log(self, kind):
        return self.post("se/log", {"type": kind})

    def requests(self):
        """Addresses of what was asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def shoot(self, path, box=None):
        clip = {"clip": dict(box, scale=1), "captureBeyondViewport": True} if box else {}
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.devtools("Page.captureScreenshot", **clip)["data"]))

    def close(self):
        try:
            self.call("DELETE", "/session/" + self.session)
        finally:
            self.process.terminate()
            self.process.wait()
