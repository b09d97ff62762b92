"""python -m host_build"""

import sys

from host_build.cli import main

sys.exit(main())
