"""Runs and pages to test, and a browser to test them in: headless Chromium, driven over a pipe."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from consbench import Run, Sample, SampleList, controls, evaluate
from consbench.model import Clicks
from consbench.types import Image
from consbench_reports.details import Scored
from consbench_reports.explorer import Budget, explorer_data
from consbench_reports.inputs import Inputs
from consbench_reports.page import render

SECONDS = 30.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class Browser:
    """One tab. `complaints` collects console errors and exceptions, `requests` every address that was asked for."""

    def __init__(self, executable: str, profile: Path) -> None:
        (commands_out, self._commands), (self._answers, answers_in) = os.pipe(), os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4: ours must not be among these two.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (commands_out, answers_in)]

        def attach() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")
        self._process = subprocess.Popen(
            [executable, *flags, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=attach,
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for fd in (commands_out, answers_in, *high):
            os.close(fd)
        self._number = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        self._loaded = False
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and return its result."""
        number = next(self._number)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, address: str, *, width: int = 1400, height: int = 1000, dark: bool = False) -> None:
        """Show a page and wait until it is loaded; starts with clean `complaints` and `requests`."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self._navigate("about:blank")  # an address that differs in its fragment alone would not be loaded anew
        self.complaints.clear()
        self.requests.clear()
        self._navigate(address)
        self.settle()

    def run(self, code: str) -> Any:
        """Evaluate JavaScript in the page, await what it promises, return its value."""
        answer = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def settle(self) -> None:
        """Wait until pictures that are being decoded are painted."""
        self.run(
            "new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 60))"
        )

    def click(self, x: float, y: float) -> None:
        """Click at a point of the window, as a mouse does."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def press(self, key: str) -> None:
        """Press a key, as a keyboard does."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def screenshot(self, *, whole: bool = False) -> bytes:
        """The window, or the whole page, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(SECONDS)
        os.close(self._commands)
        os.close(self._answers)

    def _navigate(self, address: str) -> None:
        self._loaded = False
        self.call("Page.navigate", url=address)
        limit = time.monotonic() + SECONDS
        while not self._loaded:
            assert time.monotonic() < limit, f"{address} is not loaded after {SECONDS} seconds"
            self._next()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], SECONDS)
            assert ready, "Chromium does not answer"
            came = os.read(self._answers, 1 << 20)
            assert came, "Chromium has ended"
            self._buffer += came
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._notice(message.get("method"), message.get("params", {}))
        return message

    def _notice(self, event: str | None, parameters: dict[str, Any]) -> None:
        match event:
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(parameters["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if parameters["type"] in ("error", "warning", "assert"):
                self.complaints.append(json.dumps(parameters["args"]))
            case "Log.entryAdded" if parameters["entry"]["level"] in ("error", "warning"):
                self.complaints.append(json.dumps(parameters["entry"]))
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Headless Chromium; tests that need it are skipped where there is none."""
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"no Chromium on this machine (looked for {', '.join(NAMES)})")
    browser = Browser(executable, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


class Faithful:
    """A model with scores whose answers depend on the click: a box around it, the left half, everything."""

    default_order = "area"

    def encode(self, image: Image) -> Faithful:
        self.shape = image.shape[:2]
        return self

    def predict(self, clicks: Clicks) -> tuple[np.ndarray, np.ndarray]:
        masks = np.zeros((len(clicks), 3, *self.shape), bool)
        for mask, (x, y) in zip(masks, clicks.astype(int), strict=True):
            mask[0, max(0, y - 5) : y + 6, max(0, x - 7) : x + 8] = True
            mask[1, :, : self.shape[1] // 2] = True
            mask[2, 2:-2, 2:-2] = True
        return masks, np.linspace(0.1, 0.9, 3 * len(clicks)).reshape(-1, 3)


@pytest.fixture(scope="session")
def make_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Render the page of some runs into a file, without the other files of a report."""

    def make(runs: Sequence[Run], *, samples: Sequence[Sample] | None = None, **options: Any) -> Path:
        inputs = options.pop("inputs", Inputs(tuple(runs)))
        budget = options.pop("budget", Budget())
        scored = [Scored(run, run.summary()) for run in runs]
        datasets = {"samples": SampleList(samples)} if samples is not None else None
        data = explorer_data(runs, budget, datasets)
        file = tmp_path_factory.mktemp("page") / "index.html"
        file.write_text(render(inputs, scored, data=data, budget=budget, **options), encoding="utf-8")
        return file

    return make


@pytest.fixture(scope="session")
def three_runs(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """The ground truth, discs around the click, and a model with scores that is sorted by area."""
    folder = tmp_path_factory.mktemp("runs")
    models = {"oracle": controls.oracle(), "click-disc": controls.click_disc(), "faithful": Faithful()}
    return [evaluate(model, samples, out=folder / name, name=name) for name, model in models.items()]


@pytest.fixture(scope="session")
def page(make_page: Callable[..., Path], three_runs: list[Run], samples: list[Sample]) -> Path:
    """The page of `three_runs`, with photographs."""
    return make_page(three_runs, samples=samples)
