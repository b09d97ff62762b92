"""Networks of one's own as JSON files, and files that are none."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from host_build.cli import main
from host_build.networks import variant_file
from host_build.networks.variants import VARIANTS, VariantError

from ..conftest import TINY


@pytest.mark.parametrize("variant", [TINY, *VARIANTS.values()], ids=lambda v: v.name)
def test_what_is_written_is_read(variant, tmp_path):
    path = tmp_path / "n.json"
    variant_file.write(path, variant)
    assert variant_file.find(str(path)) == variant


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "no name!"}, "name is 'no name!'"),
        ({"name": "MyNet"}, "name is 'MyNet'"),
        ({"name": "-x"}, "name is '-x'"),
        ({"name": "né"}, "name is 'né'"),
        ({"name": []}, r"name is \[\]"),
        ({"name": "lightweight"}, "name is 'lightweight'"),
        ({"name": None}, "name is None"),
        ({"title": 3}, "title is 3"),
        ({"groups": []}, r"groups is \(\)"),
        ({"groups": [{"channels": 4}]}, "bits"),
        ({"groups": 3}, "not iterable"),
        ({"stem_channels": 0}, "stem_channels is 0"),
        ({"stem_channels": 4.5}, r"stem_channels is 4\.5"),
        ({"input_bits": 9}, "input_bits is 9"),
        ({"head_weight_bits": 1}, "head_weight_bits is 1"),
        ({"stem_bits": {"weight": True, "activation": 4}}, "stem_bits is"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_fields_are_named(change, message, tmp_path):
    path = tmp_path / "n.json"
    path.write_text(json.dumps(asdict(TINY) | change))
    with pytest.raises(VariantError, match=message):
        variant_file.read(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("channels", 0), ("stride", 0), ("blocks", -1), ("bits", None), ("add_bits", 1),
        ("add_bits", "6"),
    ],
)  # fmt: skip
def test_wrong_groups(key, value, tmp_path):
    row = asdict(TINY)
    row["groups"][1][key] = value
    path = tmp_path / "n.json"
    path.write_text(json.dumps(row))
    with pytest.raises(VariantError, match="describes no network"):
        variant_file.read(path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_file_that_is_no_network(content, tmp_path):
    path = tmp_path / "n.json"
    path.write_bytes(content)
    with pytest.raises(VariantError, match="describes no network"):
        variant_file.read(path)


def test_missing_file(tmp_path, capsys):
    assert main(["train", str(tmp_path / "n.json")]) == 2
    assert "there is no network" in capsys.readouterr().err
