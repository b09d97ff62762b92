"""What a sweep looks for and how: equal for every process that works on it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from host_build.explore.cost import board
from host_build.explore.errors import ExploreError
from host_build.explore.space import Space
from host_build.training.recipes import Recipe, Stage

Goal = Literal["accuracy", "fps"]
# Float epochs cost less than quantised ones and bring the weights near, but say nothing of bits.
_FLOAT_SHARE = 1 / 3


@dataclass(frozen=True)
class Settings:
    """The most accurate network of at least `min_fps`, or the fastest of at least `min_accuracy`.

    Accuracies are fractions, on held-out images after `epochs` of training on `train_limit`
    images (None: all). Networks of over `most_macs` multiply-accumulates an image are left out.
    """

    goal: Goal = "accuracy"
    budget: str = "pynq-z2"
    min_fps: float | None = None
    min_accuracy: float | None = None
    clock_mhz: float = 100.0
    epochs: int = 9
    train_limit: int | None = None
    most_macs: float | None = None
    seed: int = 0
    space: Space = field(default_factory=Space)

    def __post_init__(self) -> None:
        board(self.budget)
        if self.goal == "fps" and self.min_accuracy is None:
            raise ExploreError("--goal fps needs --min-accuracy, else the smallest network wins")
        if self.goal == "fps" and self.min_fps is not None:
            raise ExploreError("--min-fps is for --goal accuracy; --goal fps finds the most")
        if self.goal == "accuracy" and self.min_accuracy is not None:
            raise ExploreError("--min-accuracy is for --goal fps; --goal accuracy finds the most")
        if self.min_accuracy is not None and not self.min_accuracy < 1:
            raise ExploreError(f"--min-accuracy of {self.min_accuracy:.0%} cannot be reached")
        if self.min_fps is not None and not self.min_fps <= self.clock_mhz * 1e6:
            raise ExploreError(
                f"--min-fps of {self.min_fps:g} is over one frame a cycle at {self.clock_mhz:g} MHz"
            )

    @property
    def name(self) -> str:
        """The study's name: other settings, another study."""
        digest = hashlib.sha256(json.dumps(self.row(), sort_keys=True).encode()).hexdigest()
        return f"explore-{digest[:12]}"

    @property
    def most_cycles(self) -> int | None:
        """Cycles a frame of `min_fps`."""
        return None if self.min_fps is None else int(self.clock_mhz * 1e6 / self.min_fps)

    @property
    def recipe(self) -> Recipe:
        """A third of the epochs float, then quantised ones, of which each is reported."""
        warm = int(self.epochs * _FLOAT_SHARE)
        stages = (Stage(False, warm, 0.1),) if warm else ()
        return Recipe("explore", (*stages, Stage(True, self.epochs - warm, 0.05)))

    def value(self, accuracy: float, fps: float) -> float:
        """The single number to maximise; below `min_accuracy` it is negative and grows with it."""
        if self.min_accuracy is None:
            return accuracy
        return fps if accuracy >= self.min_accuracy else accuracy - self.min_accuracy

    def row(self) -> dict[str, Any]:
        """As JSON would give it back."""
        made: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return made
