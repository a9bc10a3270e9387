"""`python -m salesops.demo OUT --reps 60 --years 3 ...`: write the demo company and say what is in it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from salesops.common.errors import SalesopsError
from salesops.common.progress import RichProgress
from salesops.demo.parameters import Parameters
from salesops.demo.simulate import write_company


def main(arguments: list[str] | None = None) -> int:
    """Parse, write, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m salesops.demo", description="Write the demo company as Parquet.")
    parser.add_argument("out", type=Path, help="folder for the files")
    parser.add_argument("--parameters", type=Path, help="a file to use in place of company.toml")
    for name in ("reps", "years", "seed", "opportunities", "changes", "leads"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--end", help="last day, YYYY-MM-DD")
    parser.add_argument("--activities", choices=("full", "light", "none"))
    parser.add_argument("--clean", action="store_true", help="without entry errors")
    parser.add_argument("--figures", action="store_true", help="print how plausible the company is")
    given = vars(parser.parse_args(arguments))
    out, file, clean, figures = (given.pop(name) for name in ("out", "parameters", "clean", "figures"))
    try:
        parameters = Parameters.load(file, **given, dirt=False if clean else None)
        summary = write_company(out, parameters, RichProgress())
    except SalesopsError as error:
        print(error.render(), file=sys.stderr)
        return error.exit_code
    for name, rows in summary.rows.items():
        print(f"{rows:12,}  {name}")
    if figures:
        from salesops.demo.figures import measure

        for name, value in measure(out, parameters).items():
            print(f"{name:34} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
