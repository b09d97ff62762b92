"""Build a SystemVerilog module into a shared library, and stream numbers through it.

The module has a clock `clk_i`, a synchronous reset `rst_i` and streams: `x_data_i`, `x_valid_i`,
`x_ready_o` for an input `x`; `y_data_o`, `y_valid_o`, `y_ready_i` for an output `y`.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from host_build.errors import HostError
from host_build.kernels.base import Stream
from host_build.simulation import toolchain
from host_build.simulation.beats import Beats, from_words, pack, to_words, unpack
from host_build.simulation.programs import BuildError, LintError, ToolMissing
from host_build.simulation.toolchain import Parameter, lint

__all__ = [
    "BuildError", "Circuit", "CycleLimit", "Deadlock", "LintError", "ProtocolError", "Result",
    "SimulationError", "Stream", "ToolMissing", "build", "lint", "pack", "unpack",
]  # fmt: skip


class SimulationError(HostError):
    """The simulated hardware did something it must not do, or `$fatal` was called in it."""


class Deadlock(SimulationError):
    """No beat moved for a long time; the message says which streams were waiting."""


class CycleLimit(SimulationError):
    """The run took more cycles than it was allowed."""


class ProtocolError(SimulationError):
    """An output changed a beat that was offered, or its `valid` depends on `ready`."""


@dataclass(frozen=True)
class Result:
    """What came out of one run, and when each beat of every stream was accepted.

    `cycles` counts clock cycles since the reset, so that runs which follow each other compare.
    """

    outputs: dict[str, Beats]
    cycles: dict[str, NDArray[np.uint64]]
    first_cycle: int
    last_cycle: int


class _Channel(ctypes.Structure):
    """One stream during one run; the layout is that of harness.cpp.j2."""

    _fields_ = [
        ("beats", ctypes.c_void_p),
        ("cycles", ctypes.c_void_p),
        ("total", ctypes.c_uint64),
        ("done", ctypes.c_uint64),
        ("valid", ctypes.c_uint32),
        ("ready", ctypes.c_uint32),
    ]


_RUNNING, _DONE, _STUCK, _LIMIT, _UNSTABLE, _DEPENDENT, _ERROR = range(7)
_NEVER = 2**64 - 1
_one_folder_at_a_time = threading.Lock()


class Circuit:
    """One instance of a built module. It keeps its state from one `run` to the next."""

    def __init__(
        self, library: Path, inputs: Sequence[Stream], outputs: Sequence[Stream],
        images: Path, *, traced: bool,
    ) -> None:  # fmt: skip
        self.inputs, self.outputs, self.traced = tuple(inputs), tuple(outputs), traced
        self._library = _load(library, traced)
        self._images = images
        self._handle = self._library.circuit_new()
        weakref.finalize(self, self._library.circuit_free, self._handle)
        with _working_directory(images):  # $readmemh runs at the first evaluation
            self.reset()

    @property
    def cycle(self) -> int:
        """Clock cycles since the last reset."""
        return int(self._library.circuit_cycle(self._handle))

    def reset(self) -> None:
        """Apply the synchronous reset; memories keep their contents."""
        self._check(self._library.circuit_reset(self._handle))

    def run(
        self,
        inputs: Mapping[str, ArrayLike],
        expected: Mapping[str, int],
        *,
        stall_in: float = 0.0,
        stall_out: float = 0.0,
        seed: int = 0,
        limit: int | None = None,
        patience: int = 100_000,
        on_progress: Callable[[int, dict[str, int]], None] | None = None,
        trace: Path | None = None,
        window: tuple[int, int] = (0, _NEVER),
    ) -> Result:
        """Stream `inputs` in until `expected` beats have come out of every output.

        `stall_in` and `stall_out` are the probabilities per cycle that a beat is not offered or
        not accepted. `limit` is in cycles; `patience` is how many cycles may pass in which no beat
        moves. `on_progress(cycle, beats done by stream)` is called some ten times a second. `trace`
        is a VCD file of the cycles [first, end) of `window`; it needs a traced build.
        """
        _same_names("inputs", inputs, self.inputs)
        _same_names("expected", expected, self.outputs)
        data = [to_words(inputs[s.name], s.width) for s in self.inputs]
        data += [np.zeros((expected[s.name], s.words), dtype=np.uint32) for s in self.outputs]
        stamps = [np.zeros(len(beats), dtype=np.uint64) for beats in data]
        channels = [
            _Channel(beats.ctypes.data, cycles.ctypes.data, len(beats), 0, 0, 0)
            for beats, cycles in zip(data, stamps, strict=True)
        ]
        streams = (*self.inputs, *self.outputs)
        split = len(self.inputs)
        ins = (_Channel * split)(*channels[:split])
        outs = (_Channel * len(self.outputs))(*channels[split:])
        first = self.cycle
        end = _NEVER if limit is None else first + limit
        self._library.circuit_seed(self._handle, seed)
        with self._trace(trace, window):
            status = _RUNNING
            while status == _RUNNING:  # the call comes back now and then, so that Ctrl-C works
                status = self._library.circuit_run(
                    self._handle, ins, outs, stall_in, stall_out, patience, end
                )
                if on_progress:
                    done = {s.name: c.done for s, c in zip(streams, (*ins, *outs), strict=True)}
                    on_progress(self.cycle, done)
        if status != _DONE:
            self._fail(status, list(zip(streams, (*ins, *outs), strict=True)), patience, limit)
        named = dict(zip((s.name for s in streams), stamps, strict=True))
        values = zip(self.outputs, data[split:], strict=True)
        outputs = {s.name: from_words(beats, s.width) for s, beats in values}
        return Result(outputs, named, first, self.cycle)

    def _fail(
        self, status: int, channels: list[tuple[Stream, _Channel]], patience: int, limit: int | None
    ) -> None:
        self._check(status)
        if status in (_UNSTABLE, _DEPENDENT):
            name = self.outputs[int(self._error())].name
            what = ("changed a beat it had offered" if status == _UNSTABLE
                    else "lets valid depend on ready in the same cycle")  # fmt: skip
            raise ProtocolError(f"output {name!r} {what}, in cycle {self.cycle}")
        states = "; ".join(
            f"{stream.name}: {c.done} of {c.total} beats, valid={c.valid} ready={c.ready}"
            for stream, c in channels
        )
        if status == _STUCK:
            raise Deadlock(f"no beat moved for {patience} cycles, at cycle {self.cycle}: {states}")
        raise CycleLimit(f"not done after {limit} cycles: {states}")

    def _check(self, status: int) -> None:
        if status == _ERROR:
            raise SimulationError(f"{self._error()}, in cycle {self.cycle}")

    def _error(self) -> str:
        return str(self._library.circuit_error(self._handle), "utf-8")

    @contextlib.contextmanager
    def _trace(self, path: Path | None, window: tuple[int, int]) -> Iterator[None]:
        if path is None:
            yield
            return
        if not self.traced:
            raise ValueError("this circuit was built without traced=True")
        self._library.circuit_trace(self._handle, str(path).encode(), *window)
        try:
            yield
        finally:
            self._library.circuit_end_trace(self._handle)


def build(
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter],
    inputs: Sequence[Stream],
    outputs: Sequence[Stream],
    *,
    images: Mapping[str, str] | None = None,
    defines: Mapping[str, str] | None = None,
    traced: bool = False,
    cache: Path = toolchain.CACHE,
) -> Circuit:
    """Build module `top` (or find it in `cache`) and return a fresh, reset instance of it.

    `images` are the `$readmemh` files, text by name; they are not part of the build, so that other
    contents cost no new one. Raises BuildError, ToolMissing or OSError.
    """
    library = toolchain.compile_circuit(
        top, sources, parameters, inputs, outputs, defines or {}, traced, cache
    )
    folder = toolchain.image_folder(images or {}, cache)
    return Circuit(library, inputs, outputs, folder, traced=traced)


def _load(path: Path, traced: bool) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    handle, number = ctypes.c_void_p, ctypes.c_uint64
    channels = ctypes.POINTER(_Channel)
    signatures: dict[str, tuple[object, list[object]]] = {
        "new": (handle, []),
        "free": (None, [handle]),
        "cycle": (number, [handle]),
        "error": (ctypes.c_char_p, [handle]),
        "seed": (None, [handle, number]),
        "reset": (ctypes.c_int, [handle]),
        "run": (ctypes.c_int, [handle, channels, channels, ctypes.c_double, ctypes.c_double,
                               number, number]),
    }  # fmt: skip
    if traced:
        signatures["trace"] = (None, [handle, ctypes.c_char_p, number, number])
        signatures["end_trace"] = (None, [handle])
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"circuit_{name}")
        function.restype, function.argtypes = result, arguments
    return library


def _same_names(what: str, given: Mapping[str, object], streams: Sequence[Stream]) -> None:
    names = {stream.name for stream in streams}
    if set(given) != names:
        raise ValueError(f"{what} names {sorted(given)}, but the streams are {sorted(names)}")


@contextlib.contextmanager
def _working_directory(path: Path) -> Iterator[None]:
    """The process has one working directory, so only one thread may change it at a time."""
    with _one_folder_at_a_time, contextlib.chdir(path):
        yield
