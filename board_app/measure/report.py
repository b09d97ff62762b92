"""A benchmark's result as JSON for programs and as text for people."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional

from board_app.measure.benchmark import WINDOWS, Measurement
from board_app.measure.chip_benchmark import BATCH, ChipMeasurement
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.system import machine

FORMAT = 1
_FEW = 1000  # below this the accuracy's 95% interval is several points wide


def row(
    overlay: Overlay,
    backend: str,
    dataset: Dataset,
    found: Measurement,
    chip: Optional[ChipMeasurement] = None,
) -> Dict[str, Any]:
    """Everything measured, on what and with what; times in milliseconds, shares in 0..1.

    "throughput" and "latency_ms" are by the clock on the wall, and missing for a simulated board.
    """
    low, high = found.accuracy.interval
    made: Dict[str, Any] = {
        "format": FORMAT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "overlay": overlay.folder.name,
        "network": overlay.manifest.network,
        "build_id": overlay.manifest.build_id,
        "backend": backend,
        "data": {"source": dataset.source, "images": len(dataset)},
        "accuracy": {
            "fraction": found.accuracy.fraction,
            "correct": found.accuracy.correct,
            "interval95": [low, high],
            "per_class": {
                name: found.accuracy.of_class(label) for label, name in enumerate(CLASSES)
            },
            "confusion": found.accuracy.confusion.tolist(),
        },
        "circuit": overlay.manifest.circuit,
        "machine": machine.describe(),
        "versions": machine.versions(),
    }
    if found.windows:
        made["throughput"] = {
            "images_per_second": found.throughput,
            "windows": list(found.windows),
        }
        made["latency_ms"] = {
            "median": 1000 * found.latency(50),
            "percentile99": 1000 * found.latency(99),
            "inferences": len(found.latencies),
        }
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
        }
    return made


def text(row: Dict[str, Any]) -> str:
    """The result as a table for people."""
    accuracy = row["accuracy"]
    images = row["data"]["images"]
    low, high = accuracy["interval95"]
    lines = [
        f"overlay     {row['overlay']} (build {row['build_id']}) on backend {row['backend']}",
        f"machine     {row['machine']['model']}, {row['machine']['architecture']}, "
        f"{row['machine']['processors']} processors; {row['machine']['system']}",
        f"versions    {', '.join(f'{name} {number}' for name, number in row['versions'].items())}",
        f"images      {row['data']['source']}",
        f"accuracy    {accuracy['fraction']:.2%} ({accuracy['correct']:,} of {images:,}), "
        f"95% interval {low:.2%} to {high:.2%}",
    ]
    if images < _FEW:
        lines.append(f"            on {images} images only: this proves little about the network")
    if row["circuit"]:
        lines.append(f"circuit     {circuit(row['circuit'])}")
    if "chip" in row:
        lines += _chip(row["chip"])
    if "throughput" in row:
        lines += _wall(row["throughput"], row["latency_ms"])
    else:
        lines.append("            the board is simulated: times are by its clock, not the wall's")
    return "\n".join([*lines, "", *_confusion(accuracy)])


def _chip(chip: Dict[str, Any]) -> List[str]:
    equal, images = chip["equal_to_reference"], chip["images"]
    return [
        f"chip        {chip['cycles_per_image']:,.0f} cycles an image in batches of up to {BATCH}: "
        f"{chip['images_per_second']:,.0f} images/s at {chip['clock_mhz']:g} MHz",
        f"            {chip['first_image_cycles']:,} cycles for one image alone: "
        f"{1e3 * chip['first_image_ms']:.0f} µs; the processor's copies "
        f"{1e3 * chip['copies_per_image_ms']:.0f} µs an image; {chip['retries']} retries",
        f"equality    {equal:,} of {images:,} images have all logits as the reference has them"
        + ("" if equal == images else ": THE CHIP DIFFERS"),
    ]


def _wall(throughput: Dict[str, Any], latency: Dict[str, Any]) -> List[str]:
    return [
        f"throughput  {throughput['images_per_second']:,.1f} images/s "
        f"(median of {WINDOWS} windows: "
        f"{', '.join(f'{rate:,.1f}' for rate in throughput['windows'])})",
        f"latency     {latency['median']:.3f} ms median, {latency['percentile99']:.3f} ms "
        f"99th percentile ({latency['inferences']:,} single images)",
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
    width = max(len(name) for name in CLASSES)
    heads = " ".join(f"{name[:5]:>5}" for name in CLASSES)
    lines = [f"{'true class':{width}} {heads}   right"]
    for label, name in enumerate(CLASSES):
        share = accuracy["per_class"][name]
        right = "none seen" if share is None else f"{share:.1%}"
        cells = " ".join(f"{count:5}" for count in accuracy["confusion"][label])
        lines.append(f"{name:{width}} {cells}  {right:>6}")
    return lines
