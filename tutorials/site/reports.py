"""Reports of ``springdrift advise`` on recordings that ship, for the site."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from springdrift.series.recording import load
from springdrift_agents.advise import advise
from springdrift_agents.advise.report import as_html
from springdrift_agents.evaluation.provenance import everything
from springdrift_agents.files import write_text


class Shown(NamedTuple):
    """A recording, and what is asked of it."""

    name: str
    said: str  # in a link
    cycles: int  # of the recording, the newest
    period: int  # measurements of a season
    start: str
    hours: int  # from one measurement to the next
    price: float  # of a retraining; a fifth of it is that of an intervention


SHOWN = (
    Shown("electricity", "electricity, hourly", 400, 24, "2012-01-01T00:00:00", 1, 2000.0),
    Shown("traffic", "traffic, hourly", 300, 24, "2015-01-01T00:00:00", 1, 0.05),
    Shown("co2", "carbon dioxide, weekly", 400, 52, "1971-01-02T00:00:00", 7 * 24, 5.0),
)


def write(folder: Path, kept: Path) -> list[Path]:
    """Write a report of each recording into a folder; returns the files.

    Args:
        folder: gets a page for each recording.
        kept: folder of pages that need not be made again, as they rest on the same code and numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for one in SHOWN:
        rests = json.dumps(["report", one, everything()], sort_keys=True)
        known = kept / f"{hashlib.sha256(rests.encode()).hexdigest()}.html"
        if not known.exists():
            write_text(known, report(one))
        made.append(folder / f"{one.name}.html")
        made[-1].write_text(known.read_text(encoding="utf-8"), encoding="utf-8")
    return made


def report(one: Shown) -> str:
    """The page of a recording."""
    values = load(one.name).y[-one.cycles :].ravel().astype(np.float64)
    times = np.datetime64(one.start, "us") + np.arange(len(values)) * np.timedelta64(one.hours, "h")
    found = advise(
        pa.table({"time": times, one.name: values}),
        "time",
        one.name,
        period=one.period,
        window=14,
        error_cost=1.0,
        retrain_cost=one.price,
        intervene_cost=one.price / 5,
        currency="EUR",
    )
    return as_html(found)
