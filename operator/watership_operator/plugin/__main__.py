"""`python -m watership_operator.plugin`."""

import sys

from . import main

sys.exit(main())
