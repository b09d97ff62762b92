"""`python -m board_app`."""

import sys

from board_app.cli import main

sys.exit(main())
