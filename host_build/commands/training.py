"""Networks and their training."""

from __future__ import annotations

import argparse
import json

from host_build.commands.options import (
    ROW,
    Commands,
    data,
    data_of,
    folder,
    folder_of,
    limit,
    training_options,
)
from host_build.networks import variants
from host_build.training.networks import CONVNET, find
from host_build.training.recipes import RECIPES

TRAINABLE = f"{ROW}, or {CONVNET.name}, a float network to learn from"


def add(commands: Commands) -> None:
    commands.add("networks", networks, "print the table of networks", None)
    parser = commands.add(
        "train", train, "train a network on CIFAR-10", TRAINABLE, data(), folder(), limit(),
        training_options(),
    )  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")


def networks(_: argparse.Namespace) -> int:
    print(variants.table())
    return 0


def train(options: argparse.Namespace) -> int:
    from host_build.training.train import train as run

    variant = find(options.network)
    result = run(
        variant, RECIPES[options.recipe], data_of(options), folder_of(options, variant.name),
        seed=options.seed, device=options.device, resume=options.resume, limit=options.limit,
        taught_by=options.teacher or (), start=options.start,
    )  # fmt: skip
    print(json.dumps(result, indent=2))
    return 0
