"""What a check found, and the board's system as checks see it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's: what was looked at, how it is, and what to do (empty if ok)."""

    name: str
    state: str
    text: str
    advice: str = ""

    def row(self) -> Dict[str, str]:
        """The same for JSON."""
        return {"name": self.name, "state": self.state, "text": self.text, "advice": self.advice}

    def __str__(self) -> str:
        line = f"{self.state:<8} {self.name:<16} {self.text}"
        return f"{line}\n{'':<25} → {self.advice}" if self.advice else line


@dataclass(frozen=True)
class System:
    """A machine's files below `root`, its environment and commands; tests play others."""

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    user: int = field(default_factory=os.geteuid)

    def path(self, name: str) -> Path:
        """Where the absolute path `name` of that machine is here."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> Optional[str]:
        """A file's text without white space and NUL at its ends; None where it cannot be read."""
        try:
            return self.path(name).read_text(errors="replace").strip("\0 \n\t")
        except OSError:
            return None

    def run(self, command: Sequence[str]) -> Optional[str]:
        """A command's output; None where there is none or it takes too long."""
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode(errors="replace")

    def free(self, name: str) -> Optional[int]:
        """Bytes free in a folder; None where there is none."""
        try:
            return shutil.disk_usage(self.path(name)).free
        except OSError:
            return None
