"""Results are kept only when they are whole, and the page says nothing that is not in them."""

from __future__ import annotations

import json

import pytest

from host_build.cli import main
from host_build.results import ResultError, page, read

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
