"""What a sweep found: trials.json, the networks as files, a table, and the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from board_app.errors import OverlayError
from board_app.network import overlay
from board_app.system.files import write_json
from host_build.explore import candidate
from host_build.explore.candidate import COST, HALVED, OUTCOME, REASON, TRAINED
from host_build.explore.cost import Cost
from host_build.explore.front import Row, front
from host_build.explore.halving import SPEED
from host_build.explore.plot import plot
from host_build.explore.settings import Settings
from host_build.explore.storage import HELD_OUT, ROW, WORKER
from host_build.networks import variant_file
from host_build.networks.variants import Variant
from host_build.text.tables import aligned
from host_build.training.results import TEST_IMAGES

_HEAD = [
    "trial", "network", "parameters", "MMAC", "bits", "cycles", "frames/s", "LUT", "BRAM36", "DSP",
    "epochs", "held out", "",
]  # fmt: skip
_TABLE_HEAD = ["row of the table", "claimed", "overlay, measured", "held out, brief", "frames/s"]


def write(study: Study, settings: Settings, rows: Mapping[str, Variant], folder: Path) -> str:
    """Bring the files in `folder` up to date; the table."""
    trials = study.get_trials(deepcopy=False)
    found = [_row(trial, settings) for trial in trials]
    report = {name: _report_row(study, row, settings, found) for name, row in rows.items()}
    content = {"settings": settings.row(), "trials": found, "report": report}
    write_json(folder / "trials.json", content)
    for row, trial in zip(found, trials, strict=True):
        if row["state"] == TRAINED:
            variant = settings.space.variant(trial.params)
            variant_file.write(folder / "networks" / f"{variant.name}.json", variant)
    plot(found, report, settings, folder / "pareto.png")
    return _table(found, report, folder)


def trained(study: Study) -> int:
    """Candidates that were trained, to the end or until they were given up."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return sum(trial.user_attrs.get(OUTCOME) in (TRAINED, HALVED) for trial in done)


def best(study: Study) -> str:
    """The best candidate so far, in a few words."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found = [trial for trial in done if trial.user_attrs[OUTCOME] == TRAINED]
    if not found:
        return ""
    trial = max(found, key=lambda trial: trial.values[0])
    return f"best {candidate.best_accuracy(trial):.1%} at {trial.user_attrs[SPEED]:,.0f}/s"


def reasons(study: Study) -> str:
    """Why candidates were not trained, the commonest first."""
    counts = Counter(
        trial.user_attrs[REASON]
        for trial in study.get_trials(deepcopy=False)
        if REASON in trial.user_attrs
    )
    return "; ".join(f"{count} x {reason}" for reason, count in counts.most_common(3))


def measured_accuracy(name: str) -> float | None:
    """What the overlay called `name` reaches, if it is whole and was measured on all images."""
    try:
        accuracy = overlay.find(name).manifest.accuracy
    except OverlayError:
        return None
    return float(accuracy["test"]) if accuracy["images"] == TEST_IMAGES else None


def _row(trial: FrozenTrial, settings: Settings) -> Row:
    """One trial as JSON; what is not known yet is left out."""
    attributes = trial.user_attrs
    finished = trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
    row: Row = {
        "trial": trial.number,
        "state": attributes[OUTCOME] if finished else trial.state.name.lower(),
        **{key: attributes[key] for key in (REASON, ROW, WORKER) if key in attributes},
    }
    if candidate.NETWORK not in attributes:
        return row
    variant = settings.space.variant(trial.params)
    row |= {
        "network": variant.name,
        "variant": asdict(variant),
        "parameters": variant.total_parameters,
        "macs": variant.macs,
        "bits": _bits(variant),
    }
    if COST in attributes:
        row |= {**attributes[COST], "fps": round(attributes[SPEED], 1)}
    if trial.intermediate_values:
        row |= {
            "epochs": len(attributes[HELD_OUT]),
            "held_out": attributes[HELD_OUT],
            "accuracy": candidate.best_accuracy(trial),
        }
    return row


def _report_row(study: Study, variant: Variant, settings: Settings, found: list[Row]) -> Row:
    """A row of the table: what it claims, reaches as our overlay, costs, and its trial if any."""
    cost = candidate.known_cost(study, variant, settings)
    row: Row = {"claimed_accuracy": variant.claimed_accuracy}
    measured = measured_accuracy(variant.name)
    if measured is not None:
        row["measured_accuracy"] = measured
    if isinstance(cost, Cost):
        row |= {**cost.dump(), "fps": round(cost.fps(settings.clock_mhz), 1)}
    else:
        row[REASON] = cost
    parameters = settings.space.parameters(variant)
    if parameters is not None:
        name = settings.space.variant(parameters).name
        mine = [r for r in found if r.get("network") == name and _counts(r)]
        row |= {key: mine[0][key] for key in ("trial", "state", "accuracy") if mine}
    return row


def _counts(row: Row) -> bool:
    """Whether it was measured and not cut short: that is repeated."""
    return "accuracy" in row and row["state"] != TrialState.FAIL.name.lower()


def _table(found: list[Row], report: dict[str, Row], folder: Path) -> str:
    best_ones = front(found)
    rows = [_HEAD]
    measured = (row for row in found if _counts(row))
    for row in sorted(measured, key=lambda row: -row["fps"]):
        cost = row["resources"]
        names = ["front"] * (row in best_ones) + [row["state"]] * (row["state"] != TRAINED)
        names += [name for name, other in report.items() if other.get("trial") == row["trial"]]
        rows.append([
            str(row["trial"]), row["network"], f"{row['parameters']:,}",
            f"{row['macs'] / 1e6:.1f}", row["bits"], f"{row['cycles']:,}",
            f"{row['fps']:,.0f}", f"{cost['lut']:,.0f}", f"{cost['bram36']:g}",
            f"{cost['dsp']:g}", str(row["epochs"]), f"{row['accuracy']:.2%}", ", ".join(names),
        ])  # fmt: skip
    counts = Counter(row["state"] for row in found)
    return "\n".join([
        *aligned(rows, left=(1,)), "",
        *aligned([_TABLE_HEAD, *([
            name, _percent(row["claimed_accuracy"]),
            _percent(row.get("measured_accuracy"), 100), _percent(row.get("accuracy"), 100),
            f"{row['fps']:,.0f}",
        ] for name, row in report.items() if "fps" in row)]),
        *(f"{name}: {row[REASON]}" for name, row in report.items() if REASON in row), "",
        f"{len(found)} candidates: "
        + ", ".join(f"{count} {state}" for state, count in counts.most_common()),
        str(folder / "pareto.png"),
    ])  # fmt: skip


def _percent(value: float | None, factor: float = 1) -> str:
    return "" if value is None else f"{factor * value:.2f}%"


def _bits(variant: Variant) -> str:
    group = variant.groups[0]
    return (
        f"w{group.bits.weight} a{group.bits.activation} +{group.bits_to_add} "
        f"edges {variant.head_weight_bits} in {variant.input_bits}"
    )
