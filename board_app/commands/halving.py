"""The commands demo and fpga-server: the demo in two processes, one of which has the FPGA."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Dict, List

from board_app.commands.common import OK, chosen_backend, chosen_overlay, complain
from board_app.errors import BackendError
from board_app.pictures import cifar10
from board_app.service import halves, protocol
from board_app.service.halves import Half, User
from board_app.service.server import Server
from board_app.web import certificate

_DATA = Path("/var/lib/resnet8")
_RELEASE = Path(__file__).resolve().parents[2]


def run_fpga_server(options: argparse.Namespace) -> int:
    """Have the FPGA for the page, which has no privileges."""
    chosen = chosen_overlay(options)
    user = None
    if options.user is not None:
        try:
            user = pwd.getpwnam(options.user).pw_uid
        except KeyError:
            raise BackendError(f"there is no user {options.user}") from None
    with ExitStack() as stack:
        backend = stack.enter_context(closing(chosen_backend(options, chosen)))
        server = Server(backend, chosen.manifest.build_id, protocol.socket_path(), user)
        stack.enter_context(server)
        print(f"{chosen.folder.name} on {backend.name} for the page", flush=True)
        server.serve(complain)
    return OK


def run_demo(options: argparse.Namespace) -> int:
    """Serve the demo in two processes, or in one that is started again where there is no FPGA."""
    page = options.page
    chosen = chosen_overlay(page)
    arguments: List[str] = ["-m", "board_app", "serve", *options.arguments]
    with tempfile.TemporaryDirectory(prefix="resnet8-") as folder:
        Path(folder).chmod(0o711)
        path = Path(folder) / "fpga"
        environment = {protocol.SOCKET_VARIABLE: str(path)}
        user = None
        if options.user is not None:
            user = _user(options.user, chosen.folder / f"{chosen.folder.name}.json")
            environment.update(_cache(user))
            if page.https:
                environment.update(_data(user))
        both = [Half("the page", arguments, user, environment)]
        if page.backend == "fpga":
            arguments += ["--backend", "socket"]
            both.insert(0, Half("the half with the FPGA", _server(options), None, environment))
        halves.supervise(both, path, complain)
    return OK


def _user(name: str, manifest: Path) -> User:
    """The user `name`; BackendError where the page cannot be theirs."""
    user = halves.user_named(name, _RELEASE)
    if not halves.may_read(user, [Path(__file__), manifest]):
        raise BackendError(
            f"the user {name} cannot read {_RELEASE} or run {sys.executable}, so the page cannot "
            "be theirs: make every folder above these one to pass through (chmod o+x)"
        )
    return user


def _cache(user: User) -> Dict[str, str]:
    """The environment in which `user` finds the test images of who started this, if they may."""
    cache = cifar10.cache_folder()
    file = cache / cifar10.FOLDER / "test_batch.bin"
    return {"XDG_CACHE_HOME": str(cache.parent) if halves.may_read(user, [file]) else ""}


def _data(user: User) -> Dict[str, str]:
    """The environment in which `user`, who may have no home, keeps the page's certificate."""
    where = _DATA / certificate.FOLDER
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chown(where, user.uid, -1)
    return {"XDG_DATA_HOME": str(_DATA)}


def _server(options: argparse.Namespace) -> List[str]:
    page = options.page
    words = ["-m", options.fpga_program, "fpga-server", "--overlay", page.overlay]
    for name, value in (("--overlays", page.overlays), ("--user", options.user)):
        if value is not None:
            words += [name, str(value)]
    return words + ["--load-anyway"] * page.load_anyway
