"""The page of what was measured: docs/search.md with its picture, from kept results."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from board_app.measure.accuracy import wilson
from board_app.network.pooling import KEPT, SURE
from board_app.pictures.windows import SCALES, STEPS
from board_app.system.files import write_atomically, write_json
from host_build.search.measure import PLACE_FOUND, Row, Share
from host_build.search.photographs import DEBIAN, PYPI
from host_build.text import templates

_PICTURE, _NOTHING = "search.png", "-"
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")


@dataclass(frozen=True)
class Result:
    """One network's rows, how ways to combine all windows compare, and what they belong to."""

    network: str
    build_id: str
    clock_mhz: float | None
    machine: str
    rows: tuple[Row, ...]
    ways: Mapping[str, tuple[Share, Share]]

    def dump(self, path: Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Result:
        row = json.loads(path.read_text())
        ways = {name: (Share(**one), Share(**two)) for name, (one, two) in row["ways"].items()}
        return cls(**{**row, "rows": tuple(map(_row, row["rows"])), "ways": ways})


def write(results: Sequence[Result], docs: Path) -> Path:
    """Write docs/search.md and its picture; the page's path."""
    write_atomically(docs / _PICTURE, plot(results))
    target = docs / "search.md"
    write_atomically(target, page(results).encode())
    return target


def page(results: Sequence[Result]) -> str:
    """The page as Markdown."""
    networks = []
    for result in results:
        clock = "" if result.clock_mhz is None else f", its chip at {result.clock_mhz:g} MHz"
        shown, none = result.rows[0].scenes.whole, result.rows[0].sure_of_none.whole
        seen = f"{shown} scenes with an object, {none} pictures of none"
        networks += [f"### `{result.network}`", f"{seen}{clock}, processor: {result.machine}."]
        networks.append(_rows(result))
    values = {
        "networks": "\n\n".join(networks),
        "ways": _ways(results),
        "picture": _PICTURE,
        "scales": len(SCALES),
        "steps": STEPS,
        "kept": KEPT,
        "sure": SURE,
        "place": f"{100 * PLACE_FOUND:.0f}",
        "pypi": ", ".join(PYPI),
        "debian": ", ".join(DEBIAN),
    }
    return templates.render(Path(__file__).with_name("page.md.j2"), values)


def plot(results: Sequence[Result]) -> bytes:
    """Right answers and time by the number of windows, a PNG."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    scenes, photographs, time = figure.subplots(1, 3)
    for result, colour in zip(results, _COLOURS, strict=False):
        windows = [row.windows for row in result.rows]
        style: dict[str, Any] = {"color": colour, "marker": "o", "label": result.network}
        for axes, name in ((scenes, "scenes"), (photographs, "photographs")):
            shares = [100 * getattr(row, name).fraction for row in result.rows]
            axes.plot(windows, shares, **style)
        if result.rows[0].chip is not None:
            time.plot(windows, [row.chip for row in result.rows], **style)
        time.plot(windows, [row.processor for row in result.rows], color=colour, ls=":")
    scenes.set(title="Scenes", ylabel="right answers, %", ylim=(0, 100))
    photographs.set(title="Photographs", ylabel="right answers, %", ylim=(0, 100))
    time.set(title="Time: the chip, and dotted a PC's core", ylabel="ms a picture", yscale="log")
    for axes in (scenes, photographs, time):
        axes.set(xscale="log", xlabel="windows (1: the middle square)")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    time.yaxis.set_major_formatter("{x:g}")
    scenes.legend(frameon=False, fontsize="small")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    return picture.getvalue()


def _row(found: Mapping[str, Any]) -> Row:
    shares = {name: Share(**each) for name, each in found.items() if isinstance(each, dict)}
    return Row(**{**found, **shares})


def _rows(result: Result) -> str:
    return _table(
        ("scales", "windows", "scenes right", "photographs right", "place found", "sure",
         "right where sure", "sure where none is", "temperature", "calibration error", "chip, ms",
         "processor, ms"),
        (
            (
                str(row.scales or "middle square"), f"{row.windows:.0f}", _interval(row.scenes),
                _of(row.photographs), _percent(row.places), _percent(row.sure),
                _percent(row.right_if_sure), _percent(row.sure_of_none),
                f"{row.temperature:.2f}" if row.scales else _NOTHING, f"{100 * row.error:.0f}%",
                _NOTHING if row.chip is None else f"{row.chip:.1f}", f"{row.processor:,.0f}",
            )
            for row in result.rows
        ),
    )  # fmt: skip


def _ways(results: Sequence[Result]) -> str:
    names = list(results[0].ways) if results else []
    return _table(
        ("network", *names),
        (
            (f"`{result.network}`", *(
                f"{_percent(scenes)}, {_of(photographs)}"
                for scenes, photographs in (result.ways[name] for name in names)
            ))
            for result in results
        ),
    )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _interval(share: Share) -> str:
    low, high = wilson(share.part, share.whole)
    return f"{_percent(share)} ({100 * low:.0f} to {100 * high:.0f})"


def _percent(share: Share) -> str:
    return f"{100 * share.fraction:.0f}%" if share.whole else _NOTHING


def _of(share: Share) -> str:
    return f"{share.part} of {share.whole}"
