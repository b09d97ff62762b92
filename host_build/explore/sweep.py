"""The sweep: trials until there are enough, its files after each of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from optuna import Study, Trial, TrialPruned
from optuna.samplers import TPESampler
from optuna.trial import TrialState
from tqdm import tqdm

from board_app.pictures.cifar10 import load
from host_build.explore import candidate, results
from host_build.explore.candidate import Bench
from host_build.explore.errors import ExploreError
from host_build.explore.settings import Settings
from host_build.explore.storage import ROW, STOPPED, failures, open_study, reclaim
from host_build.networks.variants import VARIANTS, Variant
from host_build.training.images import split, training_device

# So many suggestions in a row without one to train, and there is nothing left to find.
MOST_IDLE = 100


def explore(
    settings: Settings, trials: int, cifar10: Path, folder: Path, *, storage: str | None = None,
    device: str | None = None, rows: Mapping[str, Variant] = VARIANTS,
) -> str:  # fmt: skip
    """Work on the sweep until `trials` candidates of it are trained; the table of what was found.

    Continues what is in `storage` (a database's URL, or a journal's path; default: in `folder`).
    Writes trials.json, pareto.png and networks/NAME.json into `folder` after each training. `rows`
    are drawn on the front, and those that the limits allow are the first candidates.
    """
    rows = {name: row for name, row in rows.items() if _says(row, settings)}
    target = training_device(device)
    train, held_out = split(load(cifar10, "train"), target)
    bench = Bench(folder, target, train.first(settings.train_limit), held_out)
    where = storage or str(folder / "study.journal")
    with failures(where):
        study = open_study(where, settings)
        again = reclaim(study)
        if again:
            numbers = ", ".join(map(str, again))
            tqdm.write(f"trials {numbers} were cut short and are queued again", file=sys.stderr)
        _enqueue(study, settings, rows)
        _work(study, settings, trials, bench, rows)
        table = results.write(study, settings, rows, folder)
        done = results.trained(study)
        if not done:
            raise ExploreError(
                f"none of {len(study.trials)} candidates could be trained: {results.reasons(study)}"
            )
    if done < trials:
        table += f"\n{done} trained instead of {trials}: {MOST_IDLE} candidates in a row were "
        table += "none to train; the same command tries as many again"
    return table


def _work(
    study: Study, settings: Settings, trials: int, bench: Bench, rows: Mapping[str, Variant]
) -> None:  # fmt: skip
    """Try candidates until `trials` of them are trained or none is left."""
    idle = 0
    with tqdm(total=trials, initial=min(results.trained(study), trials), unit="trial") as bar:
        while (done := results.trained(study)) < trials and idle < MOST_IDLE:
            trial = study.ask()
            try:
                _run(study, trial, settings, bench)
            except BaseException as error:
                trial.set_user_attr(STOPPED, isinstance(error, KeyboardInterrupt))
                study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
                raise
            idle = idle + 1 if results.trained(study) == done else 0
            if not idle:
                results.write(study, settings, rows, bench.folder)
            bar.n = min(results.trained(study), trials)
            bar.set_postfix_str(results.best(study))


def _run(study: Study, trial: Trial, settings: Settings, bench: Bench) -> None:
    # A seed for each trial: a sweep that was cut short goes on as it would have, and processes
    # that share one do not suggest the same.
    study.sampler = TPESampler(seed=(settings.seed * 100_003 + trial.number) % 2**32)
    try:
        study.tell(trial, candidate.run(trial, settings, bench))
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
    candidate.clear(trial, settings, bench)


def _says(row: Variant, settings: Settings) -> bool:
    """Whether there is anything to draw of it: a claim, or an accuracy of its own."""
    return (
        row.claimed_accuracy is not None
        or settings.space.parameters(row) is not None
        or results.measured_accuracy(row.name) is not None
    )


def _enqueue(study: Study, settings: Settings, rows: Mapping[str, Variant]) -> None:
    """Queue the rows that are within the space and the limits, each once a study."""
    trials = study.get_trials(deepcopy=False)
    # Of what failed after its first steps `reclaim` has decided.
    queued = {t.user_attrs.get(ROW) for t in trials if t.state is not TrialState.FAIL or t.params}
    for name, row in tqdm(rows.items(), desc="cost of the table's rows", leave=False):
        found = candidate.known_cost(study, row, settings)
        parameters = settings.space.parameters(row)
        if isinstance(found, str) or parameters is None or name in queued:
            continue
        light = settings.most_macs is None or row.macs <= settings.most_macs
        if light and (settings.most_cycles is None or found.cycles <= settings.most_cycles):
            study.enqueue_trial(dict(parameters), user_attrs={ROW: name})
