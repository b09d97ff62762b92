"""How the demo bears many clients at once."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from host_build.commands.options import OVERLAY, Commands, positive

_CALLERS = (1, 4, 16, 50)
_SLOWER = 4.0  # the board's 650 MHz beside a PC's 2.6 GHz; a Cortex-A9 does less in a cycle, too
_FACTOR = 3.0  # that batches must be faster there than one image at a time
_GROWTH = 8 << 20  # bytes that the memory may grow by from the second quarter to the last,
_SETTLED = 30  # in a run of so many seconds: a shorter one sees the start


def add(commands: Commands) -> None:
    parser = commands.add(
        "load", load,
        "many clients of the demo on a model of the board that keeps a real one's time: "
        "what batches give, errors, latency, memory; exit code 1 where it does not hold",
        OVERLAY,
    )  # fmt: skip
    parser.epilog = (
        "First callers give the driver one image after another, on this processor and on one "
        f"{_SLOWER:g} times as slow, as the board's is by its clock. There, many callers must get "
        f"{_FACTOR:g} times the images of one. Here they may get less: a quick processor leaves "
        "what the chip itself gains, not quite twice as many. Then clients send pictures over "
        "HTTP, where decoding takes most of the time: requests may be put off with 503, none may "
        "fail, and the memory must stay."
    )
    parser.add_argument("--clients", type=positive, default=50, metavar="N")
    parser.add_argument("--seconds", type=positive, default=60, metavar="N")


def load(options: argparse.Namespace) -> int:
    from board_app.network import overlay
    from host_build.simulation.load import batching
    from host_build.simulation.timed import open_timed

    with open_timed(overlay.find(options.network)) as opened:
        print("processor  callers  images/s  times  images a batch")
        for slower, name in ((1.0, "this one"), (_SLOWER, f"1/{_SLOWER:g} of it")):
            rows = [batching(opened, callers, 3.0, slower=slower) for callers in _CALLERS]
            for row in rows:
                factor = row.images_per_second / rows[0].images_per_second
                print(
                    f"{name:9}  {row.callers:7}  {row.images_per_second:8,.0f}  {factor:5.1f}  "
                    f"{row.batch:14.1f}"
                )
    holds = factor >= _FACTOR  # of the most callers on the slower one
    with _demo(options.network) as (process, port):
        print("clients  pictures a request  pictures/s  p50 ms  p99 ms  put off  failed  memory MB")
        for clients, together, seconds in (
            (1, 1, 5), (1, 16, 5), (options.clients, 1, options.seconds),
            (options.clients, 16, 20),
        ):  # fmt: skip
            holds &= _clients(process, port, clients, together, seconds)
    return 0 if holds else 1


def _clients(process: int, port: int, clients: int, together: int, seconds: int) -> bool:
    """One row; whether nothing failed and the memory stayed."""
    from tqdm import tqdm

    from host_build.simulation.load import run

    with tqdm(total=seconds, unit="s", disable=None, leave=False) as bar:

        def progress(done: float) -> None:
            bar.update(round(done) - bar.n)

        found = run(
            ("127.0.0.1", port), clients, seconds, together=together, process=process,
            progress=progress,
        )  # fmt: skip
    failed = sum(found.failures.values())
    low, high = (function(found.memory) / 1e6 for function in (min, max))
    print(
        f"{clients:7}  {together:18}  {found.pictures_per_second:10,.0f}  "
        f"{1e3 * found.latency(50):6.1f}  {1e3 * found.latency(99):6.1f}  "
        f"{found.put_off:7,}  {failed:6,}  {low:.0f} to {high:.0f}, {found.growth / 1e6:+.1f}"
    )
    for what, count in found.failures.items():
        print(f"  {count} times: {what}")
    flat = len(found.memory) < _SETTLED or found.growth < _GROWTH
    return not failed and flat


@contextmanager
def _demo(name: str) -> Iterator[tuple[int, int]]:
    """The demo in a process of its own: its number and port."""
    command = [
        sys.executable, "-m", "host_build.simulation.timed", "serve", "--overlay", name,
        "--backend", "timed", "--host", "127.0.0.1", "--port", "0",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(2)]
            yield process.pid, int(lines[1].rstrip("/\n").rpartition(":")[2])
        finally:
            process.terminate()
