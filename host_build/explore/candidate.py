"""One trial: suggest a network, know its cost, and train it while it is worth it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from optuna import Study, Trial, TrialPruned
from optuna.trial import FrozenTrial, TrialState

from host_build.explore.cost import Cost, Infeasible, board, cost
from host_build.explore.halving import SPEED
from host_build.explore.settings import Settings
from host_build.explore.storage import HELD_OUT, ROW, WORKER, me
from host_build.networks.variants import Variant, undescribed
from host_build.training.images import Images
from host_build.training.loop import Training

NETWORK, COST, OUTCOME, REASON = "network", "cost", "outcome", "reason"
"""User attributes of a trial."""
TRAINED, HALVED, INFEASIBLE, SLOWER, REPEATED = (
    "trained", "halved", "infeasible", "slower", "repeated",
)  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """Where and on what this process trains."""

    folder: Path
    device: torch.device
    images: Images
    held_out: Images


def run(trial: Trial, settings: Settings, bench: Bench) -> float:
    """The value of one candidate; TrialPruned, with outcome and reason, where it gets none."""
    trial.set_user_attr(WORKER, me())
    variant = settings.space.variant(settings.space.suggest(trial))
    trial.set_user_attr(NETWORK, variant.name)
    earlier = _earlier(trial, variant)
    if earlier is not None:
        pruned = _pruned(trial, REPEATED, f"the same as trial {earlier.number}")
        if earlier.state is not TrialState.COMPLETE:
            raise pruned
        return float(earlier.values[0])
    if settings.most_macs is not None and variant.macs > settings.most_macs:
        raise _pruned(trial, INFEASIBLE, f"over {settings.most_macs / 1e6:g} MMAC an image")
    found = known_cost(trial.study, variant, settings, most_cycles=settings.most_cycles)
    if isinstance(found, str):
        raise _pruned(trial, INFEASIBLE, found)
    fps = found.fps(settings.clock_mhz)
    trial.set_user_attr(COST, found.dump())
    trial.set_user_attr(SPEED, fps)
    if ROW not in trial.user_attrs:
        _require_faster(trial, fps, settings)
    return _train(trial, variant, fps, settings, bench)


def known_cost(
    study: Study, variant: Variant, settings: Settings, *, most_cycles: int | None = None
) -> Cost | str:
    """The cost, or why there is none; each network is costed once a study."""
    key = f"cost {_digest(variant)} {'' if most_cycles is None else most_cycles}".strip()
    known = study.user_attrs.get(key)
    if known is None:
        try:
            known = cost(variant, board(settings.budget), most_cycles=most_cycles).dump()
        except Infeasible as error:
            known = str(error)
        study.set_user_attr(key, known)
    return Cost.load(known) if isinstance(known, dict) else str(known)


def best_accuracy(trial: FrozenTrial) -> float:
    """Of the quantised epochs."""
    return max(trial.intermediate_values.values())


def _digest(variant: Variant) -> str:
    """Of all that the circuit depends on."""
    nameless = replace(undescribed(variant), name="")
    return hashlib.sha256(repr(nameless).encode()).hexdigest()[:16]


def _earlier(trial: Trial, variant: Variant) -> FrozenTrial | None:
    """The trial that tries or tried the same network."""
    for other in trial.study.get_trials(deepcopy=False):
        same = other.user_attrs.get(NETWORK) == variant.name and other.number != trial.number
        if same and other.state is not TrialState.FAIL and _original(other, trial.number):
            return other
    return None


def _original(other: FrozenTrial, number: int) -> bool:
    """Of two processes that try the same at once, the one with the lower number goes on."""
    repeated = other.user_attrs.get(OUTCOME) == REPEATED
    return not repeated and (other.state.is_finished() or other.number < number)


def _require_faster(trial: Trial, fps: float, settings: Settings) -> None:
    """With speed the goal, what is slower than an accurate enough network need not be trained."""
    if settings.min_accuracy is None:
        return
    for other in trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        if other.user_attrs[OUTCOME] != TRAINED or other.user_attrs[SPEED] < fps:
            continue
        if best_accuracy(other) >= settings.min_accuracy:
            raise _pruned(trial, SLOWER, f"trial {other.number} is accurate enough and faster")


def _train(
    trial: Trial, variant: Variant, fps: float, settings: Settings, bench: Bench
) -> float:  # fmt: skip
    """Train, and report each quantised epoch.

    The table's rows are never given up: on the picture they stand beside networks that were not.
    """
    training = Training(
        variant, settings.recipe, settings.seed, _folder(variant.name, settings, bench),
        bench.device, bench.images,
    )  # fmt: skip
    if training.last.exists():
        training.resume()
    else:
        training.begin()
    done, best = 0, 0.0
    while done < len(training.history) or not training.finished:
        if done == len(training.history):
            training.epoch_and_measure(bench.held_out)
        row = training.history[done]
        done += 1
        trial.set_user_attr(HELD_OUT, [r["held_out"] for r in training.history[:done]])
        if not row["quantised"]:
            continue
        best = max(best, row["held_out"])
        step = done - (settings.epochs - settings.recipe.stages[-1].epochs)
        trial.report(row["held_out"], step)
        if not training.finished and ROW not in trial.user_attrs and trial.should_prune():
            raise _pruned(trial, HALVED, f"{row['held_out']:.2%} after {done} epochs")
    trial.set_user_attr(OUTCOME, TRAINED)
    return settings.value(best, fps)


def clear(trial: Trial, settings: Settings, bench: Bench) -> None:
    """Remove the training of a trial whose result is stored."""
    attributes = trial.user_attrs
    if attributes[OUTCOME] in (TRAINED, HALVED):
        shutil.rmtree(_folder(attributes[NETWORK], settings, bench), ignore_errors=True)


def _folder(network: str, settings: Settings, bench: Bench) -> Path:
    return bench.folder / "training" / settings.name / network


def _pruned(trial: Trial, outcome: str, reason: str) -> TrialPruned:
    trial.set_user_attr(OUTCOME, outcome)
    trial.set_user_attr(REASON, reason)
    return TrialPruned(reason)
