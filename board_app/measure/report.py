"""A benchmark's result as JSON for programs and as text for people."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np

from board_app.measure.accuracy import Accuracy
from board_app.measure.benchmark import WINDOWS, Speed
from board_app.measure.chip_benchmark import BATCH, ChipMeasurement
from board_app.network.overlay import Overlay
from board_app.system import machine

FORMAT = 2
_FEW = 1000  # below this the accuracy's 95% interval is several points wide


@dataclass(frozen=True)
class Watts:
    """What the board takes in batches and in the single stream, and who says so."""

    offline: float
    stream: float
    source: str


def row(
    overlay: Overlay,
    backend: str,
    source: str,
    images: int,
    accuracy: Optional[Accuracy],
    *,
    states: Sequence[Mapping[str, str]],
    speed: Optional[Speed] = None,
    chip: Optional[ChipMeasurement] = None,
    processor: Optional[Speed] = None,
    watts: Optional[Watts] = None,
) -> Dict[str, Any]:
    """Everything measured, on what and with what; times in milliseconds, shares in 0..1.

    `images` came from `source`. "accuracy" is null where none was measured. "throughput", "offline"
    and "latency_ms" are by the clock on the wall, and missing for a simulated board; "processor"
    has the same of the reference beside a chip. `states` are the machine's before and after.
    """
    made: Dict[str, Any] = {
        "format": FORMAT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "overlay": overlay.folder.name,
        "network": overlay.manifest.network,
        "build_id": overlay.manifest.build_id,
        "backend": backend,
        "data": {"source": source, "images": images},
        "accuracy": None if accuracy is None else _accuracy(accuracy, overlay.manifest.classes),
        "circuit": overlay.manifest.circuit,
        "machine": machine.describe(),
        "state": {"before": states[0], "after": states[-1]},
        "versions": machine.versions(),
    }
    if speed is not None:
        made.update(_speed(speed))
    if processor is not None:
        made["processor"] = _speed(processor)
    if chip is not None:
        made["chip"] = {
            "clock_mhz": chip.clock_mhz,
            "cycles_per_image": chip.cycles,
            "images_per_second": chip.images_per_second,
            "first_image_cycles": chip.first_cycles,
            "first_image_ms": chip.first_cycles / (1e3 * chip.clock_mhz),
            "copies_per_image_ms": 1e3 * chip.copies,
            "retries": chip.retries,
            "images": chip.images,
            "equal_to_reference": chip.equal,
            "offline": [
                {
                    "batch": batch,
                    "cycles_per_image": cycles,
                    "images_per_second": 1e6 * chip.clock_mhz / cycles,
                }
                for batch, cycles in chip.offline.items()
            ],
        }
    if speed is not None and watts is not None:
        made["energy"] = {
            "source": watts.source,
            "offline_watts": watts.offline,
            "offline_mj_per_image": 1e3 * watts.offline / speed.best.throughput,
            "single_stream_watts": watts.stream,
            "single_stream_mj_per_image": 1e3 * watts.stream * float(speed.stream.latencies.mean()),
        }
    return made


def _accuracy(found: Accuracy, classes: Sequence[str]) -> Dict[str, Any]:
    return {
        "fraction": found.fraction,
        "correct": found.correct,
        "interval95": list(found.interval),
        "per_class": {name: found.of_class(label) for label, name in enumerate(classes)},
        "confusion": found.confusion.tolist(),
    }


def _speed(found: Speed) -> Dict[str, Any]:
    return {
        "throughput": {
            "images_per_second": found.best.throughput,
            "batch": found.best.batch,
            "windows": list(found.best.windows),
        },
        "offline": [
            {"batch": each.batch, "images_per_second": each.throughput, "span": asdict(each.span)}
            for each in found.offline
        ],
        "latency_ms": {
            **_percentiles(found.stream.latencies),
            "windows": [_percentiles(window) for window in found.stream.windows],
            "span": asdict(found.stream.span),
        },
    }


def _percentiles(seconds: np.ndarray) -> Dict[str, float]:
    p50, p90, p99 = (1e3 * np.percentile(seconds, [50, 90, 99])).tolist()
    most = 1e3 * float(seconds.max())
    return {"p50": p50, "p90": p90, "p99": p99, "max": most, "inferences": len(seconds)}


def text(row: Dict[str, Any]) -> str:
    """The result as a table for people."""
    accuracy = row["accuracy"]
    images = row["data"]["images"]
    lines = [
        f"overlay     {row['overlay']} (build {row['build_id']}) on backend {row['backend']}",
        f"machine     {row['machine']['model']}, {row['machine']['architecture']}, "
        f"{row['machine']['processors']} processors; {row['machine']['system']}",
        f"versions    {', '.join(f'{name} {number}' for name, number in row['versions'].items())}",
        f"images      {row['data']['source']}",
    ]
    if accuracy is None:
        lines.append("accuracy    not measured: there are no images whose classes are known")
    else:
        low, high = accuracy["interval95"]
        lines.append(
            f"accuracy    {accuracy['fraction']:.2%} ({accuracy['correct']:,} of {images:,}), "
            f"95% interval {low:.2%} to {high:.2%}"
        )
        if images < _FEW:
            lines.append(
                f"            on {images} images only: this proves little about the network"
            )
    if row["circuit"]:
        lines.append(f"circuit     {circuit(row['circuit'])}")
    if "chip" in row:
        lines += _chip(row["chip"])
    if "throughput" in row:
        lines += _wall(row, "throughput  ", "latency     ")
    else:
        lines.append("            the board is simulated: times are by its clock, not the wall's")
    if "processor" in row:
        lines += _wall(row["processor"], "processor   ", "            ")
    if "energy" in row:
        lines += _energy(row["energy"])
    lines += _state(row["state"])
    if accuracy is not None:
        lines += ["", *_confusion(accuracy)]
    return "\n".join(lines)


def _chip(chip: Dict[str, Any]) -> List[str]:
    equal, images = chip["equal_to_reference"], chip["images"]
    rates = (f"{each['images_per_second']:,.0f} in {each['batch']}s" for each in chip["offline"])
    return [
        f"chip        {chip['cycles_per_image']:,.0f} cycles an image in batches of up to {BATCH}: "
        f"{chip['images_per_second']:,.0f} images/s at {chip['clock_mhz']:g} MHz "
        f"({', '.join(rates)})",
        f"            {chip['first_image_cycles']:,} cycles for one image alone: "
        f"{1e3 * chip['first_image_ms']:.0f} µs; the processor's copies "
        f"{1e3 * chip['copies_per_image_ms']:.0f} µs an image; {chip['retries']} retries",
        f"equality    {equal:,} of {images:,} images have all logits as the reference has them"
        + ("" if equal == images else ": THE CHIP DIFFERS"),
    ]


def _wall(row: Mapping[str, Any], throughput: str, latency: str) -> List[str]:
    """The lines of throughput and latency, each with its own first word."""
    best, alone = row["throughput"], row["latency_ms"]
    others = ", ".join(
        f"{each['images_per_second']:,.1f} in {each['batch']}s" for each in row["offline"]
    )
    return [
        f"{throughput}{best['images_per_second']:,.1f} images/s in batches of {best['batch']} "
        f"(median of {WINDOWS} windows; {others})",
        f"{latency}one image alone: {alone['p50']:.3f} ms median, {alone['p90']:.3f} ms 90th, "
        f"{alone['p99']:.3f} ms 99th percentile, {alone['max']:.3f} ms at most "
        f"({alone['inferences']:,} in {WINDOWS} windows)",
    ]


def _energy(row: Mapping[str, Any]) -> List[str]:
    return [
        f"energy      {row['offline_mj_per_image']:.3g} mJ an image in batches at "
        f"{row['offline_watts']:.3g} W, {row['single_stream_mj_per_image']:.3g} mJ one by one at "
        f"{row['single_stream_watts']:.3g} W ({row['source']})"
    ]


def _state(states: Mapping[str, Mapping[str, str]]) -> List[str]:
    before, after = states["before"], states["after"]
    return [
        f"state       governor {after['governor']}, processor at {after['processor_mhz']} MHz, "
        f"{before['celsius']} °C before and {after['celsius']} °C after"
    ]


def circuit(row: Mapping[str, Any]) -> str:
    """What a manifest says of its circuit, in simulation: no board was there to be measured."""
    clock, interval = row["clock_mhz"], row["cycles_per_frame"]
    parts = [f"at {clock:g} MHz {1e6 * clock / interval:,.0f} frames/s ({interval:,} cycles each)"]
    if "latency_cycles" in row:
        cycles = row["latency_cycles"]
        parts.append(f"latency {cycles / clock:,.1f} us ({cycles:,} cycles)")
    return ", ".join([*parts, "as simulated"])


def _confusion(accuracy: Dict[str, Any]) -> List[str]:
    """The confusion matrix, a true class a row, and the share of right answers in each."""
    classes = list(accuracy["per_class"])
    width = max(len(name) for name in ["true class", *classes])
    heads = " ".join(f"{name[:5]:>5}" for name in classes)
    lines = [f"{'true class':{width}} {heads}   right"]
    for label, name in enumerate(classes):
        share = accuracy["per_class"][name]
        right = "none seen" if share is None else f"{share:.1%}"
        cells = " ".join(f"{count:5}" for count in accuracy["confusion"][label])
        lines.append(f"{name:{width}} {cells}  {right:>6}")
    return lines
