"""Results of training runs, kept as files, and the page of tables made of them."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from board_app.system.files import write_json
from host_build.errors import HostError
from host_build.networks.variants import EDGES8, VARIANTS, Variant
from host_build.training.networks import CONVNET, Network
from host_build.training.recipes import RECIPES, Recipe, Stage

Result = dict[str, Any]


class Key(NamedTuple):
    """What runs of several seeds have in common.

    `teacher` is "" where none was given, and `start` the recipes of the weights it began with.
    """

    network: str
    recipe: str
    teacher: str = ""
    start: tuple[str, ...] = ()


Runs = dict[Key, list[Result]]
_NETWORKS: dict[str, Network] = {**VARIANTS, CONVNET.name: CONVNET}
TEST_IMAGES = 10_000
_NEEDED = {
    "network", "recipe", "seed", "epochs", "held_out_accuracy", "test_accuracy", "test_images",
    "integer_accuracy", "float_accuracy", "training_seconds", "device",
}  # fmt: skip
_INTRODUCTION = """\
# Networks and what they reach

Made by `python -m host_build results` from the files in `results/`; do not edit.

"Integer" and "float" accuracies are on all 10,000 test images, counted once for a finished run,
whose epoch was chosen on 5,000 held-out training images. "Integer" is the compiled network's, which
the circuit equals bit for bit; "float" is the network before quantisation. Claims are those of the
original report, whose networks were chosen on the test images. Of several seeds it is the mean, ±
the standard deviation; times are of one seed's training. "`a`, then `b`" began with the weights
that `a` had made of the same network ("`a of n`": of `n`, the same in other bits); epochs and time
are those of `b`.
"""
_ABLATIONS = """\
## What each part gives

Recipes of one change each from `short`, which is `strong` with fewer epochs, and networks with 8
bits in and out beside the same without, on the 5,000 held-out images: the test images choose
nothing. The difference is the mean over the seeds that both were trained with, in per cent points.
A share of 5,000 images is known to half a point, and seeds differ besides: a difference of less
than one point of one seed says little.
"""
# The recipe that the ablations differ from, and how their names start.
_BASE = "short"


class ResultError(HostError):
    """A result file is missing, unfinished or damaged; the message says which and why."""


def read(path: Path) -> Result:
    """One run's result; ResultError unless it is finished, on all test images, and compiled.

    Ablations and networks that are only float need not be compiled.
    """
    try:
        result = json.loads(path.read_text())
        needed = _NEEDED if _compiles(result.get("recipe")) else _NEEDED - {"integer_accuracy"}
        missing = sorted(needed - result.keys())
    except FileNotFoundError:
        raise ResultError(f"there is no {path}; train the network first") from None
    except (OSError, ValueError, AttributeError) as error:
        raise ResultError(f"{path} is no result of a training: {error}") from error
    if missing:
        raise ResultError(f"{path} lacks {', '.join(missing)}; train or compile it to the end")
    if result["test_images"] != TEST_IMAGES:
        raise ResultError(f"{path} was measured on {result['test_images']} test images only")
    if result["recipe"] not in RECIPES:
        raise ResultError(f"{path} is of {result['recipe']!r}, which is no recipe")
    if result["network"] not in _NETWORKS:
        raise ResultError(f"{path} is of {result['network']!r}, which is not in the table")
    return dict(result)


def keep(path: Path, folder: Path) -> Path:
    """Copy a finished run's result into `folder`; the name says what it is of."""
    result = read(path)
    key = _key(result)
    after = [f"after-{recipe.replace(' ', '-')}" for recipe in key.start]
    parts = filter(None, (key.network, key.recipe, key.teacher, *after, str(result["seed"])))
    kept = folder / f"{'-'.join(parts)}.json"
    write_json(kept, result)
    return kept


def page(results: list[Result]) -> str:
    """The tables as Markdown: the report's rows, every training, the ablations, the recipes."""
    runs: Runs = defaultdict(list)
    for result in sorted(results, key=lambda r: r["seed"]):
        runs[_key(result)].append(result)
    ablations = {key: group for key, group in runs.items() if _ablates(key.recipe)}
    full = {key: group for key, group in runs.items() if key not in ablations}
    used = [name for name in RECIPES if any(key.recipe == name for key in runs)]
    return "\n".join(
        [_INTRODUCTION, "## The report's networks\n", *_networks(full), "", "## Every training\n",
         *_trainings(full), "", *([_ABLATIONS, *_parts(ablations), ""] if ablations else []),
         "## Recipes\n", *_recipes(used), ""]
    )  # fmt: skip


def _networks(runs: Runs) -> list[str]:
    def best(variant: Variant, ours: bool) -> str:
        """The recipe whose runs are best on held-out images, never on the test images."""
        mine = [
            group for key, group in runs.items()
            if key.network == variant.name and (key.recipe != "report") == ours
            and RECIPES[key.recipe].quantises
        ]  # fmt: skip
        if not mine:
            return "not trained"
        group = max(mine, key=lambda g: statistics.mean(r["held_out_accuracy"] for r in g))
        return f"{_percent(group, 'integer_accuracy')} ({_told(_key(group[0]))})"

    rows = []
    for variant in VARIANTS.values():
        claim = variant.claimed_accuracy
        rows.append([
            f"`{variant.name}`", variant.title, f"{variant.total_parameters:,}",
            variant.weight_bits, f"{variant.macs / 1e6:.1f}",
            "" if claim is None else f"{claim:.2f}%",
            best(variant, ours=False), best(variant, ours=True),
        ])  # fmt: skip
    head = ["network", "what it is", "parameters", "bits", "MMAC", "claimed",
            "report's recipe, measured", "our best recipe, measured"]  # fmt: skip
    return _table(head, rows)


def _trainings(runs: Runs) -> list[str]:
    rows = []
    for key, group in _sorted(runs):
        variant = _NETWORKS[key.network]
        seconds = statistics.mean(r["training_seconds"] for r in group)
        rows.append([
            f"`{variant.name}`", f"{variant.total_parameters:,}", variant.weight_bits, _told(key),
            _percent(group, "held_out_accuracy"), _percent(group, "float_accuracy"),
            _percent(group, "integer_accuracy"), str(len(group)), str(group[0]["epochs"]),
            f"{seconds / 60:.0f} min", "; ".join(sorted({r["device"] for r in group})),
        ])  # fmt: skip
    head = ["network", "parameters", "bits", "recipe", "held out", "float", "integer", "seeds",
            "epochs", "time", "device"]  # fmt: skip
    return _table(head, rows)


def _recipes(names: list[str]) -> list[str]:
    plain = [f.name for f in fields(Recipe) if f.name not in ("name", "stages")]
    rows = []
    for name in names:
        recipe = RECIPES[name]
        rows.append(
            [f"`{name}`", _stages(recipe), *(str(getattr(recipe, field)) for field in plain)]
        )
    return _table(["recipe", "epochs", *(field.replace("_", " ") for field in plain)], rows)


def _parts(runs: Runs) -> list[str]:
    rows = []
    for key, group in _sorted(runs):
        usual = _usual(key)
        base = {r["seed"]: r["held_out_accuracy"] for r in runs.get(usual, [])}
        gains = [r["held_out_accuracy"] - base[r["seed"]] for r in group if r["seed"] in base]
        compared = "" if usual == key else _mean(gains, "+.2f") or "not compared"
        rows.append([
            f"`{key.network}`", f"`{key.recipe}`", _change(key),
            _percent(group, "held_out_accuracy"), compared, str(len(group)),
            str(group[0]["epochs"]),
        ])  # fmt: skip
    head = ["network", "recipe", "change", "held out", "difference", "seeds", "epochs"]
    return _table(head, rows)


def _ablates(recipe: object) -> bool:
    return str(recipe).startswith(_BASE)


def _compiles(recipe: object) -> bool:
    return not _ablates(recipe) and (recipe not in RECIPES or RECIPES[str(recipe)].quantises)


def _usual(key: Key) -> Key:
    """What runs of `key` are compared with, from which they differ in one thing; or else `key`."""
    if key.recipe != _BASE or key.teacher or key.start:
        return Key(key.network, _BASE)
    return Key(key.network.removesuffix(EDGES8), _BASE)


def _change(key: Key) -> str:
    """What runs of `key` have that those they are compared with have not."""
    if key.network != _usual(key).network:
        return "8 bits in and out"
    recipe, base = RECIPES[key.recipe], RECIPES[_BASE]
    changes = _differences(recipe, base, except_for=("name", "stages"))
    for stage, usual in zip(recipe.stages, base.stages, strict=True):
        kind = "quantised" if usual.quantised else "float"
        changes += [f"{kind} epochs: {change}" for change in _differences(stage, usual)]
    if key.teacher:
        changes.append(f"taught by `{key.teacher}`")
    if key.start:
        changes.append(f"begun with weights of `{'`, then `'.join(key.start)}`")
    return "; ".join(changes)


def _differences(
    one: Recipe | Stage, usual: Recipe | Stage, except_for: tuple[str, ...] = ()
) -> list[str]:
    return [
        f"{f.name.replace('_', ' ')} {getattr(one, f.name)}, not {getattr(usual, f.name)}"
        for f in fields(usual)
        if f.name not in except_for and getattr(one, f.name) != getattr(usual, f.name)
    ]


def _stages(recipe: Recipe) -> str:
    return "; ".join(
        f"{s.epochs} {'quantised' if s.quantised else 'float'} from {s.learning_rate:g}"
        + (f", {s.warmup} of warm-up" if s.warmup else "")
        + (f", {s.distil:.0%} distilled" if s.distil else "")
        for s in recipe.stages
    )


def _key(result: Result) -> Key:
    teacher, start = result.get("teacher") or "", tuple(result.get("start", ()))
    return Key(result["network"], result["recipe"], teacher, start)


def _told(key: Key) -> str:
    before = "".join(f"`{recipe}`, then " for recipe in key.start)
    return before + f"`{key.recipe}`" + (f" by `{key.teacher}`" if key.teacher else "")


def _sorted(runs: Runs) -> list[tuple[Key, list[Result]]]:
    return sorted(runs.items(), key=lambda run: (list(_NETWORKS).index(run[0].network), run[0]))


def _percent(group: list[Result], key: str) -> str:
    mean = _mean([r[key] for r in group if r.get(key) is not None])
    return mean and f"{mean}%"


def _mean(fractions: list[float], form: str = ".2f") -> str:
    """In per cent, with the standard deviation where there are several; nothing of none."""
    if not fractions:
        return ""
    values = [100 * fraction for fraction in fractions]
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):{form}}{spread}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
