"""A benchmark's result as JSON for programs and as text for people."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping

from board_app import machine
from board_app.benchmark import WINDOWS, Measurement
from board_app.cifar10 import CLASSES, Dataset
from board_app.overlay import Overlay

FORMAT = 1
_FEW = 1000  # below this the accuracy's 95% interval is several points wide


def row(overlay: Overlay, backend: str, dataset: Dataset, found: Measurement) -> Dict[str, Any]:
    """Everything measured, on what and with what; times in milliseconds, shares in 0..1."""
    low, high = found.accuracy.interval
    return {
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
        "throughput": {
            "images_per_second": found.throughput,
            "windows": list(found.windows),
        },
        "latency_ms": {
            "median": 1000 * found.latency(50),
            "percentile99": 1000 * found.latency(99),
            "inferences": len(found.latencies),
        },
        "circuit": overlay.manifest.circuit,
        "machine": machine.describe(),
        "versions": machine.versions(),
    }


def text(row: Dict[str, Any]) -> str:
    """The result as a table for people."""
    accuracy, latency = row["accuracy"], row["latency_ms"]
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
    lines += [
        f"throughput  {row['throughput']['images_per_second']:,.1f} images/s "
        f"(median of {WINDOWS} windows: "
        f"{', '.join(f'{rate:,.1f}' for rate in row['throughput']['windows'])})",
        f"latency     {latency['median']:.3f} ms median, {latency['percentile99']:.3f} ms "
        f"99th percentile ({latency['inferences']:,} single images)",
        "",
        *_confusion(accuracy),
    ]
    return "\n".join(lines)


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
