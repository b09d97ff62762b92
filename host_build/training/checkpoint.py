"""Training state in one safetensors file: tensors, and the configuration they belong to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from board_app.system.files import write_atomically
from host_build.errors import HostError
from host_build.networks.variants import DESCRIPTION, Variant, VariantError, undescribed
from host_build.training.models import build
from host_build.training.networks import Network, parse

LAST = "last.safetensors"


class CheckpointError(HostError):
    """A checkpoint is damaged or belongs to another network; the message says which."""


def write(path: Path, tensors: dict[str, Tensor], variant: Network, **meta: Any) -> None:
    """Write `tensors` and JSON-able `meta`; the file appears whole or not at all."""
    metadata = {
        "variant": json.dumps(asdict(variant)),
        **{k: json.dumps(v) for k, v in meta.items()},
    }
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, metadata))


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the decoded metadata."""
    try:
        with safe_open(str(path), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            meta = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}; train first") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    return tensors, meta


def require_variant(path: Path, meta: dict[str, Any], variant: Network) -> None:
    """Refuse a checkpoint whose network is not exactly `variant`, whatever is said about it."""
    stored, wanted = _described(meta), _row(variant) | DESCRIPTION
    if stored != wanted:
        keys = stored.keys() | wanted.keys()
        differing = sorted(k for k in keys if stored.get(k) != wanted.get(k))
        raise CheckpointError(
            f"{path} holds network {stored.get('name')!r}, not {variant.name!r} "
            f"(they differ in {', '.join(differing)}); use its own checkpoint or train again"
        )


def load_network(
    path: Path, variant: Network, *, quantised: bool = True
) -> tuple[nn.Module, dict[str, Any]]:
    """Return the trained network of `path` in eval mode, and its metadata."""
    tensors, meta = read(path)
    require_variant(path, meta, variant)
    model = _filled(variant, tensors, quantised=quantised)
    if model is None:
        kind = "quantised" if quantised else "float"
        raise CheckpointError(
            f"{path} holds no {kind} weights of {variant.name}; of a training, float.safetensors "
            "has float ones and best.safetensors quantised ones"
        )
    return model, meta


def load_any(path: Path) -> nn.Module:
    """The trained network of `path` in eval mode, whichever it is, float or quantised."""
    tensors, meta = read(path)
    network = named(path, meta)
    for quantised in (False, True):
        model = _filled(network, tensors, quantised=quantised)
        if model is not None:
            return model
    raise CheckpointError(f"{path} holds no weights of {network.name}")


def named(path: Path, meta: dict[str, Any]) -> Network:
    """The network that the checkpoint says it holds."""
    try:
        return parse(meta.get("variant"))
    except VariantError as error:
        raise CheckpointError(f"{path} names no network: {error}") from error


def weights(path: Path, variant: Network) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of the trained `variant` in `path`, float or quantised, for another training.

    It may have other bits: quantisers learn ranges, which stay. Beside the tensors, the recipes
    that they were trained by, one after the other.
    """
    tensors, meta = read(path)
    found, by = _network(meta), str(meta["recipe"]["name"])
    if isinstance(found, Variant) and isinstance(variant, Variant) and found.shape == variant.shape:
        by += "" if undescribed(found) == undescribed(variant) else f" of {found.name}"
    else:
        require_variant(path, meta, variant)
    return under("model", tensors), [*meta.get("start", []), by]


def require_finished(best: Path) -> None:
    """Refuse a training that is still to go on, or that never has a network to compile."""
    last = best.with_name(LAST)
    if not last.exists():
        return
    _, meta = read(last)
    recipe, stages = meta["recipe"]["name"], meta["recipe"]["stages"]
    if meta["stage"] < len(stages):
        raise CheckpointError(
            f"the training in {best.parent} is not finished: {len(meta['history'])} epochs done; "
            f"finish it with train --recipe {recipe} --seed {meta['seed']} --resume"
        )
    if not any(stage["quantised"] for stage in stages):
        raise CheckpointError(
            f"the training in {best.parent} has no network to compile: recipe {recipe} has float "
            "epochs only"
        )


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix` and a dot, without it."""
    start = f"{prefix}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """The model's state under the prefix that `load_network` looks for."""
    return {f"model.{name}": tensor for name, tensor in model.state_dict().items()}


def _filled(network: Network, tensors: dict[str, Tensor], *, quantised: bool) -> nn.Module | None:
    """`network` in eval mode with its weights of `tensors`, None where they are not all there."""
    model = build(network, quantised=quantised)
    try:
        model.load_state_dict(under("model", tensors))
    except RuntimeError:
        return None
    return model.eval()


def _network(meta: dict[str, Any]) -> Network | None:
    """What a checkpoint says it holds, None where there is no such network."""
    try:
        return parse(meta.get("variant"))
    except VariantError:
        return None


def _described(meta: dict[str, Any]) -> dict[str, Any]:
    """The same as a row, with the fields that came after the checkpoint was written."""
    found = _network(meta)
    row = meta.get("variant", {}) if found is None else _row(found)
    return dict(row | DESCRIPTION)


def _row(variant: Network) -> dict[str, Any]:
    """As JSON has it."""
    return dict(json.loads(json.dumps(asdict(variant))))
