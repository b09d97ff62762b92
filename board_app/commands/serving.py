"""The command serve."""

from __future__ import annotations

import argparse
from contextlib import ExitStack, closing
from typing import Callable, Optional

from board_app.camera.capture import Capture
from board_app.camera.v4l2 import V4L2Camera
from board_app.commands.common import OK, chosen_backend, chosen_overlay, complain
from board_app.errors import DatasetError
from board_app.pictures import cifar10, decoder, samples
from board_app.pictures.cifar10 import Dataset
from board_app.web import certificate as certificates
from board_app.web import create_app, demo, guard, server
from board_app.web.access_log import AccessLog


def run_serve(options: argparse.Namespace) -> int:
    """Serve the demo page and its JSON interface."""
    # The port first: opening the overlay takes seconds on the board.
    with server.listen(options.host, options.port) as listener, ExitStack() as stack:
        log = stack.enter_context(closing(AccessLog(options.access_log)))
        token = None if options.token_file is None else guard.read(options.token_file)
        decoder.shared.start()
        chosen = chosen_overlay(options)
        backend = stack.enter_context(closing(chosen_backend(options, chosen)))
        certificate = None
        if options.https:
            addresses = server.addresses(options.host)
            certificate = certificates.find(addresses, certificates.folder())
        misfit = cifar10.misfit(chosen.manifest.shape, chosen.manifest.classes)
        if misfit is not None:
            complain(f"{misfit}; serving without samples")
        app = create_app(
            chosen,
            backend,
            _gallery(options) if misfit is None else None,
            _test_images(options) if misfit is None else None,
            _camera(options),
            None if certificate is None else certificate.fingerprint,
        )
        stack.enter_context(closing(app.extensions[demo.KEY]))
        if token is not None:
            guard.protect(app, token)
        print(f"{chosen.folder.name} on {backend.name} at", flush=True)
        if certificate is not None:
            print(f"with the certificate SHA-256 {certificate.fingerprint}", flush=True)
        context = None if certificate is None else certificate.context()
        server.serve(app, listener, lambda text: print(text, flush=True), context=context, log=log)
    return OK


def _camera(options: argparse.Namespace) -> Optional[Capture]:
    """This machine's camera, which may be plugged in later; None where it is not asked for."""
    if options.camera is None:
        return None
    device = options.camera if options.camera.name else None
    return Capture(lambda: V4L2Camera(device))


def _test_images(options: argparse.Namespace) -> Optional[Callable[[], Dataset]]:
    """What reads the test images; None where they are not at hand."""
    try:
        folder = cifar10.find(options.cifar10, download=False)
    except DatasetError:
        return None
    return lambda: cifar10.load(folder, "test")


def _gallery(options: argparse.Namespace) -> Optional[Dataset]:
    """Pictures to try in the demo; None where none are at hand, which is no reason not to serve."""
    try:
        folder = cifar10.find(options.cifar10, download=False)
        return samples.gallery(cifar10.load(folder, "test"))
    except DatasetError:
        if options.cifar10 is not None:
            raise
    try:
        return samples.gallery(samples.load())
    except DatasetError as error:
        complain(f"{error}; serving without")
        return None
