"""Results are kept only when they are whole, and the page says nothing that is not in them."""

from __future__ import annotations

import json

import pytest

from host_build.cli import main
from host_build.training.results import ResultError, keep, page, read

RESULT = {
    "network": "lightweight",
    "parameters": 77_616,
    "recipe": "warm",
    "seed": 0,
    "best_epoch": 140,
    "epochs": 144,
    "held_out_accuracy": 0.85,
    "float_accuracy": 0.8512,
    "test_accuracy": 0.8601,
    "integer_accuracy": 0.8602,
    "test_images": 10_000,
    "training_seconds": 4200.0,
    "device": "cpu",
}


def _row(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| `{start}` |"))


def test_page_shows_claims_measurements_and_what_was_not_trained():
    text = page([RESULT])
    trained = _row(text, "lightweight")
    assert "84.51%" in trained
    assert "86.02% (`warm`)" in trained
    assert trained.count("not trained") == 1  # under the report's own recipe
    assert _row(text, "maxutilized").count("not trained") == 2
    assert "85.12%" in text.split("## Every training")[1]


def test_seeds_are_averaged():
    text = page([RESULT, RESULT | {"seed": 1, "integer_accuracy": 0.8622}])
    assert "86.12 ± 0.14% (`warm`)" in _row(text, "lightweight")


ABLATION = {k: v for k, v in RESULT.items() if k != "integer_accuracy"} | {"epochs": 16}
SEEDS = [
    ABLATION | {"recipe": recipe, "seed": seed, "held_out_accuracy": accuracy}
    for recipe, accuracies in (("short", (0.80, 0.82)), ("short-cutout", (0.81, 0.84)))
    for seed, accuracy in enumerate(accuracies)
]


def test_ablations_say_what_a_part_gives_on_held_out_images():
    text = page([RESULT, *SEEDS])
    part = text.split("## What each part gives")[1].split("## Recipes")[0]
    base, cutout = (line for line in part.splitlines() if line.startswith("| `lightweight`"))
    assert "| `short` |  | 81.00 ± 1.41% |  | 2 | 16 |" in base
    # The differences are 1 and 2, each within a seed.
    assert "| `short-cutout` | cutout 8, not 0 | 82.50 ± 2.12% | +1.50 ± 0.71 | 2 |" in cutout
    # What they reach on the test images chooses nothing, so it is not told.
    assert "86.01" not in part
    assert "85.12" not in part
    rest = text.replace(part, "")
    assert "| `short-cutout` | 12 float" in rest.split("## Recipes")[1]
    assert rest.split("## Recipes")[0].count("`short") == 0


def test_ablations_are_compared_within_the_same_seeds_and_network():
    text = page([SEEDS[0], SEEDS[3], SEEDS[1] | {"network": "maxutilized"}])
    cutout = next(line for line in text.splitlines() if "`short-cutout` | cutout" in line)
    assert "| 84.00% | not compared | 1 |" in cutout


def test_networks_with_8_bits_in_and_out_are_compared_with_those_without():
    edges = SEEDS[0] | {"network": "lightweight-edges8", "held_out_accuracy": 0.805}
    text = page([*SEEDS, edges])
    row = next(line for line in text.splitlines() if "edges8` | `short` |" in line)
    assert "| 8 bits in and out | 80.50% | +0.50 | 1 |" in row


def test_a_recipe_of_other_stages_says_what_is_other():
    part = page([SEEDS[0] | {"recipe": "short-no-distil"}]).split("## What each part gives")[1]
    assert "| quantised epochs: distil 0.0, not 0.5 |" in part


def test_who_taught_is_a_change():
    text = page([SEEDS[0], SEEDS[0] | {"teacher": "maxutilized", "held_out_accuracy": 0.81}])
    assert "| `short` | taught by `maxutilized` | 81.00% | +1.00 | 1 |" in text


def test_whose_weights_it_began_with_is_a_change():
    text = page([SEEDS[0], SEEDS[0] | {"start": ["warm"], "held_out_accuracy": 0.82}])
    assert "| `short` | begun with weights of `warm` | 82.00% | +2.00 | 1 |" in text


def test_pages_without_ablations_have_no_section_of_them():
    assert "What each part gives" not in page([RESULT])


def test_ablations_are_kept_without_an_integer_network(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps(SEEDS[0]))
    assert read(keep(tmp_path / "result.json", tmp_path / "kept")) == SEEDS[0]


def test_spread_over_seeds_shows_everywhere():
    text = page([RESULT, RESULT | {"seed": 1, "float_accuracy": 0.8712, "held_out_accuracy": 0.86}])
    row = _row(text.split("## Every training")[1], "lightweight")
    assert "| 85.50 ± 0.71% | 86.12 ± 1.41% | 86.02 ± 0.00% | 2 | 144 | 70 min | cpu |" in row


def test_runs_of_another_teacher_are_runs_of_their_own(tmp_path):
    taught = RESULT | {"recipe": "taught", "teacher": "maxutilized", "held_out_accuracy": 0.9}
    other = taught | {"teacher": None, "held_out_accuracy": 0.88}
    text = page([taught, other, RESULT | {"teacher": None}])
    assert "86.02% (`taught` by `maxutilized`)" in _row(text, "lightweight")
    rows = [line for line in text.splitlines() if "| `taught`" in line and "144" in line]
    assert ["90.00%" in row for row in rows] == [False, True]
    (tmp_path / "result.json").write_text(json.dumps(taught))
    kept = keep(tmp_path / "result.json", tmp_path / "kept")
    assert kept.name == "lightweight-taught-maxutilized-0.json"


def test_runs_that_began_with_the_weights_of_others_are_runs_of_their_own(tmp_path):
    again = RESULT | {
        "recipe": "again", "teacher": "maxutilized", "start": ["warm", "strong of tiny"],
        "held_out_accuracy": 0.9, "integer_accuracy": 0.91,
    }  # fmt: skip
    text = page([RESULT | {"start": []}, again])
    told = "`warm`, then `strong of tiny`, then `again` by `maxutilized`"
    assert f"91.00% ({told})" in _row(text, "lightweight")
    (row,) = (line for line in text.split("## Every training")[1].splitlines() if told in line)
    assert "| 90.00% | 85.12% | 91.00% | 1 |" in row
    (tmp_path / "result.json").write_text(json.dumps(again))
    kept = keep(tmp_path / "result.json", tmp_path / "kept")
    assert kept.name == "lightweight-again-maxutilized-after-warm-after-strong-of-tiny-0.json"


def test_a_network_that_only_teaches_has_no_integers(tmp_path):
    teaching = {k: v for k, v in RESULT.items() if k != "integer_accuracy"} | {
        "recipe": "teacher", "test_accuracy": None, "held_out_accuracy": 0.95,
    }  # fmt: skip
    (tmp_path / "result.json").write_text(json.dumps(teaching))
    text = page([read(tmp_path / "result.json"), RESULT])
    assert "86.02% (`warm`)" in _row(text, "lightweight")
    assert "| `teacher` | 95.00% | 85.12% |  | 1 |" in text
    (tmp_path / "result.json").write_text(json.dumps(teaching | {"network": "convnet-256"}))
    text = page([read(tmp_path / "result.json"), RESULT])
    assert "| `convnet-256` | 1,970,824 | float | `teacher` | 95.00% | 85.12% |  | 1 |" in text
    assert "convnet-256" not in text.split("## Every training")[0]


def test_the_best_recipe_is_chosen_on_held_out_images():
    luckier = RESULT | {"recipe": "strong", "held_out_accuracy": 0.84, "integer_accuracy": 0.99}
    assert "86.02% (`warm`)" in _row(page([RESULT, luckier]), "lightweight")


def test_results_command_keeps_runs_and_writes_the_page(tmp_path, capsys):
    run, docs = tmp_path / "run", tmp_path / "docs"
    run.mkdir()
    (run / "result.json").write_text(json.dumps(RESULT))
    assert main(["results", str(run), "--docs", str(docs)]) == 0
    assert json.loads((docs / "results" / "lightweight-warm-0.json").read_text()) == RESULT
    assert (docs / "networks.md").read_text() == page([RESULT])
    assert "1 results" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "train the network first"),
        ("{", "no result of a training"),
        ("[]", "no result of a training"),
        (json.dumps({**RESULT, "test_images": 200}), "200 test images only"),
        (json.dumps({**RESULT, "network": "other"}), "not in the table"),
        (json.dumps({**RESULT, "recipe": "other"}), "'other', which is no recipe"),
        (json.dumps({**RESULT, "recipe": "shorter"}), "'shorter', which is no recipe"),
        (
            json.dumps({k: v for k, v in RESULT.items() if k != "integer_accuracy"}),
            "lacks integer_accuracy",
        ),
    ],
)
def test_unfinished_and_damaged_results_are_refused(tmp_path, content, message):
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    with pytest.raises(ResultError, match=message):
        read(tmp_path / "result.json")
    assert main(["results", str(tmp_path), "--docs", str(tmp_path / "docs")]) == 2
    assert not (tmp_path / "docs").exists()
