"""The search for networks: costs before training, pruning, resumption, several processes."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from optuna.distributions import IntDistribution
from optuna.trial import FixedTrial, TrialState

from board_app.network import overlay
from board_app.network.nodes import Threshold
from board_app.pictures import cifar10
from host_build.cli import main
from host_build.compiler.fold import DEVICE, Budget, fold, provisional_depths
from host_build.explore import candidate, journal, sweep
from host_build.explore.candidate import HALVED, INFEASIBLE, REPEATED, SLOWER, TRAINED
from host_build.explore.cost import BUDGETS, Cost, Infeasible, cost
from host_build.explore.errors import ExploreError
from host_build.explore.front import front
from host_build.explore.halving import FrontHalving
from host_build.explore.labels import write_names
from host_build.explore.settings import Settings
from host_build.explore.space import Space
from host_build.explore.storage import open_study, reclaim
from host_build.explore.sweep import explore
from host_build.generate.plan import plan
from host_build.kernels.base import Resources
from host_build.networks import variant_file
from host_build.networks.skeleton import skeleton
from host_build.networks.variants import VARIANTS, Bits, Group, Variant
from host_build.training import images, recipes
from host_build.training.recipes import Recipe, Stage
from tests.board.networks import write_overlay

from ..conftest import BITS, RECORDS

ROOT = Path(__file__).parents[3]
SPACE = Space((4, 8, 4), ((4, 8, 4), (8, 16, 8)), 2, (3, 4), (3, 4), (4, 5), (4, 5), blocks=(1, 2))
# Two networks, of stride 1 and of stride 2.
ONE = Space((4, 4, 4), ((4, 4, 4), (8, 8, 8)), 2, (4, 4), (4, 4), (4, 4), (4, 4), (1, 1), (0, 0))
SETTINGS = Settings(epochs=2, space=SPACE)
ROW = Variant("row", "of a table", 4, BITS, (Group(4, 2, BITS), Group(8, 2, BITS)), 4, 4)
HUGE = VARIANTS["resnet18-4w4a-64"]
ROWS = {"row": ROW, "huge": HUGE}


@pytest.fixture
def same_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the integer programs, where a test is not about them."""
    monkeypatch.setattr(candidate, "cost", lambda *_, **__: Cost(1000, Resources(lut=100)))


def _trials(folder: Path) -> list[dict]:
    return json.loads((folder / "trials.json").read_text())["trials"]


def _states(folder: Path) -> list[str]:
    return [row["state"] for row in _trials(folder)]


# The whole sweep.


def test_sweep_finds_networks_that_can_be_trained_on(tiny_data, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "out"
    table = explore(SETTINGS, 3, tiny_data, folder, rows=ROWS)

    content = json.loads((folder / "trials.json").read_text())
    done = [row for row in content["trials"] if row["state"] in (TRAINED, HALVED)]
    assert len(done) == 3
    assert content["settings"] == SETTINGS.row()
    room = BUDGETS["pynq-z2"]
    for row in done:
        assert row["epochs"] == len(row["held_out"]) <= SETTINGS.epochs
        assert row["accuracy"] == max(row["held_out"]) <= 1
        assert row["fps"] == round(1e8 / row["cycles"], 1)
        for kind in ("lut", "dsp", "bram36"):
            assert row["resources"][kind] <= getattr(room, kind) * getattr(DEVICE, kind)
        assert row["network"] in table

    # The table's row that the space holds goes first; the other is only told about.
    assert done[0]["row"] == "row"
    assert content["report"]["row"]["trial"] == done[0]["trial"] == 0
    assert "Mbit" in content["report"]["huge"]["reason"]
    assert "huge: weights of 44.7 Mbit" in table
    assert (folder / "pareto.png").read_bytes().startswith(b"\x89PNG")
    assert not list(folder.rglob("*.safetensors"))

    best = front(content["trials"])
    path = folder / "networks" / f"{best[0]['network']}.json"
    found = variant_file.find(str(path))
    assert found.total_parameters == best[0]["parameters"]
    monkeypatch.setitem(recipes.RECIPES, "short", Recipe("short", (Stage(True, 1, 0.05),)))
    arguments = ["train", str(path), "--recipe", "short", "--cifar10", str(tiny_data)]
    assert main([*arguments, "--out", str(tmp_path / "train")]) == 0
    assert json.loads(capsys.readouterr().out)["network"] == found.name


def test_sweep_in_pieces_is_the_same_sweep(tiny_data, tmp_path, same_cost):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    explore(SETTINGS, 3, tiny_data, whole, rows={})
    for count in (1, 1, 3):
        explore(SETTINGS, count, tiny_data, pieces, rows={})
        assert sum(s in (TRAINED, HALVED) for s in _states(pieces)) == count
    known = ("trial", "state", "network", "held_out")
    assert [[row.get(k) for k in known] for row in _trials(pieces)] == [
        [row.get(k) for k in known] for row in _trials(whole)
    ]


def test_a_small_space_ends_the_sweep_and_nothing_is_trained_twice(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    monkeypatch.setattr(sweep, "MOST_IDLE", 12)
    explore(Settings(epochs=1, space=ONE), 9, tiny_data, tmp_path / "out", rows={})
    rows = _trials(tmp_path / "out")
    trained = [row["network"] for row in rows if row["state"] in (TRAINED, HALVED)]
    assert sorted(trained) == ["net-4-4-8-b1-w4a4e4i4p0-s1", "net-4-4-8-b1-w4a4e4i4p0-s2"]
    assert [row["state"] for row in rows[-12:]] == [REPEATED] * 12
    assert rows[-1]["reason"].startswith("the same as trial ")


def _only_overlay(folder, monkeypatch, *, images):
    """Write an overlay measured on so many images, which is the only one that is found."""
    made = write_overlay(folder)
    files = {name: (made.folder / name).read_bytes() for name in made.manifest.files}
    accuracy = {"test": 0.9, "images": images}
    overlay.write(made.folder, replace(made.manifest, accuracy=accuracy), files)
    find = overlay.find
    monkeypatch.setattr(overlay, "find", lambda name: find(name, folder.parent))


def test_report_has_claims_beside_what_our_overlays_were_measured_to_reach(
    tiny_data, tmp_path, same_cost
):
    rows = {"lightweight": VARIANTS["lightweight"], "row": ROW}
    table = explore(SETTINGS, 1, tiny_data, tmp_path, rows=rows)
    report = json.loads((tmp_path / "trials.json").read_text())["report"]
    measured = overlay.find("lightweight").manifest.accuracy["test"]
    assert report["lightweight"]["measured_accuracy"] == measured
    assert "measured_accuracy" not in report["row"]
    line = next(line for line in table.splitlines() if line.startswith("lightweight "))
    assert line.split() == ["lightweight", "84.51%", f"{measured:.2%}", "100,000"]


def test_report_has_rows_of_no_claim_once_they_are_overlays(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    other = replace(VARIANTS["resnet20-5w5a-16"], name="measured")
    rows = {"measured": other, "unmeasured": replace(other, name="unmeasured")}
    _only_overlay(tmp_path / "overlays" / "measured", monkeypatch, images=10_000)
    table = explore(SETTINGS, 1, tiny_data, tmp_path / "out", rows=rows)
    report = json.loads((tmp_path / "out" / "trials.json").read_text())["report"]
    assert report.keys() == {"measured"}
    line = next(line for line in table.splitlines() if line.startswith("measured "))
    assert line.split() == ["measured", "90.00%", "100,000"]


@pytest.mark.parametrize("damage", ["limited", "broken"])
def test_overlays_that_are_damaged_or_only_tried_out_are_not_drawn(
    tiny_data, tmp_path, monkeypatch, same_cost, damage
):
    folder = tmp_path / "overlays" / "row"
    _only_overlay(folder, monkeypatch, images=200 if damage == "limited" else 10_000)
    if damage == "broken":
        (folder / "vectors.npz").unlink()
    explore(SETTINGS, 1, tiny_data, tmp_path / "out", rows={"row": ROW})
    report = json.loads((tmp_path / "out" / "trials.json").read_text())["report"]
    assert "measured_accuracy" not in report["row"]


def test_names_in_the_picture_cover_neither_each_other_nor_points():
    figure = Figure(figsize=(10, 4))
    axes = figure.subplots()
    axes.set(xscale="log", xlim=(1, 1000), ylim=(0, 10))
    spots = [(30, 5), (30, 5.1), (33, 5), (40, 5.2), (900, 9.9), (1.1, 0.1), (900, 0.1)]
    nameless = [(1.4, 0.2), (700, 0.2), (700, 9.9)]
    axes.plot(*zip(*spots, *nameless, strict=True), "*")
    write_names(axes, [(f"network-{i}-4w4a", x, y, "red") for i, (x, y) in enumerate(spots)])
    FigureCanvasAgg(figure).draw()
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == len(spots)
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
        assert not any(
            box.contains(*axes.transData.transform(spot)) for spot in (*spots, *nameless)
        )
        assert figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1)


# Killed, and several at once.


def work(data: str, folder: str, storage: str, trials: str, epochs: str) -> None:
    """What the processes of these tests run."""
    cifar10.RECORDS_PER_FILE = images.HELD_OUT = RECORDS
    settings = Settings(epochs=int(epochs), space=SPACE)
    explore(settings, int(trials), Path(data), Path(folder), storage=storage, rows={})


def _start(*arguments: object) -> subprocess.Popen:
    code = "import sys; from tests.host.explore.test_explore import work; work(*sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def test_killed_sweep_loses_nothing_but_its_last_epoch(tiny_data, tmp_path):
    folder, epochs = tmp_path / "out", 8
    storage = str(folder / "study.journal")
    process = _start(tiny_data, folder, storage, 9, epochs)
    deadline = time.monotonic() + 300
    try:
        # Until one trial is finished and another has a checkpoint.
        while not (
            (folder / "trials.json").exists() and list((folder / "training").rglob("last.*"))
        ):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.communicate()
    settings = Settings(epochs=epochs, space=SPACE)
    left = open_study(storage, settings).trials
    cut = [trial for trial in left if trial.state is TrialState.RUNNING]
    assert len(cut) == 1
    finished = sum(t.user_attrs.get("outcome") in (TRAINED, HALVED) for t in left)

    explore(settings, finished + 1, tiny_data, folder, rows={})
    rows = {row["trial"]: row for row in _trials(folder)}
    assert rows[cut[0].number]["state"] == "fail"
    again = next(r for r in rows.values() if r.get("network") and r["trial"] > cut[0].number)
    assert again["network"] == rows[cut[0].number]["network"]
    assert again["state"] in (TRAINED, HALVED)
    study = open_study(storage, settings)
    assert study.trials[again["trial"]].user_attrs["again"] == cut[0].number
    assert reclaim(study) == []


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_two_processes_share_a_sweep(kind, tiny_data, tmp_path):
    name = tmp_path / f"shared.{kind}"
    storage = str(name) if kind == "journal" else f"sqlite:///{name}"
    study = open_study(storage, Settings(epochs=2, space=SPACE))
    folders = [tmp_path / "a", tmp_path / "b"]
    processes = [_start(tiny_data, folder, storage, 6, 2) for folder in folders]
    errors = [process.communicate(timeout=300)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors

    finished = [
        trial for trial in study.trials if trial.user_attrs.get("outcome") in (TRAINED, HALVED)
    ]
    assert {trial.user_attrs["worker"]["pid"] for trial in finished} == {p.pid for p in processes}
    # One that the other process had begun when the sixth was done is one more.
    assert 6 <= len(finished) <= 7
    networks = [trial.user_attrs["network"] for trial in finished]
    assert len(set(networks)) == len(networks)
    assert not [trial for trial in study.trials if trial.state is TrialState.RUNNING]


def test_trials_of_other_machines_and_live_processes_are_let_be(tmp_path):
    study = open_study(str(tmp_path / "j"), SETTINGS)
    elsewhere, here, dead = study.ask(), study.ask(), study.ask()
    dead.suggest_int("groups", 2, 2)
    mine = candidate.me()
    elsewhere.set_user_attr("worker", {**mine, "host": "another"})
    here.set_user_attr("worker", mine)
    # The same number, but of a process that started at another time.
    dead.set_user_attr("worker", {**mine, "started": mine["started"] - 100})
    assert reclaim(study) == [dead.number]
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.RUNNING] * 2 + [TrialState.FAIL, TrialState.WAITING]
    assert reclaim(study) == []


def test_a_clock_that_was_set_does_not_make_a_live_process_dead(tmp_path):
    study = open_study(str(tmp_path / "j"), SETTINGS)
    mine = candidate.me()
    study.ask().set_user_attr("worker", {**mine, "started": mine["started"] + 1.5})
    assert reclaim(study) == []
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]


def test_a_trial_that_another_process_gave_up_has_a_message(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    def taken(trial, *_):
        open_study(str(tmp_path / "study.journal"), SETTINGS).tell(0, state=TrialState.FAIL)
        return 0.5

    monkeypatch.setattr(candidate, "run", taken)
    with pytest.raises(ExploreError, match=r"failed: .*give the same command to go on"):
        explore(SETTINGS, 1, tiny_data, tmp_path, rows={})


def test_a_result_that_could_not_be_stored_is_not_trained_again(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    stored, epochs = optuna.Study.tell, []

    def full(study, trial, *values, state=None, **more):
        if values:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return stored(study, trial, state=state, **more)

    trained = candidate.Training.epoch_and_measure

    def counted(training, held_out):
        epochs.append(1)
        return trained(training, held_out)

    monkeypatch.setattr(candidate.Training, "epoch_and_measure", counted)
    monkeypatch.setattr(optuna.Study, "tell", full)
    with pytest.raises(OSError, match="No space"):
        explore(SETTINGS, 1, tiny_data, tmp_path, rows={})
    monkeypatch.setattr(optuna.Study, "tell", stored)
    explore(SETTINGS, 1, tiny_data, tmp_path, rows={})
    assert len(epochs) == SETTINGS.epochs
    assert not list((tmp_path / "training").rglob("*.safetensors"))


def test_fewer_training_images_leave_all_the_held_out_ones(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    seen = []

    def measured(_, images):
        seen.append(len(images))
        return 0.5

    monkeypatch.setattr("host_build.training.loop.accuracy", measured)
    explore(replace(SETTINGS, train_limit=20), 1, tiny_data, tmp_path, rows={})
    assert seen == [RECORDS] * SETTINGS.epochs


def test_failed_training_ends_the_sweep_and_is_repeated_twice(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    def broken(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(candidate, "Training", broken)
    for expected in (["fail"] * count for count in (1, 2, 3, 4)):
        with pytest.raises(RuntimeError, match="out of memory"):
            explore(SETTINGS, 1, tiny_data, tmp_path, rows={})
        found = open_study(str(tmp_path / "study.journal"), SETTINGS).trials
        assert [trial.state.name.lower() for trial in found] == expected
    networks = [trial.user_attrs["network"] for trial in found]
    assert networks[0] == networks[1] == networks[2] != networks[3]


def test_a_row_that_cannot_be_trained_does_not_stop_the_sweep_for_ever(
    tiny_data, tmp_path, monkeypatch, same_cost
):
    def broken(variant, *_):
        raise RuntimeError(variant.stem_bits)

    monkeypatch.setattr(candidate, "Training", broken)
    for _ in range(4):
        with pytest.raises(RuntimeError):
            explore(SETTINGS, 1, tiny_data, tmp_path, rows={"row": ROW})
    found = open_study(str(tmp_path / "study.journal"), SETTINGS).trials
    assert [trial.user_attrs.get("row") for trial in found] == ["row"] * 3 + [None]


def test_a_trial_is_repeated_as_often_as_it_gets_further(tmp_path):
    study = open_study(str(tmp_path / "j"), SETTINGS)

    def cut_short(*held_out):
        trial = study.ask()
        SPACE.suggest(trial)
        if held_out:
            trial.set_user_attr("held_out", held_out)
        study.tell(trial, state=TrialState.FAIL)
        return trial.number, reclaim(study)

    assert cut_short() == (0, [0])
    assert cut_short(0.1) == (1, [1])
    assert cut_short(0.1, 0.2) == (2, [2])
    assert cut_short(0.1, 0.2) == (3, [3])
    assert cut_short(0.1, 0.2) == (4, [])
    assert reclaim(study) == []


def test_cut_short_trials_are_not_in_the_table(tiny_data, tmp_path, monkeypatch, same_cost):
    """Its repetition is, and the row's accuracy is that one's."""
    trained = candidate.Training.epoch_and_measure

    def interrupted(training, held_out):
        if len(training.history) == 1:
            raise KeyboardInterrupt
        return trained(training, held_out)

    monkeypatch.setattr(candidate.Training, "epoch_and_measure", interrupted)
    rows = {"row": ROW}
    # Interrupted where it was before: that is not the network's fault.
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            explore(SETTINGS, 1, tiny_data, tmp_path, rows=rows)
    monkeypatch.setattr(candidate.Training, "epoch_and_measure", trained)
    table = explore(SETTINGS, 1, tiny_data, tmp_path, rows=rows)
    assert [row["state"] for row in _trials(tmp_path)] == ["fail"] * 3 + [TRAINED]
    assert table.count(_trials(tmp_path)[0]["network"]) == 1
    content = json.loads((tmp_path / "trials.json").read_text())
    assert content["report"]["row"]["trial"] == 3
    assert not list((tmp_path / "training").rglob("*.safetensors"))


def test_a_sweep_that_finds_nothing_more_says_so(tiny_data, tmp_path, monkeypatch, same_cost):
    monkeypatch.setattr(sweep, "MOST_IDLE", 5)
    table = explore(Settings(epochs=1, space=ONE), 9, tiny_data, tmp_path, rows={})
    assert table.endswith(
        "2 trained instead of 9: 5 candidates in a row were none to train; "
        "the same command tries as many again"
    )


# Pruning.


def _reporting(study: optuna.Study, fps: float, *values: float) -> optuna.Trial:
    trial = study.ask()
    trial.set_user_attr("fps", fps)
    for step, value in enumerate(values, 1):
        trial.report(value, step)
    return trial


def test_halving_compares_with_networks_at_least_as_fast():
    study = optuna.create_study(direction="maximize", pruner=FrontHalving())
    assert not _reporting(study, 100, 0.5).should_prune()  # the first has no rivals
    assert _reporting(study, 100, 0.4).should_prune()
    assert _reporting(study, 50, 0.4).should_prune()
    assert not _reporting(study, 200, 0.1).should_prune()  # faster than all
    assert not _reporting(study, 50, 0.6).should_prune()
    # The third of six that are no slower, and the last of seven.
    assert not _reporting(study, 50, 0.45).should_prune()
    assert _reporting(study, 50, 0.3).should_prune()


def test_halving_asks_after_1_2_4_epochs_only():
    study = optuna.create_study(direction="maximize", pruner=FrontHalving())
    _reporting(study, 100, *[0.9] * 8)
    asked = [_reporting(study, 100, *[0.1] * n).should_prune() for n in range(1, 9)]
    assert asked == [n in (1, 2, 4, 8) for n in range(1, 9)]


def test_halving_leaves_out_what_was_cut_short():
    study = optuna.create_study(direction="maximize", pruner=FrontHalving())
    study.tell(_reporting(study, 100, 0.9).number, state=TrialState.FAIL)
    assert not _reporting(study, 100, 0.5).should_prune()


def test_rows_are_trained_to_the_end_for_comparison(tiny_data, tmp_path, monkeypatch, same_cost):
    falling = iter(range(1000, 0, -1))
    monkeypatch.setattr("host_build.training.loop.accuracy", lambda *_: next(falling) / 1000)
    monkeypatch.setattr(candidate.Cost, "fps", lambda *_: 50.0)
    rows = {"row": ROW, "other": replace(ROW, stem_channels=8)}
    explore(Settings(epochs=4, space=SPACE), 3, tiny_data, tmp_path, rows=rows)
    trials = [row for row in _trials(tmp_path) if row["state"] != REPEATED]
    assert [(row.get("row"), row["epochs"]) for row in trials] == [
        ("row", 4), ("other", 4), (None, 2)
    ]  # fmt: skip


def test_bad_candidates_are_given_up_early(tiny_data, tmp_path, monkeypatch, same_cost):
    # Every network is as fast, and each one worse than the one before.
    falling = iter(range(1000, 0, -1))
    monkeypatch.setattr("host_build.training.loop.accuracy", lambda *_: next(falling) / 1000)
    monkeypatch.setattr(candidate.Cost, "fps", lambda *_: 50.0)
    explore(Settings(epochs=4, space=SPACE), 3, tiny_data, tmp_path, rows={})
    rows = [row for row in _trials(tmp_path) if row["state"] != REPEATED]
    assert [row["state"] for row in rows] == [TRAINED, HALVED, HALVED]
    # One float epoch, then one quantised: not a fair word on bits before that.
    assert [row["epochs"] for row in rows] == [4, 2, 2]
    assert rows[1]["reason"] == "99.50% after 2 epochs"


def test_infeasible_candidates_are_recorded_with_the_reason(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(sweep, "MOST_IDLE", 3)
    settings = Settings(epochs=1, space=SPACE, min_fps=1e6)
    with pytest.raises(ExploreError, match="none of 3 candidates could be trained: 3 x no folding"):
        explore(settings, 2, tiny_data, tmp_path / "a", rows={"row": ROW})
    rows = _trials(tmp_path / "a")
    assert [row["state"] for row in rows] == [INFEASIBLE] * 3
    assert all("no folding of at most 100 cycles" in row["reason"] for row in rows)
    states = {t.state for t in open_study(str(tmp_path / "a" / "study.journal"), settings).trials}
    assert states == {TrialState.PRUNED}

    light = Settings(epochs=1, space=SPACE, most_macs=1e3)
    with pytest.raises(ExploreError, match=r"3 x over 0\.001 MMAC an image"):
        explore(light, 2, tiny_data, tmp_path / "b", rows={})


def test_goal_fps_trains_only_what_is_faster(tiny_data, tmp_path, monkeypatch, same_cost):
    monkeypatch.setattr(sweep, "MOST_IDLE", 6)
    monkeypatch.setattr("host_build.training.loop.accuracy", lambda *_: 0.8)
    speeds = iter([100.0, 50.0, 200.0, 150.0])
    monkeypatch.setattr(candidate.Cost, "fps", lambda *_: next(speeds, 1.0))
    settings = Settings(goal="fps", min_accuracy=0.75, epochs=1, space=SPACE)
    explore(settings, 2, tiny_data, tmp_path, rows={})
    rows = [row for row in _trials(tmp_path) if row["state"] != REPEATED]
    assert [row["state"] for row in rows][:3] == [TRAINED, SLOWER, TRAINED]
    assert rows[1]["reason"] == "trial 0 is accurate enough and faster"


def test_goal_fps_trains_the_rows_however_slow(tiny_data, tmp_path, monkeypatch, same_cost):
    monkeypatch.setattr("host_build.training.loop.accuracy", lambda *_: 0.8)
    settings = Settings(goal="fps", min_accuracy=0.75, epochs=1, space=SPACE)
    rows = {"row": ROW, "other": replace(ROW, stem_channels=8)}
    explore(settings, 2, tiny_data, tmp_path, rows=rows)
    assert _states(tmp_path) == [TRAINED] * 2


def test_repeating_what_was_given_up_has_no_value(tmp_path):
    """An accuracy would be better than all the negative values below the least accuracy."""
    settings = Settings(goal="fps", min_accuracy=0.9, space=SPACE)
    study = open_study(str(tmp_path / "j"), settings)
    given_up = study.ask()
    variant = settings.space.variant(settings.space.suggest(given_up))
    given_up.set_user_attr("network", variant.name)
    given_up.report(0.5, 1)
    study.tell(given_up, state=TrialState.PRUNED)
    study.enqueue_trial(given_up.params)
    again = study.ask()
    with pytest.raises(optuna.TrialPruned, match="the same as trial 0"):
        candidate.run(again, settings, None)


def test_value_is_the_goal_where_the_condition_holds():
    assert Settings().value(0.7, 500) == 0.7
    fastest = Settings(goal="fps", min_accuracy=0.6)
    assert fastest.value(0.61, 500) == 500
    assert fastest.value(0.5, 9000) < fastest.value(0.55, 10) < 0


# Costs.


def test_skeleton_is_what_the_compiler_made_of_the_trained_network():
    real, made = overlay.find("lightweight").graph(), skeleton(VARIANTS["lightweight"])
    for a, b in zip(real.nodes, made.nodes, strict=True):
        assert (type(a), a.name, a.inputs, a.shape) == (type(b), b.name, b.inputs, b.shape)
        if isinstance(a, Threshold):
            assert a.thresholds.shape == b.thresholds.shape
            assert (a.dtype, a.bias) == (b.dtype, b.bias)


def test_cost_is_that_of_the_fastest_folding_and_knows_limits():
    found = cost(ROW, BUDGETS["pynq-z2"])
    assert found == cost(ROW, BUDGETS["pynq-z2"], most_cycles=found.cycles)
    with pytest.raises(Infeasible, match=f"at most {found.cycles - 1:,} cycles"):
        cost(ROW, BUDGETS["pynq-z2"], most_cycles=found.cycles - 1)
    with pytest.raises(Infeasible, match=r"weights of 44\.7 Mbit; the memories .* hold 7\.6"):
        cost(HUGE, BUDGETS["pynq-z2"])


def test_fold_does_not_give_up_for_what_another_folding_has_between_its_layers():
    graph = skeleton(VARIANTS["resnet20-5w5a-16-fine"])
    chosen = fold(graph, cycles=36_864)
    used = plan(graph, chosen, provisional_depths(plan(graph, chosen))).resources
    assert all(np.array([used.lut, used.dsp, used.bram36]) <= Budget().resources())


# The space.


def test_space_holds_the_report_s_rows_and_our_best():
    space = Space()
    held = {name for name, row in VARIANTS.items() if space.parameters(row) is not None}
    assert {"lightweight", "lightweight-stride1", "maxutilized", "high-accuracy-v1"} <= held
    assert {"resnet20-5w5a-16", "resnet20-5w5a-16-fine"} <= held
    assert not {"resnet10-4w4a-64", "resnet18-4w4a-64", "resnet8-4w4a-32-groups6"} & held
    for name in held:
        same = space.variant(space.parameters(VARIANTS[name]))
        assert same.parameters == VARIANTS[name].parameters
        assert same.groups == VARIANTS[name].groups
        assert same.stem_bits == VARIANTS[name].stem_bits
        assert same.input_bits == VARIANTS[name].input_bits
        assert variant_file.find(name) == VARIANTS[name]


def test_space_suggests_what_its_parameters_say():
    wanted = SPACE.parameters(ROW)
    assert SPACE.suggest(FixedTrial(wanted)) == wanted
    study = optuna.create_study()
    trial = study.ask()
    made = SPACE.variant(SPACE.suggest(trial))
    assert SPACE.parameters(made) == trial.params
    assert trial.distributions["channels2"] == IntDistribution(8, 16, step=8)
    eight = Bits(8, 8)
    assert SPACE.parameters(Variant("x", "", 4, eight, (Group(4, 2, BITS),) * 2, 8, 8)) is None
    for bits, more in ((5, 1), (6, None)):
        finer = replace(ROW, groups=tuple(replace(group, add_bits=bits) for group in ROW.groups))
        assert (SPACE.parameters(finer) or {}).get("add_more") == more


def test_every_network_of_the_space_is_one_that_a_file_may_describe():
    """Additions of one bit more must not have more than the kernels take."""
    space = Space()
    ranges = space._ranges(len(space.groups))
    for choice in (0, 1):
        end = {name: span[choice] for name, span in ranges.items()}
        made = space.variant({"groups": len(space.groups), **end})
        assert variant_file.parse(asdict(made)) == made


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--budget", "zcu104"], "unknown budget 'zcu104'; known: pynq-z2"),
        (["--goal", "fps"], "--goal fps needs --min-accuracy"),
        (["--goal", "fps", "--min-accuracy", "60", "--min-fps", "9"], "--min-fps is for"),
        (["--min-accuracy", "60"], "--min-accuracy is for --goal fps"),
        (["--goal", "fps", "--min-accuracy", "101"], "--min-accuracy of 101% cannot be reached"),
        (["--min-fps", "2e8"], "--min-fps of 2e+08 is over one frame a cycle at 100 MHz"),
        (["--cifar10", "/nowhere"], "/nowhere is no folder"),
    ],
)
def test_bad_options(arguments, message, tmp_path, capsys):
    assert main(["explore", "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_options_become_settings(tmp_path, monkeypatch, tiny_data, capsys):
    given = {}

    def instead(settings, trials, data, folder, **more):
        given.update(settings=settings, trials=trials, folder=folder, **more)
        return "the table"

    monkeypatch.setattr(sweep, "explore", instead)
    arguments = ["--goal", "fps", "--min-accuracy", "62.5", "--most-macs", "4", "--epochs", "3"]
    arguments += ["--train-limit", "500", "--seed", "7", "--clock", "125", "--trials", "5"]
    arguments += ["--storage", "sqlite:///x", "--device", "cpu", "--out", str(tmp_path)]
    assert main(["explore", "--cifar10", str(tiny_data), *arguments]) == 0
    assert capsys.readouterr().out == "the table\n"
    assert given == {
        "settings": Settings(
            goal="fps", min_accuracy=0.625, most_macs=4e6, epochs=3, train_limit=500, seed=7,
            clock_mhz=125.0,
        ),
        "trials": 5, "folder": tmp_path, "storage": "sqlite:///x", "device": "cpu",
    }  # fmt: skip


def test_storage_of_other_settings_is_refused(tiny_data, tmp_path):
    open_study(str(tmp_path / "study.journal"), Settings(epochs=5, space=SPACE))
    with pytest.raises(ExploreError, match="other settings: epochs 5 instead of 2; give the same"):
        explore(SETTINGS, 1, tiny_data, tmp_path, rows={})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"garbage\n", "line 1 of the journal is damaged"),
        (b"garbage", "it is no journal"),
        (b'{"a": 1}\n', "no usable storage"),
        (b'{"op_code": 99, "worker_id": "x"}\n', "no usable storage"),
    ],
)
def test_damaged_journal(content, message, tmp_path):
    path = tmp_path / "study.journal"
    path.write_bytes(content)
    with pytest.raises(ExploreError, match=message):
        open_study(str(path), SETTINGS)
    assert path.read_bytes() == content


@pytest.mark.parametrize("url", ["nonsense://x", "sqlite:////nowhere/at/all.db", "oracle://a/b"])
def test_database_that_cannot_be_used(url):
    with pytest.raises(ExploreError, match="no usable storage of a sweep"):
        open_study(url, SETTINGS)


def test_a_line_that_a_full_disk_cut_short_is_dropped(tmp_path):
    path = tmp_path / "study.journal"
    study = open_study(str(path), SETTINGS)
    study.ask()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code": 4, "wor')
    assert len(open_study(str(path), SETTINGS).trials) == 1
    assert path.read_bytes().startswith(whole)
    assert open_study(str(path), SETTINGS).ask().number == 1


def test_lock_of_a_killed_process_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "LOCK_SECONDS", 3)
    monkeypatch.chdir(tmp_path)
    killed = """if True:
        import os
        from host_build.explore import storage
        storage.open_study("out/study.journal", storage.Settings(epochs=2))
        os.fsync = lambda _: os._exit(9)
        storage.open_study("out/study.journal", storage.Settings(epochs=2))
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", killed], env=environment).returncode == 9
    assert list((tmp_path / "out").glob("*.lock"))
    assert open_study("out/study.journal", Settings(epochs=2)).ask().number == 0


def test_storage_that_breaks_during_the_sweep(tiny_data, tmp_path, monkeypatch, same_cost):
    url = f"sqlite:///{tmp_path / 'db'}"
    real = candidate.run

    def broken(trial, *rest):
        with sqlite3.connect(tmp_path / "db") as database:
            database.execute("DROP TABLE trial_user_attributes")
        return real(trial, *rest)

    monkeypatch.setattr(candidate, "run", broken)
    with pytest.raises(ExploreError, match=r"failed: .*no such table: trial_user_attributes"):
        explore(SETTINGS, 1, tiny_data, tmp_path / "out", storage=url, rows={})


def test_full_disk_and_interruption_have_messages(tiny_data, tmp_path, monkeypatch, capsys):
    arguments = ["explore", "--cifar10", str(tiny_data), "--out", str(tmp_path / "out")]

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "trials.json")

    monkeypatch.setattr(sweep, "explore", full)
    assert main(arguments) == 2
    assert "No space left on device: 'trials.json'" in capsys.readouterr().err

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "explore", interrupted)
    assert main(arguments) == 130
    assert "the same command goes on (train: with --resume)" in capsys.readouterr().err


def test_unknown_device(tiny_data, tmp_path, capsys):
    arguments = ["explore", "--cifar10", str(tiny_data), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--device", "abacus"]) == 2
    assert "--device abacus cannot be used" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_broken_data_leaves_no_study(tiny_data, tmp_path):
    (tiny_data / cifar10.FOLDER / "data_batch_3.bin").unlink()
    with pytest.raises(cifar10.DatasetError, match=r"data_batch_3\.bin is missing"):
        explore(SETTINGS, 1, tiny_data, tmp_path / "out", rows={})
    assert not (tmp_path / "out").exists()


def test_journal_that_is_a_folder(tmp_path):
    with pytest.raises(ExploreError, match="no usable storage"):
        open_study(str(tmp_path), SETTINGS)
