"""Proofs of the kernels."""

from __future__ import annotations

import argparse

from host_build.commands.options import Commands, jobs, positive


def add(commands: Commands) -> None:
    parser = commands.add(
        "prove", prove,
        "prove the kernels' properties with SymbiYosys; answers are kept, what is known takes no "
        "time", None, jobs("proofs"),
    )  # fmt: skip
    _common(parser, 600)
    parser = commands.add(
        "mutate", mutate,
        "change the kernels, one bit of one cell at a time, and see that their proofs notice",
        None, jobs("proofs"),
    )  # fmt: skip
    _common(parser, 120)
    parser.add_argument(
        "--count",
        type=positive,
        default=50,
        metavar="N",
        help="mutants of each kernel (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="of their choice (default: 1)")


def _common(parser: argparse.ArgumentParser, timeout: int) -> None:
    parser.add_argument("kernel", nargs="*", metavar="KERNEL", help="only these (default: all)")
    parser.add_argument(
        "--timeout",
        type=positive,
        default=timeout,
        metavar="SECONDS",
        help="longest time of one (default: %(default)s)",
    )


def prove(options: argparse.Namespace) -> int:
    from host_build.proofs.prove import chosen, table, tasks
    from host_build.proofs.prove import prove as run

    answers = run(tasks(chosen(options.kernel)), jobs=options.jobs, timeout=options.timeout)
    print(table(answers))
    return 0 if all(answer.as_claimed for answer in answers) else 1


def mutate(options: argparse.Namespace) -> int:
    from host_build.proofs.mutants import fates, table
    from host_build.proofs.prove import chosen

    found = fates(
        chosen(options.kernel), options.count,
        seed=options.seed, jobs=options.jobs, timeout=options.timeout,
    )  # fmt: skip
    print(table(found))
    return 0 if all(fate.seen for fate in found) else 1
