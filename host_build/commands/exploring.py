"""The search for networks."""

from __future__ import annotations

import argparse

from host_build.commands.options import (
    Commands,
    clock,
    data,
    data_of,
    folder,
    folder_of,
    positive,
    quantity,
    seed_and_device,
)


def add(commands: Commands) -> None:
    _settings(
        commands.add(
            "explore", explore,
            "search for networks: cost first, then brief training; "
            "draws accuracy against frames/s",
            None, data(), folder("trials, networks and the picture", "explore"),
            seed_and_device(),
        )
    )  # fmt: skip


def _settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--goal", choices=("accuracy", "fps"), default="accuracy", help="default: %(default)s"
    )
    parser.add_argument(
        "--budget", default="pynq-z2", metavar="BOARD", help="what must hold it (default: pynq-z2)"
    )
    parser.add_argument(
        "--min-fps", type=quantity, metavar="F", help="with --goal accuracy: least frames/s"
    )
    parser.add_argument(
        "--min-accuracy",
        type=quantity,
        metavar="PERCENT",
        help="with --goal fps: least accuracy on held-out images after the brief training",
    )
    parser.add_argument(
        "--trials",
        type=positive,
        default=60,
        metavar="N",
        help="candidates to train, those of earlier runs among them (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        default=9,
        metavar="N",
        help="of each candidate, a third of them float (default: %(default)s)",
    )
    parser.add_argument(
        "--train-limit", type=positive, metavar="N", help="train on N images (default: all)"
    )
    parser.add_argument(
        "--most-macs",
        type=quantity,
        metavar="MILLIONS",
        help="leave out networks of more multiply-accumulates an image: they train slowly",
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="database or journal file that machines share (default: study.journal in --out)",
    )
    parser.add_argument("--clock", type=clock, default=100.0, metavar="MHZ", help="default: 100")


def explore(options: argparse.Namespace) -> int:
    from host_build.explore.settings import Settings
    from host_build.explore.sweep import explore as run

    percent, millions = options.min_accuracy, options.most_macs
    settings = Settings(
        goal=options.goal, budget=options.budget, min_fps=options.min_fps,
        min_accuracy=None if percent is None else percent / 100,
        clock_mhz=options.clock, epochs=options.epochs, train_limit=options.train_limit,
        most_macs=None if millions is None else millions * 1e6, seed=options.seed,
    )  # fmt: skip
    print(run(
        settings, options.trials, data_of(options), folder_of(options, "explore"),
        storage=options.storage, device=options.device,
    ))  # fmt: skip
    return 0
