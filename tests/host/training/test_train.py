"""Training: reproducible, resumable bit for bit, and careful with its files."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from board_app.pictures.cifar10 import load
from host_build.networks.variants import VARIANTS, Group, VariantError
from host_build.training import images as images_module
from host_build.training import loop, teacher
from host_build.training.checkpoint import CheckpointError, load_any, load_network, read, write
from host_build.training.images import Images, View, batches, shuffled, split
from host_build.training.loop import DivergedError, Training
from host_build.training.models import build
from host_build.training.networks import CONVNET, find, parse
from host_build.training.optimiser import learning_rate
from host_build.training.recipes import Recipe, Stage
from host_build.training.train import train

from ..conftest import BITS, RECORDS, TINY

SMALL_STEPS = Recipe("small-steps", (Stage(False, 1, 0.01), Stage(True, 1, 0.002)), batch=100)
LARGER = replace(TINY, name="larger", stem_channels=8)
RECIPE = Recipe("test", (Stage(False, 2, 0.1), Stage(True, 2, 0.02)), batch=32)
TAUGHT = Recipe(
    "taught", (Stage(False, 3, 0.1, distil=0.7), Stage(True, 1, 0.02, distil=0.5)), batch=32,
    views=2,
)  # fmt: skip
ALL_IN = Recipe(
    "all-in", (Stage(False, 2, 0.1, warmup=1), Stage(True, 2, 0.02, distil=0.5)), batch=32,
    nesterov=True, decay_all=False, label_smoothing=0.1, average=0.9, cutout=8, norms=40,
)  # fmt: skip


def test_every_epoch_is_written_and_chosen_on_held_out_images(tiny_data, tmp_path):
    result = train(TINY, RECIPE, tiny_data, tmp_path / "run")
    assert result["epochs"] == 4
    assert result["test_images"] == RECORDS
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    _, meta = read(tmp_path / "run" / "last.safetensors")
    quantised = [row for row in meta["history"] if row["quantised"]]
    best = max(quantised, key=lambda row: row["held_out"])
    assert (result["best_epoch"], result["held_out_accuracy"]) == (best["epoch"], best["held_out"])
    assert result["device"].startswith(f"cpu, {torch.get_num_threads()} thread")


def test_a_result_names_every_device_it_was_trained_on(tiny_data, tmp_path, monkeypatch):
    names = iter(["a GPU", "a GPU", "cpu", "cpu"])
    monkeypatch.setattr(loop, "device_name", lambda _: next(names))
    assert train(TINY, RECIPE, tiny_data, tmp_path)["device"] == "a GPU, then cpu"


def test_a_float_network_is_enough_for_a_teacher(tiny_data, tmp_path):
    recipe = replace(RECIPE, stages=RECIPE.stages[:1])
    result = train(TINY, recipe, tiny_data, tmp_path)
    _, meta = read(tmp_path / "float.safetensors")
    assert (result["best_epoch"], result["held_out_accuracy"]) == (2, meta["held_out"])
    assert result["test_accuracy"] is None and result["float_accuracy"] is not None
    teacher.bring([tmp_path / "float.safetensors"], tmp_path / "taught", TAUGHT, resume=False)
    assert train(TINY, recipe, tiny_data, tmp_path, resume=True) == result


def test_the_network_to_learn_from_trains_teaches_and_is_not_quantised(tiny_data, tmp_path):
    recipe = replace(RECIPE, stages=RECIPE.stages[:1])
    result = train(CONVNET, recipe, tiny_data, tmp_path / "convnet")
    assert train(CONVNET, recipe, tiny_data, tmp_path / "convnet", resume=True) == result
    assert result["test_accuracy"] is None and result["float_accuracy"] is not None
    taught_by = tmp_path / "convnet" / "float.safetensors"
    taught = train(TINY, TAUGHT, tiny_data, tmp_path / "taught", taught_by=[taught_by])
    assert taught["teacher"] == CONVNET.name
    with pytest.raises(VariantError, match="is not quantised, which recipe test does; train it"):
        train(CONVNET, RECIPE, tiny_data, tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(CheckpointError, match="holds network 'convnet-256', not 'tiny'"):
        train(TINY, RECIPE, tiny_data, tmp_path / "none", start=taught_by)


def test_the_network_to_learn_from_is_found_by_its_name_and_its_checkpoints():
    assert find(CONVNET.name) == CONVNET == parse(json.loads(json.dumps(asdict(CONVNET))))
    with pytest.raises(VariantError):
        parse(json.loads(json.dumps(asdict(replace(CONVNET, channels=(1, 2))))))
    assert find("lightweight") == VARIANTS["lightweight"]
    matrices = [p for p in build(CONVNET, quantised=False).parameters() if p.ndim > 1]
    assert sum(p.numel() for p in matrices) == CONVNET.total_parameters


@pytest.fixture
def larger(tiny_data, tmp_path):
    """The float network of a training of another network."""
    train(LARGER, RECIPE, tiny_data, tmp_path / "larger")
    return tmp_path / "larger" / "float.safetensors"


@pytest.mark.parametrize("recipe", [RECIPE, ALL_IN, TAUGHT], ids=["plain", "all-in", "taught"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_resume_continues_bit_for_bit(tiny_data, tmp_path, monkeypatch, request, recipe, stop):
    taught_by = [request.getfixturevalue("larger")] if recipe is TAUGHT else []
    whole = train(TINY, recipe, tiny_data, tmp_path / "whole", taught_by=taught_by)
    assert whole["teacher"] == ("larger" if taught_by else None)
    epoch, done = Training.epoch_and_measure, []

    def interrupted(self, held_out):
        if len(done) == stop:
            raise KeyboardInterrupt
        done.append(1)
        return epoch(self, held_out)

    monkeypatch.setattr(Training, "epoch_and_measure", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(TINY, recipe, tiny_data, tmp_path / "cut", taught_by=taught_by)
    monkeypatch.setattr(Training, "epoch_and_measure", epoch)
    train(TINY, recipe, tiny_data, tmp_path / "cut", resume=True)

    for name in ("last.safetensors", "best.safetensors"):
        whole, _ = read(tmp_path / "whole" / name)
        cut, _ = read(tmp_path / "cut" / name)
        assert whole.keys() == cut.keys()
        assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_a_second_run_does_not_overwrite_the_first(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    with pytest.raises(CheckpointError, match="--resume"):
        train(TINY, RECIPE, tiny_data, tmp_path)


def test_resuming_a_finished_run_only_measures(tiny_data, tmp_path):
    first = train(TINY, RECIPE, tiny_data, tmp_path)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(first | {"integer_accuracy": 0.5}))
    assert train(TINY, RECIPE, tiny_data, tmp_path, resume=True) == first
    assert json.loads(path.read_text()) == first | {"integer_accuracy": 0.5}
    for damaged in ("{", json.dumps(first | {"seed": 3, "integer_accuracy": 0.5})):
        path.write_text(damaged)
        train(TINY, RECIPE, tiny_data, tmp_path, resume=True)
        assert json.loads(path.read_text()) == first


def test_checkpoint_of_another_network_is_refused(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    with pytest.raises(CheckpointError, match="holds network 'tiny', not 'lightweight'"):
        load_network(tmp_path / "best.safetensors", VARIANTS["lightweight"])
    with pytest.raises(CheckpointError, match="not 'lightweight'"):
        train(VARIANTS["lightweight"], RECIPE, tiny_data, tmp_path, resume=True)
    with pytest.raises(CheckpointError, match=r"seed 0, not 1; give the same --recipe, --seed and"):
        train(TINY, RECIPE, tiny_data, tmp_path, seed=1, resume=True)


def test_a_trial_of_few_images_does_not_become_a_training_of_all(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path, limit=20)
    with pytest.raises(CheckpointError, match=r"images 20, not 240; .*--limit"):
        train(TINY, RECIPE, tiny_data, tmp_path, resume=True)


def test_what_is_said_of_a_network_may_change(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    load_network(tmp_path / "best.safetensors", replace(TINY, title="a", claimed_accuracy=1.0))
    with pytest.raises(CheckpointError, match=r"\(they differ in input_bits\)"):
        load_network(tmp_path / "best.safetensors", replace(TINY, input_bits=5))


def test_a_checkpoint_lacks_fields_that_came_later(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path)
    tensors, meta = read(tmp_path / "best.safetensors")
    for group in meta["variant"]["groups"]:
        del group["add_bits"]
    older = tmp_path / "older.safetensors"
    save_file(tensors, older, {key: json.dumps(value) for key, value in meta.items()})
    load_network(older, TINY)
    finer = replace(TINY, groups=(replace(TINY.groups[0], add_bits=5), TINY.groups[1]))
    with pytest.raises(CheckpointError, match=r"\(they differ in groups\)"):
        load_network(older, finer)


def test_missing_and_damaged_checkpoints(tiny_data, tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint"):
        read(tmp_path / "none.safetensors")
    train(TINY, RECIPE, tiny_data, tmp_path)
    damaged = tmp_path / "best.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_network(damaged, TINY)


def test_full_disk_keeps_the_last_checkpoint(tiny_data, tmp_path, monkeypatch):
    train(TINY, RECIPE, tiny_data, tmp_path)
    before = (tmp_path / "last.safetensors").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    run = Training(TINY, RECIPE, 0, tmp_path, torch.device("cpu"), images)
    run.begin()
    with pytest.raises(OSError, match="No space left"):
        run._save()
    assert (tmp_path / "last.safetensors").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_batches_are_shifted_and_mirrored_copies_of_every_image():
    pixels = torch.arange(4 * 32 * 32 * 3).reshape(4, 32, 32, 3).remainder(251).to(torch.uint8)
    images = Images(pixels, torch.arange(4))
    order = shuffled(images, seed=4)
    assert not torch.equal(order, torch.arange(4))
    stream = batches(images, 3, View.draw(images, seed=5), order=order)
    found = [(p, y) for batch in stream for p, y in zip(*batch, strict=True)]
    assert [int(y) for _, y in found] == order.tolist()
    assert sorted(int(y) for _, y in found) == [0, 1, 2, 3]
    padded = torch.nn.functional.pad(pixels, (0, 0, 4, 4, 4, 4)).permute(0, 3, 1, 2).float()
    for picture, label in found:
        shifts = (
            padded[label, :, dy : dy + 32, dx : dx + 32] for dy in range(9) for dx in range(9)
        )
        assert any(torch.equal(picture, s) or torch.equal(picture, s.flip(2)) for s in shifts)


def test_split_is_fixed_and_disjoint(tiny_data):
    data = load(tiny_data, "train")
    rest, held_out = split(data, torch.device("cpu"))
    again, _ = split(data, torch.device("cpu"))
    assert len(held_out) == images_module.HELD_OUT
    assert len(rest) + len(held_out) == len(data)
    assert torch.equal(rest.pixels, again.pixels)
    seen = {bytes(p.numpy()) for p in rest.pixels}
    assert not seen & {bytes(p.numpy()) for p in held_out.pixels}
    # The temperature is fitted to the very same.
    assert np.array_equal(images_module.held_out(data).images, held_out.pixels.numpy())


def test_learning_rate_warms_up_and_falls_to_zero():
    stage = Stage(False, 10, 0.4, warmup=2)
    assert [learning_rate(stage, e) for e in (0, 1, 2, 6)] == pytest.approx([0, 0.2, 0.4, 0.2])
    assert learning_rate(stage, 10) == pytest.approx(0)


def test_cutout_blanks_one_square_to_the_mean():
    pixels = torch.randint(0, 256, (64, 32, 32, 3), dtype=torch.uint8)
    images = Images(pixels, torch.arange(64))
    view = View.draw(images, seed=5)
    plain, _ = next(batches(images, 64, view))
    cut, _ = next(batches(images, 64, view, cutout=8))
    changed = (plain != cut).any(1)
    assert torch.equal(cut, torch.where(changed[:, None], plain.mean((2, 3), keepdim=True), plain))
    # A square that hangs over the edge is cut off, at most by half in each direction.
    assert int(changed.sum((1, 2)).max()) == 64
    assert int(changed.sum((1, 2)).min()) >= 16


def test_the_moving_average_is_what_is_measured_and_kept(tiny_data, tmp_path):
    stages = (Stage(False, 1, 0.1), Stage(True, 1, 0.02, distil=0.5))
    once = replace(ALL_IN, stages=stages, norms=0)
    train(TINY, once, tiny_data, tmp_path)
    last, _ = read(tmp_path / "last.safetensors")
    best, _ = read(tmp_path / "best.safetensors")
    for name, tensor in best.items():
        assert torch.equal(tensor, last[name.replace("model.", "average.module.")])
    weight = "model.head.weight"
    assert not torch.equal(last[weight], last[weight.replace("model.", "average.module.")])


def test_norms_are_of_the_network_that_is_kept(tiny_data, tmp_path):
    once = replace(ALL_IN, stages=(Stage(True, 1, 0.1),), norms=40, cutout=8)
    train(TINY, once, tiny_data, tmp_path)
    last, _ = read(tmp_path / "last.safetensors")
    best, _ = read(tmp_path / "best.safetensors")
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    for name, tensor in best.items():
        same = torch.equal(tensor, last[name.replace("model.", "average.module.")])
        assert same != name.endswith(statistics)
    network, _ = load_network(tmp_path / "best.safetensors", TINY)
    images = split(load(tiny_data, "train"), torch.device("cpu"))[0].first(40)
    ((pixels, _),) = batches(images, 40, View.draw(images, 0), cutout=8)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    seen = {}
    for norm in norms:
        norm.register_forward_pre_hook(lambda m, inputs: seen.update({m: inputs[0]}))
        norm.momentum = 1.0
        norm.train()
    kept = [norm.running_mean.clone() for norm in norms]
    network(pixels)
    assert len(seen) == len(norms) > 3
    for norm, mean in zip(norms, kept, strict=True):
        assert torch.allclose(seen[norm].mean((0, 2, 3)), mean, rtol=1e-4, atol=1e-4)


def test_weight_decay_spares_norms_and_scales_on_request(tiny_data, tmp_path):
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    run = Training(TINY, ALL_IN, 0, tmp_path, torch.device("cpu"), images)
    run.begin()
    decayed, spared = run.optimizer.param_groups
    assert all(p.ndim > 1 for p in decayed["params"]) and decayed["weight_decay"] > 0
    assert all(p.ndim <= 1 for p in spared["params"]) and spared["weight_decay"] == 0
    assert len(decayed["params"]) + len(spared["params"]) == len(list(run.model.parameters()))


def test_a_teacher_is_asked_once_for_each_view(tiny_data, larger, tmp_path):
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    network = load_any(larger)
    calls = []
    network.register_forward_pre_hook(lambda *_: calls.append(1))

    def asked(recipe, view):
        calls.clear()
        new = teacher.Teacher(network, images, recipe, half=False, cache=tmp_path / "cache")
        return new.logits(view), len(calls)

    for views, computed in ((2, 0), (0, 1)):
        recipe = replace(TAUGHT, views=views)
        view = View.draw(images, 3)
        asked(recipe, view)
        (first, _), (again, times) = asked(recipe, view), asked(recipe, view)
        assert torch.equal(first, again) and times == computed
        for other in (View.draw(images, 4), replace(view, flip=~view.flip)):
            assert not torch.equal(first, asked(recipe, other)[0])
        assert not torch.equal(first, asked(replace(recipe, cutout=8), view)[0])
        pixels, index = next(batches(images, 7, view, order=shuffled(images, 1)))
        assert torch.allclose(first[index], network(pixels), atol=1e-5)


def test_every_seed_learns_from_the_same_views(tiny_data, larger, tmp_path):
    losses = set()
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        train(TINY, TAUGHT, tiny_data, folder, seed=seed, taught_by=[larger])
        losses.add(read(folder / "last.safetensors")[1]["history"][0]["loss"])
    assert len(list((tmp_path / "logits").iterdir())) == TAUGHT.views
    assert len(losses) == 2


def test_damaged_logits_are_asked_for_again(tiny_data, larger, tmp_path):
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    asked = teacher.Teacher(load_any(larger), images, TAUGHT, half=False, cache=tmp_path / "c")
    view = View.draw(images, 3)
    first = asked.logits(view)
    (kept,) = (tmp_path / "c").iterdir()
    for damage in (b"", b"no array", kept.read_bytes()[:-1]):
        kept.write_bytes(damage)
        assert torch.equal(asked.logits(view), first)
        assert len(kept.read_bytes()) > 1000


def test_learning_from_a_teacher_brings_the_logits_closer_to_its():
    torch.manual_seed(1)
    logits, wanted = torch.randn(5, 10, requires_grad=True), torch.randn(5, 10)
    loss = teacher.divergence(logits, wanted)
    loss.backward()
    assert loss > teacher.divergence(logits - 0.1 * logits.grad, wanted) > 0
    assert teacher.divergence(wanted, wanted) == pytest.approx(0, abs=1e-6)


def test_a_teacher_left_by_a_run_that_never_began_teaches_nobody(tiny_data, larger, tmp_path):
    folder = tmp_path / "run"
    teacher.bring([larger], folder, TAUGHT, resume=False)
    with pytest.raises(CheckpointError, match="give --teacher"):
        train(TINY, TAUGHT, tiny_data, folder)
    teacher.bring([larger], folder, TAUGHT, resume=False)
    assert train(TINY, ALL_IN, tiny_data, folder)["teacher"] is None


STILL = Recipe("still", (Stage(False, 1, 0.0), Stage(True, 1, 0.0)), batch=32)


@pytest.mark.parametrize("file", ["best.safetensors", "float.safetensors"])
def test_a_training_begins_with_the_weights_of_another(tiny_data, tmp_path, file):
    train(TINY, RECIPE, tiny_data, tmp_path / "first")
    given = tmp_path / "first" / file
    result = train(TINY, STILL, tiny_data, tmp_path / "second", start=given)
    assert result["start"] == ["test"]
    first, _ = load_network(given, TINY, quantised=file.startswith("best"))
    second, meta = load_network(tmp_path / "second" / "best.safetensors", TINY)
    assert meta["start"] == ["test"]
    convolution = "blocks.0.conv1.0.weight"
    assert torch.equal(first.get_parameter(convolution), second.get_parameter(convolution))
    best = tmp_path / "second" / "best.safetensors"
    third = train(TINY, RECIPE, tiny_data, tmp_path / "third", start=best)
    assert third["start"] == ["test", "still"]
    assert train(TINY, RECIPE, tiny_data, tmp_path / "third", resume=True) == third


def test_quantised_weights_keep_the_scales_that_they_learned(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path / "first")
    given = tmp_path / "first" / "best.safetensors"
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    recipe = replace(RECIPE, stages=RECIPE.stages[1:])
    run = Training(TINY, recipe, 0, tmp_path / "second", torch.device("cpu"), images)
    run.begin(given)
    trained, _ = load_network(given, TINY)
    begun = run.model.state_dict()
    assert all(torch.equal(tensor, begun[key]) for key, tensor in trained.state_dict().items())


def test_a_training_begins_with_weights_of_the_same_network_in_other_bits(tiny_data, tmp_path):
    train(TINY, RECIPE, tiny_data, tmp_path / "first")
    given = tmp_path / "first" / "best.safetensors"
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    finer = replace(
        TINY, name="finer", input_bits=8,
        groups=tuple(replace(group, add_bits=8) for group in TINY.groups),
    )  # fmt: skip
    recipe = replace(RECIPE, stages=RECIPE.stages[1:])
    run = Training(finer, recipe, 0, tmp_path / "second", torch.device("cpu"), images)
    run.begin(given)
    assert run.start == ["test of tiny"]
    # The same ranges in more steps: what comes out differs by roundings only.
    pixels = images.pixels[:50].permute(0, 3, 1, 2).float()
    with torch.no_grad():
        coarse = load_network(given, TINY)[0](pixels)
        fine = run.model.eval()(pixels)
    assert 0 < (coarse - fine).abs().max() < coarse.std()


def test_a_training_does_not_begin_twice_nor_with_another_network(tiny_data, larger, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(CheckpointError, match="holds network 'larger', not 'tiny'"):
        train(TINY, RECIPE, tiny_data, folder, start=larger)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        train(TINY, RECIPE, tiny_data, folder, start=tmp_path / "none")
    assert not folder.exists()
    train(LARGER, RECIPE, tiny_data, folder, start=larger)
    with pytest.raises(CheckpointError, match="has begun; continue it without --start"):
        train(LARGER, RECIPE, tiny_data, folder, start=larger, resume=True)


def test_teachers_that_do_not_fit_the_recipe(tiny_data, larger, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(CheckpointError, match="give --teacher"):
        train(TINY, TAUGHT, tiny_data, folder)
    with pytest.raises(CheckpointError, match="learns from no --teacher"):
        train(TINY, RECIPE, tiny_data, folder, taught_by=[larger])
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger.with_name("none")])
    empty = larger.with_name("empty.safetensors")
    write(empty, {}, LARGER)
    with pytest.raises(CheckpointError, match="holds no weights of larger"):
        train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger, empty])
    assert not folder.exists()
    train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger])
    train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger], resume=True)
    train(LARGER, RECIPE, tiny_data, tmp_path / "other", seed=1)
    other = tmp_path / "other" / "float.safetensors"
    with pytest.raises(CheckpointError, match="continue it without --teacher"):
        train(TINY, TAUGHT, tiny_data, folder, taught_by=[other], resume=True)
    with pytest.raises(CheckpointError, match="continue it without --teacher"):
        train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger, larger], resume=True)


def test_several_teachers_teach_the_mean_of_their_logits(tiny_data, larger, tmp_path):
    both = [larger, larger.with_name("best.safetensors")]
    result = train(TINY, TAUGHT, tiny_data, tmp_path / "run", taught_by=both)
    assert result["teacher"] == "larger+larger"
    assert train(TINY, TAUGHT, tiny_data, tmp_path / "run", taught_by=both, resume=True) == result
    images, _ = split(load(tiny_data, "train"), torch.device("cpu"))
    view = View.draw(images, 3)

    def logits(*networks):
        asked = teacher.Ensemble(networks)
        return teacher.Teacher(asked, images, ALL_IN, half=False, cache=tmp_path).logits(view)

    floats, quantised = (load_any(path) for path in teacher.kept(tmp_path / "run"))
    alone, other = logits(floats), logits(quantised)
    assert not torch.equal(alone, other)
    assert torch.allclose(logits(floats, quantised), (alone + other) / 2, atol=1e-6)
    folder = tmp_path / "one"
    teacher.bring(both, folder, TAUGHT, resume=False)
    assert train(TINY, TAUGHT, tiny_data, folder, taught_by=[larger])["teacher"] == "larger"


def test_a_training_that_diverges_stops_and_keeps_what_it_had(tiny_data, tmp_path):
    recipe = replace(RECIPE, stages=(Stage(False, 1, 0.1), Stage(False, 1, 1e30)))
    with pytest.raises(DivergedError, match="the loss of tiny is nan in epoch 2"):
        train(TINY, recipe, tiny_data, tmp_path)
    tensors, meta = read(tmp_path / "last.safetensors")
    assert len(meta["history"]) == 1
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert not (tmp_path / "result.json").exists()


@pytest.mark.filterwarnings("ignore:.*which is a no-op:UserWarning")
def test_all_of_a_network_is_on_the_device_that_trains_it(tmp_path):
    """The meta device stands in for a GPU: whatever stays on the processor shows."""
    device = torch.device("meta")
    images = Images(
        torch.zeros(40, 32, 32, 3, dtype=torch.uint8, device=device),
        torch.zeros(40, dtype=torch.long, device=device),
    )
    recipe = replace(RECIPE, stages=RECIPE.stages[1:])
    run = Training(TINY, recipe, 0, tmp_path, device, images)
    run.begin()
    tensors = [*run.model.parameters(), *run.model.buffers()]
    assert len(tensors) > 10 and {tensor.device for tensor in tensors} == {device}


@pytest.mark.slow
def test_compiled_steps_train_the_same_network(tiny_data, tmp_path, monkeypatch):
    """As on a GPU; the code that is generated differs, what it computes does not.

    What it generates is channels last, so the network is one that can be trained so (`onednn`).
    """
    steps, network = (
        {},
        replace(TINY, stem_channels=8, groups=(Group(8, 1, BITS), Group(12, 2, BITS))),
    )
    for compiled in (False, True):
        monkeypatch.setattr(loop, "_compiling_pays", lambda _, compiled=compiled: compiled)
        monkeypatch.setattr(loop, "_bfloat16_is_fast", lambda _: False)
        folder = tmp_path / str(compiled)
        train(network, SMALL_STEPS, tiny_data, folder)
        steps[compiled], meta = read(folder / "last.safetensors")
        assert len(meta["history"]) == 2
    assert steps[True].keys() == steps[False].keys()
    weight = "model.stem.0.weight"
    assert torch.allclose(steps[True][weight], steps[False][weight], atol=1e-3)
    assert not torch.equal(steps[True][weight], torch.zeros_like(steps[True][weight]))
