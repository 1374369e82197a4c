"""Reports of ``springdrift advise`` on recordings that ship, for the site."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from springdrift.series.recording import load
from springdrift_agents.advise import advise
from springdrift_agents.advise.report import as_html

# recording, cycles, measurements of a season, start, time between measurements, price of a retraining
SHOWN = (
    ("electricity", 400, 24, "2012-01-01T00:00:00", np.timedelta64(1, "h"), 2000.0),
    ("traffic", 300, 24, "2015-01-01T00:00:00", np.timedelta64(1, "h"), 0.05),
    ("co2", 400, 52, "1971-01-02T00:00:00", np.timedelta64(7, "D"), 5.0),
)


def write(folder: Path) -> list[Path]:
    """Write a report of each recording into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, cycles, period, start, step, price in SHOWN:
        values = load(name).y[-cycles:].ravel().astype(np.float64)
        times = np.datetime64(start, "us") + np.arange(len(values)) * step
        found = advise(
            pa.table({"time": times, name: values}),
            "time",
            name,
            period=period,
            window=14,
            error_cost=1.0,
            retrain_cost=price,
            intervene_cost=price / 5,
            currency="EUR",
        )
        made.append(folder / f"{name}.html")
        made[-1].write_text(as_html(found), encoding="utf-8")
    return made
