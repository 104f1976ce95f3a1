"""``python -m nblandscape``."""

import sys

from nblandscape.cli import main

sys.exit(main())
