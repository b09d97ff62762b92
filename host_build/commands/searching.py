"""How well the search in pictures works, and its temperatures."""

from __future__ import annotations

import argparse
from pathlib import Path

from host_build.commands.options import BUILD, OVERLAY, Commands, data, data_of, overlays, positive

_SCENES, _FIT = 60, 100  # without and with a fit
_EMPTY = 0.2  # of the scenes


def add(commands: Commands) -> None:
    parser = commands.add(
        "search",
        search,
        "measure the search in pictures on scenes and photographs, and write docs/search.md",
        OVERLAY,
        data(),
        overlays(),
    )
    parser.add_argument(
        "--scenes",
        type=positive,
        default=_SCENES,
        metavar="N",
        help="scenes to compose (default: %(default)s; each takes the reference some 360 windows)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the scenes (default: %(default)s)")
    parser.add_argument(
        "--photographs",
        type=Path,
        default=Path(".cache/photographs"),
        metavar="DIR",
        help="folder of photographs, a subfolder a class, none/ and backgrounds/; collected from "
        "packages where it is missing (default: %(default)s)",
    )
    parser.add_argument(
        "--fit",
        action="store_true",
        help=f"put the fitted temperatures into the overlay's manifest; from {_FIT} scenes on",
    )
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR",
        help="where search.md goes, and search/ with each network's results (default: docs)",
    )  # fmt: skip


def search(options: argparse.Namespace) -> int:
    from board_app.network import overlay
    from board_app.network.pooling import combine
    from board_app.pictures import cifar10, decoder
    from board_app.system import machine
    from host_build.search import evidence, measure, page, photographs, scenes
    from host_build.training.images import held_out

    if options.fit and options.scenes < _FIT:
        raise measure.FitError(f"--fit takes {_FIT} scenes or more: --scenes {_FIT}")
    chosen = overlay.find(options.network, options.overlays)
    folder = options.photographs
    if not folder.is_dir():
        print(f"{folder}: {photographs.collect(folder)}")
    decoder.shared.start()
    objects = held_out(cifar10.load(data_of(options), "train"))
    composed = scenes.compose(
        objects, evidence.backgrounds(folder), options.scenes, empty=_EMPTY, seed=options.seed
    )
    cases = evidence.photograph_cases(folder) + evidence.scene_cases(list(composed))
    found = evidence.gather(chosen, cases, BUILD / "search" / f"{options.network}.npz")
    ways = {
        "the 16 most confident": measure.most_confident(16),
        "the most confident": measure.most_confident(1),
        "the rule": combine,
    }
    result = page.Result(
        options.network,
        chosen.manifest.build_id,
        chosen.manifest.circuit.get("clock_mhz"),
        machine.describe()["model"],
        tuple(measure.rows(chosen, found, evidence.processor_milliseconds(chosen))),
        measure.compare(chosen.manifest, found, ways),
    )
    kept = options.docs / "search"
    result.dump(kept / f"{options.network}.json")
    if options.fit:
        measure.keep_temperatures(chosen, result.rows)
    print(
        page.write([page.Result.load(path) for path in sorted(kept.glob("*.json"))], options.docs)
    )
    return 0
