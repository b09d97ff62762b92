"""The command classify."""

from __future__ import annotations

import argparse
from contextlib import closing

from board_app.commands.common import ERROR, OK, chosen_backend, chosen_overlay, complain
from board_app.errors import PictureError
from board_app.network.classifier import Classifier
from board_app.pictures import decoder, picture


def run_classify(options: argparse.Namespace) -> int:
    """Say what is on pictures of any size."""
    chosen = chosen_overlay(options)
    code = OK
    decoder.shared.start()
    with closing(chosen_backend(options, chosen)) as backend:
        classifier = Classifier(chosen, backend)
        for path in options.images:
            try:
                found = classifier.classify(picture.load_file(path).pixels)
            except PictureError as error:
                complain(str(error))
                code = ERROR
            else:
                took = f"{found.milliseconds:.2f} ms"
                print(f"{path}: {found.label} {found.probability:.1%} ({took})")
    return code
