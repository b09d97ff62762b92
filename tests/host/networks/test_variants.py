"""The table of networks: the report's counts come out exactly, and the model agrees."""

from __future__ import annotations

import pytest

from host_build.networks.variants import VARIANTS, VariantError, find, table
from host_build.training.resnet import ResNet


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_claimed_parameters(variant):
    if variant.claimed_parameters is not None:
        assert variant.total_parameters == variant.claimed_parameters


def test_report_figures():
    counts = {name: variant.total_parameters for name, variant in VARIANTS.items()}
    assert counts["resnet18-4w4a-64"] == 11_164_352
    assert counts["resnet10-4w4a-64"] == 4_897_472
    assert counts["resnet8-4w4a-64"] == 1_224_896
    assert counts["resnet8-4w4a-32"] == counts["maxutilized"] == 307_296
    assert counts["lightweight-stride1"] == 77_360
    assert counts["lightweight"] == 77_616
    assert VARIANTS["resnet18-4w4a-64"].parameters == {
        "stem": 1_728,
        "group1": 147_456,
        "group2": 524_288,
        "group3": 2_097_152,
        "group4": 8_388_608,
        "head": 5_120,
    }


def test_macs():
    assert round(VARIANTS["lightweight"].macs / 1e6, 1) == 3.5
    assert round(VARIANTS["lightweight-stride1"].macs / 1e6, 1) == 12.5
    assert round(VARIANTS["maxutilized"].macs / 1e6, 1) == 49.1


@pytest.mark.parametrize("quantised", [False, True])
@pytest.mark.parametrize("name", ["lightweight", "lightweight-stride1", "resnet8-4w4a-32-last144"])
def test_model_has_the_row_s_parameters(name, quantised):
    model = ResNet(VARIANTS[name], quantised=quantised)
    weights = sum(p.numel() for p in model.parameters() if p.dim() in (2, 4))
    assert weights == VARIANTS[name].total_parameters


def test_table_has_every_network():
    lines = table().splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(VARIANTS)
    assert "11,164,352" in table()


def test_unknown_network_lists_the_known_ones():
    with pytest.raises(VariantError, match=r"lightweight.*maxutilized"):
        find("resnet50")
