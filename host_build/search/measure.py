"""How often a search is right, finds the place and knows when it is not sure, by its windows.

Temperatures are fitted to the scenes that show something. What they leave of the calibration's
error is measured on scenes they were not fitted to: each half by the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from board_app.driver.chip import Hardware
from board_app.errors import BackendError
from board_app.network.overlay import Manifest, Overlay, write
from board_app.network.pooling import SURE, combine
from board_app.pictures.windows import SCALES
from host_build.assemble.calibration import calibration_error, fit_temperature
from host_build.errors import HostError
from host_build.search.evidence import Evidence
from host_build.search.scenes import EMPTY, Box

Floats = NDArray[np.float64]
Combine = Callable[[Floats], tuple[Floats, int]]
PLACE_FOUND = 0.5  # of the two boxes' union must be in both
_LEAST = 1e-12


class FitError(HostError):
    """Too few scenes for temperatures that one would rely on."""


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @classmethod
    def of(cls, chosen: NDArray[np.bool_]) -> Share:
        return cls(int(chosen.sum()), len(chosen))

    @property
    def fraction(self) -> float:
        return self.part / self.whole if self.whole else float("nan")


@dataclass(frozen=True)
class Row:
    """What one network reaches with the windows of `scales` scales, 0 for the middle square.

    `places` are the scenes whose object's place was found; `sure` are answers without "not sure"
    for what shows one of the ten classes, `right_if_sure` the right ones of them, `sure_of_none`
    those for what shows none. `error` is that of the calibration. Times are a picture's, in ms; the
    chip's is by its simulated cycles at the manifest's clock, the processor's of one core.
    """

    network: str
    scales: int
    windows: float
    scenes: Share
    photographs: Share
    places: Share
    sure: Share
    right_if_sure: Share
    sure_of_none: Share
    temperature: float
    error: float
    chip: float | None
    processor: float


@dataclass(frozen=True)
class _Answers:
    """Probabilities (N, 10), each one's best window's number, and the cases' labels (N,)."""

    probabilities: Floats
    windows: list[int]
    labels: NDArray[np.int64]
    photographs: NDArray[np.bool_]


def rows(overlay: Overlay, found: Sequence[Evidence], processor: float) -> list[Row]:
    """A row for the middle square, and one for each number of scales.

    `processor` is what a window costs one, in ms.
    """
    return [_row(overlay, found, scales, processor) for scales in range(len(SCALES) + 1)]


def keep_temperatures(chosen: Overlay, made: Sequence[Row]) -> Overlay:
    """Put the temperatures of `made` into the overlay's manifest; its files stay as they are."""
    search = {
        "temperatures": {str(row.scales): row.temperature for row in made if row.scales},
        "scenes": made[0].scenes.whole,
    }
    manifest = replace(
        chosen.manifest, calibration={**chosen.manifest.calibration, "search": search}
    )
    files = {name: (chosen.folder / name).read_bytes() for name in manifest.files}
    return write(chosen.folder, manifest, files)


def compare(
    manifest: Manifest, found: Sequence[Evidence], ways: Mapping[str, Combine]
) -> dict[str, tuple[Share, Share]]:
    """Scenes and photographs that each way to combine all windows gets right."""
    made = {}
    for name, way in ways.items():
        answers = _answers(manifest, found, len(SCALES), way)
        made[name] = _right(answers, ~answers.photographs), _right(answers, answers.photographs)
    return made


def most_confident(count: int) -> Combine:
    """The mean of the probabilities of the `count` most confident windows."""

    def way(probabilities: Floats) -> tuple[Floats, int]:
        kept = np.argsort(-probabilities.max(axis=1), kind="stable")[:count]
        mean = probabilities[kept].mean(axis=0)
        return mean, int(kept[probabilities[kept, mean.argmax()].argmax()])

    return way


def overlap(first: Sequence[float], second: Box) -> float:
    """Two boxes' intersection by their union, 0..1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def _row(overlay: Overlay, found: Sequence[Evidence], scales: int, processor: float) -> Row:
    answers = _answers(overlay.manifest, found, scales, combine)
    shows = answers.labels != EMPTY
    composed = shows & ~answers.photographs
    temperature, error = _fit(answers.probabilities[composed], answers.labels[composed], scales)
    fitted = _cooled(answers.probabilities, temperature)
    right = fitted.argmax(axis=1) == answers.labels
    sure = fitted.max(axis=1) >= SURE
    counts = np.array([_count(each, scales) for each in found])
    places = [
        overlap(each.boxes[window].tolist(), each.case.box) >= PLACE_FOUND
        for each, window in zip(found, answers.windows, strict=True)
        if each.case.box is not None
    ]
    return Row(
        network=overlay.folder.name,
        scales=scales,
        windows=float(counts.mean()),
        scenes=_right(answers, ~answers.photographs),
        photographs=_right(answers, answers.photographs),
        places=Share.of(np.array(places, bool)),
        sure=Share.of(sure[shows]),
        right_if_sure=Share.of(right[shows & sure]),
        sure_of_none=Share.of(sure[~shows]),
        temperature=temperature,
        error=error,
        chip=_chip_milliseconds(overlay.manifest, counts),
        processor=processor * float(counts.mean()),
    )


def _answers(manifest: Manifest, found: Sequence[Evidence], scales: int, way: Combine) -> _Answers:
    answers, best = [], []
    for each in found:
        probabilities = manifest.probabilities(each.logits[: _count(each, scales)])
        alone = len(probabilities) == 1
        mean, window = (probabilities[0], 0) if alone else way(probabilities)
        answers.append(mean)
        best.append(window)
    labels = np.array([each.case.label for each in found])
    photographs = np.array([each.case.photograph for each in found])
    return _Answers(np.stack(answers), best, labels, photographs)


def _right(answers: _Answers, among: NDArray[np.bool_]) -> Share:
    chosen = among & (answers.labels != EMPTY)
    return Share.of(answers.probabilities[chosen].argmax(axis=1) == answers.labels[chosen])


def _count(each: Evidence, scales: int) -> int:
    return each.ends[min(scales, len(each.ends) - 1)]


def _fit(probabilities: Floats, labels: NDArray[np.int64], scales: int) -> tuple[float, float]:
    """The temperature for all, and the calibration's error of each half by the other's."""
    if scales == 0:  # the middle square has the network's own temperature
        return 1.0, calibration_error(probabilities, labels)
    logs = np.log(np.maximum(probabilities, _LEAST))
    halves = np.arange(len(labels)) % 2 == 0
    crossed = np.empty_like(probabilities)
    for half in (halves, ~halves):
        crossed[~half] = _cooled(probabilities[~half], fit_temperature(logs[half], labels[half]))
    return fit_temperature(logs, labels), calibration_error(crossed, labels)


def _cooled(probabilities: Floats, temperature: float) -> Floats:
    powers = np.maximum(probabilities, _LEAST) ** (1 / temperature)
    cooled: Floats = powers / powers.sum(axis=1, keepdims=True)
    return cooled


def _chip_milliseconds(manifest: Manifest, counts: NDArray[np.int64]) -> float | None:
    try:
        hardware = Hardware.of_manifest(manifest)
    except BackendError:
        return None
    return 1e3 * float(np.mean([hardware.seconds(count) for count in counts.tolist()]))
