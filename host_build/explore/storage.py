"""The study that processes share: a journal file or a database, and what a killed process left."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import psutil
from optuna import Study
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from host_build.explore.errors import ExploreError
from host_build.explore.halving import FrontHalving
from host_build.explore.journal import journal
from host_build.explore.settings import Settings

SETTINGS, WORKER, AGAIN, ROW = "settings", "worker", "again", "row"
"""User attributes: of the study; of a trial its process, the trial it repeats, the table's row."""
HELD_OUT, STOPPED = "held_out", "stopped"
"""And its accuracy after each epoch, and whether it was the user who cut it short."""
# What the libraries raise for storages that are damaged or none.
_UNREADABLE = (
    SQLAlchemyError, StorageInternalError, ImportError, OSError, ValueError, LookupError, TypeError,
    AssertionError,
)  # fmt: skip
# A trial is only for this long without the name of its process.
_NAMELESS = timedelta(minutes=1)
_CLOCK_SECONDS = 60
MOST_ATTEMPTS = 3
"""At an epoch, before a trial is left out."""


def open_study(where: str, settings: Settings) -> Study:
    """The study of `settings` in `where`, a journal file's path or a database's URL.

    ExploreError where that cannot be read, or holds a study of other settings.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = _storage(where)
        for other in optuna.get_all_study_summaries(storage, include_best_trial=False):
            if other.study_name != settings.name:
                _refuse(where, other.user_attrs.get(SETTINGS, {}), settings.row())
        study = optuna.create_study(
            storage=storage, study_name=settings.name, direction="maximize",
            pruner=FrontHalving(), load_if_exists=True,
        )  # fmt: skip
        study.set_user_attr(SETTINGS, settings.row())
    except _UNREADABLE as error:
        raise ExploreError(
            f"{where} is no usable storage of a sweep: {error}; "
            "mend it, or begin anew with another --storage or --out"
        ) from error
    return study


def me() -> dict[str, Any]:
    """This process, so that others can tell whether it still runs."""
    process = psutil.Process(os.getpid())
    return {"host": socket.gethostname(), "pid": process.pid, "started": process.create_time()}


def reclaim(study: Study) -> list[int]:
    """Fail the trials of dead processes of this machine and queue them again; their numbers.

    What came no further in MOST_ATTEMPTS is not queued once more: it may be what kills, unless the
    user did.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _lost(trial):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(AGAIN) for trial in trials}
    queued = []
    for trial in trials:
        if trial.state is not TrialState.FAIL or trial.number in repeated or not trial.params:
            continue
        if trial.user_attrs.get(STOPPED, False) or _attempts(trial, trials) < MOST_ATTEMPTS:
            kept = {ROW: trial.user_attrs[ROW]} if ROW in trial.user_attrs else {}
            study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number, **kept})
            queued.append(trial.number)
    return queued


def _attempts(trial: FrozenTrial, trials: list[FrozenTrial]) -> int:
    """How often the epoch was tried that `trial` failed in."""
    count, at = 1, trial
    while (before := at.user_attrs.get(AGAIN)) is not None:
        at = trials[before]
        count += _epochs(at) == _epochs(trial)
    return count


def _epochs(trial: FrozenTrial) -> int:
    return len(trial.user_attrs.get(HELD_OUT, ()))


def _lost(trial: FrozenTrial) -> bool:
    worker = trial.user_attrs.get(WORKER)
    if worker is None:
        started = trial.datetime_start
        return started is not None and datetime.now() - started > _NAMELESS
    if worker["host"] != socket.gethostname():
        return False
    try:
        began = psutil.Process(worker["pid"]).create_time()
    except psutil.NoSuchProcess:
        return True
    # When a process began is told anew whenever the clock is set.
    return bool(abs(began - worker["started"]) > _CLOCK_SECONDS)


def _storage(where: str) -> BaseStorage:
    if "://" in where:
        return RDBStorage(where)
    return journal(Path(where))


@contextmanager
def failures(where: str) -> Iterator[None]:
    """ExploreError for what a database raises when it is lost or changed by others."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, UpdateFinishedTrialError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise ExploreError(
            f"{where} failed: {reason}; mend it and give the same command to go on"
        ) from error


def _refuse(where: str, theirs: dict[str, Any], mine: dict[str, Any]) -> None:
    differing = [
        f"{key} {theirs.get(key)} instead of {mine[key]}"
        for key in mine
        if theirs.get(key) != mine[key]
    ]
    raise ExploreError(
        f"{where} holds a sweep with other settings: {', '.join(differing)}; "
        "give the same ones, or another --storage or --out"
    )
