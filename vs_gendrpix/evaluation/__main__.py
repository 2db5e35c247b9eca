"""The entry of `python -m vs_gendrpix.evaluation`."""

import sys

from vs_gendrpix.errors import SettingsError

try:
    from vs_gendrpix.evaluation.command import main
except ModuleNotFoundError as error:
    print(  # noqa: T201 - a command's face
        f"vs_gendrpix.evaluation: {error.name} is missing: install vs-gendrpix[evaluation]",
        file=sys.stderr,
    )
    sys.exit(SettingsError.exit_code)

if __name__ == "__main__":
    sys.exit(main())
