"""`yosys -ql LOG SCRIPT` as SymbiYosys calls it, by pyosys: that starts at once."""

from __future__ import annotations

import sys

from pyosys import libyosys

if __name__ == "__main__":
    log, script = sys.argv[-2:]
    libyosys.run_pass(f"tee -q -o {log} script {script}")
