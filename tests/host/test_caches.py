"""Where caches are, in a checkout that cannot be written too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host_build import caches


@pytest.mark.parametrize("has_cache", [True, False])
def test_a_read_only_checkout_has_its_cache_elsewhere(tmp_path, monkeypatch, has_cache):
    checkout, home = tmp_path / "checkout", tmp_path / "cache"
    (checkout / ".cache" if has_cache else checkout).mkdir(parents=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    assert caches.folder("finn", checkout) == checkout / ".cache" / "finn"
    # Root may write everywhere: ask as another would be answered.
    monkeypatch.setattr(os, "access", lambda path, mode: checkout not in (path, *path.parents))
    assert caches.folder("finn", checkout) == home / "resnet8-pynq" / "finn"


def test_without_a_named_cache_it_is_in_the_home(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert caches.folder("yosys") == tmp_path / ".cache" / "resnet8-pynq" / "yosys"
