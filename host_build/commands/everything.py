"""The whole way from a row of the table to an overlay with its circuit."""

from __future__ import annotations

import argparse

from host_build.commands import circuits, compiling, training
from host_build.commands.options import (
    ROW,
    Commands,
    compiling_options,
    data,
    folder,
    folder_of,
    folding,
    limit,
    overlays,
    training_options,
)
from host_build.errors import HostError
from host_build.networks import variant_file
from host_build.training.recipes import RECIPES


def add(commands: Commands) -> None:
    commands.add(
        "all", everything, "train, compile, generate; continues where it was interrupted", ROW,
        data(), folder(), limit(), overlays(), training_options(), compiling_options(), folding(),
    )  # fmt: skip


def everything(options: argparse.Namespace) -> int:
    variant = variant_file.find(options.network)
    made = folder_of(options, variant.name)
    if not RECIPES[options.recipe].quantises:
        raise HostError(f"recipe {options.recipe} trains no network to compile; use train")
    options.resume = (made / "last.safetensors").exists()
    if options.resume:
        options.start = None  # The overlay that it began with may be the one that it made.
    compiling.require_places(options)
    circuits.require_room(options, variant)
    training.train(options)
    compiling.compile_network(options, made / compiling.TRAINED)
    options.network = variant.name
    return circuits.generate(options)
