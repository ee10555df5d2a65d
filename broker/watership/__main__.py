"""`python -m watership`."""

import sys

from watership.cli import main

if __name__ == "__main__":
    sys.exit(main())
