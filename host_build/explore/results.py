"""What a sweep found: trials.json, the networks as files, a table, and the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from optuna import Study
from optuna.trial import FrozenTrial, TrialState

from board_app.files import write_json
from host_build import variant_file
from host_build.explore import candidate
from host_build.explore.candidate import COST, HALVED, HELD_OUT, OUTCOME, REASON, TRAINED
from host_build.explore.cost import Cost
from host_build.explore.front import Row, front
from host_build.explore.halving import SPEED
from host_build.explore.plot import plot
from host_build.explore.settings import Settings
from host_build.explore.storage import ROW, WORKER
from host_build.tables import aligned
from host_build.variants import Variant

_HEAD = [
    "network", "parameters", "MMAC", "bits", "cycles", "frames/s", "LUT", "BRAM36", "DSP",
    "epochs", "held out", "",
]  # fmt: skip


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
    """A row of the table: what it claims, what it costs here, and its trial if it had one."""
    cost = candidate.known_cost(study, variant, settings)
    row: Row = {"claimed_accuracy": variant.claimed_accuracy}
    if isinstance(cost, Cost):
        row |= {**cost.dump(), "fps": round(cost.fps(settings.clock_mhz), 1)}
    else:
        row[REASON] = cost
    parameters = settings.space.parameters(variant)
    if parameters is not None:
        name = settings.space.variant(parameters).name
        mine = [r for r in found if r.get("network") == name and "accuracy" in r]
        row |= {key: mine[0][key] for key in ("trial", "state", "accuracy") if mine}
    return row


def _table(found: list[Row], report: dict[str, Row], folder: Path) -> str:
    best_ones = front(found)
    rows = [_HEAD]
    for row in sorted((r for r in found if "accuracy" in r), key=lambda r: -r["fps"]):
        cost = row["resources"]
        names = ["front"] * (row in best_ones) + [row["state"]] * (row["state"] != TRAINED)
        names += [name for name, other in report.items() if other.get("trial") == row["trial"]]
        rows.append([
            row["network"], f"{row['parameters']:,}", f"{row['macs'] / 1e6:.1f}", row["bits"],
            f"{row['cycles']:,}", f"{row['fps']:,.0f}", f"{cost['lut']:,.0f}",
            f"{cost['bram36']:g}", f"{cost['dsp']:g}", str(row["epochs"]),
            f"{row['accuracy']:.2%}", ", ".join(names),
        ])  # fmt: skip
    counts = Counter(row["state"] for row in found)
    return "\n".join([
        *aligned(rows), "",
        *aligned([
            [name, "claims", _claimed(row), "at", f"{row['fps']:,.0f}", "frames/s"]
            for name, row in report.items() if "fps" in row
        ]),
        *(f"{name}: {row[REASON]}" for name, row in report.items() if REASON in row), "",
        f"{len(found)} candidates: "
        + ", ".join(f"{count} {state}" for state, count in counts.most_common()),
        str(folder / "pareto.png"),
    ])  # fmt: skip


def _claimed(row: Row) -> str:
    claimed = row["claimed_accuracy"]
    return "nothing" if claimed is None else f"{claimed:.2f}%"


def _bits(variant: Variant) -> str:
    bits = variant.groups[0].bits
    return f"w{bits.weight} a{bits.activation} edges {variant.input_bits}"
