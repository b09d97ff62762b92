"""The command doctor."""

from __future__ import annotations

import argparse
from typing import List

from board_app.commands.common import DIFFERENT, OK, chosen_overlay
from board_app.doctor import examine
from board_app.doctor.finding import FAULT, WARNING, Finding
from board_app.system.files import write_json


def run_doctor(options: argparse.Namespace) -> int:
    """Say what is wrong with the board, and what to do."""
    chosen = chosen_overlay(options)
    findings: List[Finding] = []
    try:
        for finding in examine.examine(chosen, load_anyway=options.load_anyway):
            findings.append(finding)
            print(finding, flush=True)
    finally:  # what was found before it was interrupted is worth sending too
        if options.json is not None:
            write_json(options.json, examine.report(chosen, findings))
    counts = [sum(row.state == state for row in findings) for state in (FAULT, WARNING)]
    print(f"{len(findings)} lines: {counts[0]} faults, {counts[1]} warnings")
    return DIFFERENT if counts[0] else OK
