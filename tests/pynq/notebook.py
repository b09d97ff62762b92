"""Run a notebook's cells as Jupyter does, on the simulated board, in the notebook's folder.

python -m tests.pynq.notebook RELEASE FILE    RELEASE as host_build.simulation.stage left it
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib
from IPython.core.interactiveshell import InteractiveShell

from host_build.simulation import on_board


def main(release: Path, notebook: Path) -> None:
    """What the cells print goes to standard output; the first exception ends it."""
    matplotlib.use("Agg")
    on_board.install(release)
    shell = InteractiveShell.instance()
    for cell in json.loads(notebook.read_text())["cells"]:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"])).raise_error()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
