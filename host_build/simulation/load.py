"""Many clients at once: what a demo answers, how fast, and whether its memory stays flat."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil
from PIL import Image

from board_app.driver.accelerator import Accelerator
from board_app.network.batching import Batcher

_LONGEST_PAUSE = 1.0  # seconds that a client which was put off waits at most
_BOUNDARY = "picture-of-the-load"


@dataclass(frozen=True)
class Batching:
    """Images a second, and how many a batch had in the mean, with so many callers at once."""

    callers: int
    images_per_second: float
    batch: float


@dataclass
class Load:
    """What clients saw in `seconds`: pictures answered, requests put off with 503, and failures.

    `latencies` are those of the answers, in s; `memory` bytes of the server, once a second.
    """

    clients: int
    together: int
    seconds: float = 0.0
    pictures: int = 0
    put_off: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def pictures_per_second(self) -> float:
        return self.pictures / self.seconds

    def latency(self, percentile: float) -> float:
        """A percentile (0..100) of the answers' times, in s; nan where there are none."""
        return float(np.percentile(self.latencies, percentile)) if self.latencies else float("nan")

    @property
    def growth(self) -> float:
        """Bytes by which the memory's mean in the last quarter exceeds that of the second."""
        quarter = len(self.memory) // 4
        if not quarter:
            return 0.0
        second, last = self.memory[quarter : 2 * quarter], self.memory[-quarter:]
        return sum(last) / quarter - sum(second) / quarter


def pictures(count: int) -> list[bytes]:
    """So many PNG files of 32x32 noise, always the same."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(file, "PNG")
        found.append(file.getvalue())
    return found


class Slowed:
    """The driver on a slower processor: all but the chip's own time is `factor` times as long."""

    simulated = True

    def __init__(
        self,
        driver: Accelerator,
        factor: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._driver = driver
        self._factor = factor
        self._sleep = sleep
        self.name, self.windows, self.clock_mhz = driver.name, driver.windows, driver.clock_mhz
        self.now, self.close = driver.now, driver.close

    @property
    def last_cycles(self) -> int | None:
        return self._driver.last_cycles

    def execute(self, images: np.ndarray) -> np.ndarray:
        """The driver's logits, as much later."""
        began = time.perf_counter()
        logits = self._driver.execute(images)
        chip = (self.last_cycles or 0) / (1e6 * self.clock_mhz)
        self._sleep((self._factor - 1) * max(0.0, time.perf_counter() - began - chip))
        return logits


def batching(opened: Accelerator, callers: int, seconds: float, *, slower: float = 1.0) -> Batching:
    """`callers` threads give the driver one image after another, for so long.

    What the driver takes of the processor takes `slower` times as long as here.
    """
    images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
    opened.execute(images)
    batcher = Batcher(Slowed(opened, slower))
    sizes: list[int] = []
    start = time.perf_counter()
    end = start + seconds

    def call(first: int) -> None:
        at = first
        while time.perf_counter() < end:
            at = (at + 1) % len(images)
            sizes.append(batcher.execute(images[at : at + 1]).images)

    threads = [threading.Thread(target=call, args=(first,)) for first in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pace = len(sizes) / (time.perf_counter() - start)
    return Batching(callers, pace, sum(sizes) / len(sizes))


def run(
    address: tuple[str, int],
    clients: int,
    seconds: float,
    *,
    together: int = 1,
    process: int | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Load:
    """`clients` send pictures to the demo at `address` for so long, `together` in each request.

    The memory is that of `process` and the processes that it started. An answer that differs from
    the first one to the same picture is a failure.
    """
    load = Load(clients, together)
    files = pictures(16)
    known: dict[int, object] = {}
    lock = threading.Lock()
    start = time.monotonic()
    end = start + seconds

    def ask(first: int) -> None:
        client = _Client(address)
        at = first
        while time.monotonic() < end:
            chosen = [(at + index) % len(files) for index in range(together)]
            at += together
            began = time.monotonic()
            what = client.classify([files[index] for index in chosen])
            took = time.monotonic() - began
            with lock:
                if isinstance(what, str):
                    load.failures[what] += 1
                elif isinstance(what, float):
                    load.put_off += 1
                elif any(known.setdefault(*pair) != pair[1] for pair in zip(chosen, what)):  # noqa: B905
                    load.failures["another answer than before"] += 1
                else:
                    load.pictures += together
                    load.latencies.append(took)
            if isinstance(what, float):
                time.sleep(min(what, _LONGEST_PAUSE))
        client.close()

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        if process is not None:
            load.memory.append(memory_of(process))
        time.sleep(min(1.0, max(0.0, end - time.monotonic())))
        progress(time.monotonic() - start)
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - start
    return load


def memory_of(process: int) -> int:
    """Bytes of a process and those that it started, what they share counted once each."""
    found = psutil.Process(process)
    total = 0
    for one in [found, *found.children(recursive=True)]:
        with suppress(psutil.Error):  # one that decoded a picture and has ended
            total += one.memory_full_info().pss
    return total


class _Client:
    """One connection, made anew where the server closed it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._connection = http.client.HTTPConnection(*address, timeout=30)

    def classify(self, contents: Sequence[bytes]) -> list[object] | float | str:
        """Each picture's logits; seconds where it is put off; else what went wrong."""
        body, kind = contents[0], "image/png"
        if len(contents) > 1:
            body, kind = _form(contents), f"multipart/form-data; boundary={_BOUNDARY}"
        try:
            self._connection.request("POST", "/api/classify", body, {"Content-Type": kind})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return f"no answer: {type(error).__name__}"
        if response.status == 503 and "Retry-After" in response.headers:
            return float(response.headers["Retry-After"])
        if response.status != 200:
            return f"status {response.status}"
        row = json.loads(content)
        return [one["logits"] for one in row.get("pictures", [row])]

    def close(self) -> None:
        self._connection.close()


def _form(contents: Sequence[bytes]) -> bytes:
    head = (
        f"--{_BOUNDARY}\r\nContent-Disposition: form-data; "
        'name="picture"; filename="picture.png"\r\n\r\n'
    ).encode()
    parts = b"".join(head + content + b"\r\n" for content in contents)
    return parts + f"--{_BOUNDARY}--\r\n".encode()
