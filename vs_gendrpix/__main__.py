"""`python -m vs_gendrpix COMMAND ...`: the command `gendrpix`, for launchers of processes."""

import sys

from vs_gendrpix.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
