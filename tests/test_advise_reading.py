"""Files as people have them: read right, mended by name, or refused with a sentence."""

import sqlite3

import narwhals as nw
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from springdrift_agents.advise import grid, period
from springdrift_agents.advise.findings import DataError
from springdrift_agents.advise.times import read_numbers, read_times

START = np.datetime64("2024-01-01T00:00", "m")
HOURS = START + np.arange(1200) * np.timedelta64(60, "m")
LOAD = np.round(10 + 3 * np.sin(2 * np.pi * np.arange(1200) / 24) + 0.4 * np.sin(np.arange(1200) ** 2), 3)


def write(tmp_path, lines, encoding="utf-8", name="data.csv"):
    path = tmp_path / name
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def plain(times=HOURS, values=LOAD, head="when,load", say=str, separator=","):
    return [head, *(f"{say(t)}{separator}{v}" for t, v in zip(times, values, strict=True))]


def said(recording):
    return " | ".join(map(str, recording.findings))


def test_a_plain_file_needs_no_repair(tmp_path):
    got = grid.load(write(tmp_path, plain()), "when", "load")
    assert got.findings == ()
    assert str(got.step) == "hour"
    np.testing.assert_array_equal(got.values, LOAD)
    np.testing.assert_array_equal(got.times, HOURS)
    assert period.find(got)[:2] == (24, "day")


def german(t):
    return f"{t.item():%d.%m.%Y %H:%M}"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
def test_decimal_commas_day_first_dates_and_umlauts(tmp_path, encoding):
    values = [f"{v:.3f}".replace(".", ",") for v in LOAD]
    path = write(tmp_path, plain(values=values, head="Zeit;Größe", say=german, separator=";"), encoding)
    got = grid.load(path, "Zeit", "Größe")
    np.testing.assert_array_equal(got.values, LOAD)
    np.testing.assert_array_equal(got.times, HOURS)
    assert "day-first" in said(got)
    assert "decimal commas" in said(got)
    assert ("Windows-1252" in said(got)) == (encoding == "cp1252")


def test_a_bad_row_in_the_middle_is_named_and_left_out(tmp_path):
    lines = plain()
    lines[600] = "Total,,12"
    got = grid.load(write(tmp_path, lines), "when", "load")
    assert "1 row without the 2 fields of the header (row 601): left out" in said(got)
    assert np.flatnonzero(np.isnan(got.values)).tolist() == [599]
    mended = grid.mend(got, 24)
    assert abs(mended.values[599] - LOAD[599]) < 1.5
    assert "one season before" in said(mended)


def test_many_bad_rows_are_refused(tmp_path):
    lines = plain()
    lines[1::20] = ["a,b,c"] * len(lines[1::20])
    with pytest.raises(DataError, match=r"do not have the 2 fields of the header \(rows 2, 22"):
        grid.load(write(tmp_path, lines), "when", "load")


@pytest.mark.parametrize("order", ["reverse", "shuffled"])
def test_rows_out_of_order_are_sorted(tmp_path, order):
    rows = np.arange(1200)[::-1] if order == "reverse" else np.random.default_rng(0).permutation(1200)
    got = grid.load(write(tmp_path, plain(HOURS[rows], LOAD[rows])), "when", "load")
    np.testing.assert_array_equal(got.values, LOAD)
    assert "rows out of order" in said(got)
    assert ("turned round" in said(got)) == (order == "reverse")


EPOCH = (HOURS - np.datetime64(0, "s")).astype("timedelta64[s]").astype(np.int64)


@pytest.mark.parametrize(
    ("say", "kind"),
    [
        (dict(zip(HOURS, EPOCH, strict=True)).get, "s since 1970"),
        (lambda t: (t - np.datetime64(0, "s")).astype("timedelta64[ms]").astype(np.int64), "ms since 1970"),
        (lambda t: f"{(t - np.datetime64('1899-12-30')) / np.timedelta64(1, 'D'):.6f}", "Excel"),
        (lambda t: f"{t}:00Z", ""),
        (lambda t: f"{t + np.timedelta64(120, 'm')}+02:00", ""),
        (lambda t: f"{t.item():%Y%m%d %H:%M}", ""),
        (lambda t: f"{t.item():%m/%d/%Y %I:%M %p}", "month-first"),
        (lambda t: f"{t.item():%d.%m.%y %H:%M}", "day-first"),
    ],
)
def test_forms_of_times(tmp_path, say, kind):
    got = grid.load(write(tmp_path, plain(say=say)), "when", "load")
    assert np.abs(got.times - HOURS).max() <= np.timedelta64(100, "ms")
    np.testing.assert_array_equal(got.values, LOAD)
    assert kind in said(got)


def test_dates_that_may_be_either_are_asked_for(tmp_path):
    column = np.array([f"{a:02d}/{b:02d}/2024" for a in range(1, 13) for b in range(1, 13)])
    rows = np.arange(len(column)) + 2
    with pytest.raises(DataError, match="--dates day-first or --dates month-first"):
        read_times(column, rows)
    times, _, _ = read_times(column, rows, order="day-first")
    assert str(times[1]).startswith("2024-02-01")
    quarters = np.array([f"{t.item():%d/%m/%Y %H:%M}" for t in HOURS[: 24 * 12 : 6]])
    times, _, notes = read_times(quarters, np.arange(48) + 2)  # either reading is possible, one is even
    np.testing.assert_array_equal(times, HOURS[: 24 * 12 : 6])
    assert "evenly spaced" in str(notes[0])


def test_a_week_that_comes_twice_is_no_change_of_clocks(tmp_path):
    weeks = np.datetime64("2020-01-05T00:00", "m") + np.arange(200) * np.timedelta64(7 * 24 * 60, "m")
    lines = plain(weeks, LOAD[:200])
    october = next(k for k, week in enumerate(weeks) if str(week).startswith("2021-10"))
    got = grid.load(write(tmp_path, [*lines, lines[october + 1]]), "when", "load")
    assert said(got).endswith("1 time that comes more than once (row 202): their mean was kept")


def test_clocks_that_change(tmp_path):
    utc = np.datetime64("2024-01-01T00:00", "m") + np.arange(8000) * np.timedelta64(60, "m")
    from zoneinfo import ZoneInfo

    local = [
        t.item().replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("Europe/Vienna")).replace(tzinfo=None)
        for t in utc
    ]
    values = np.sin(np.arange(8000) / 24 * 2 * np.pi).round(4)
    path = write(tmp_path, plain(local, values))
    got = grid.load(path, "when", "load", zone="Europe/Vienna")
    np.testing.assert_array_equal(got.times, utc)
    np.testing.assert_array_equal(got.values, values)
    assert "2 times that come twice in Europe/Vienna" in said(got)
    naive = grid.load(path, "when", "load")
    assert "hour that comes twice" in said(naive)
    assert "1 time missing" in said(naive)
    with pytest.raises(DataError, match="unknown time zone 'Wien'"):
        grid.load(path, "when", "load", zone="Wien")


def test_gaps_are_filled_when_small_and_split_the_record_when_large(tmp_path):
    keep = np.ones(1200, bool)
    keep[100:104] = keep[900:990] = False
    got = grid.mend(grid.load(write(tmp_path, plain(HOURS[keep], LOAD[keep])), "when", "load"), 24)
    assert len(got) == 900
    assert not np.isnan(got.values).any()
    assert np.abs(got.values[100:104] - LOAD[100:104]).max() < 1.5
    assert "the longest of 90" in said(got)
    assert "75% of it" in said(got)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [], "is empty"),
        (lambda lines: lines[:1], "a header and no rows"),
        (lambda lines: lines[:40], "39 different times are too few"),
        (lambda lines: [lines[0], *(f"{t},5" for t in HOURS)], "'load' is constant"),
        (lambda lines: [lines[0], *(f"{t},heavy" for t in HOURS)], "is text"),
        (lambda lines: [lines[0], *(f"monday,{v}" for v in LOAD)], "no times that can be read"),
        (lambda lines: ["when,lod", *lines[1:]], "no column 'load'; did you mean 'lod'"),
        (lambda lines: lines + lines[1:], "repeat a time"),
        (lambda lines: ["when,load,load", *(f"{line},1" for line in lines[1:])], "2 columns named 'load'"),
        (lambda lines: [lines[0], "\0", *lines[1:]], "zero byte"),
        (
            lambda lines: [lines[0], *(f"{START + np.timedelta64(k * k, 'm')},{k}" for k in range(99))],
            "not evenly spaced",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_sentence(tmp_path, change, says):
    with pytest.raises(DataError, match=says):
        grid.load(write(tmp_path, change(plain())), "when", "load")


def test_numbers_as_people_write_them():
    rows = np.arange(3) + 2

    def read(*texts, **options):
        values, notes = read_numbers(np.array(texts), rows[: len(texts)], "v", **options)
        return values.tolist(), " ".join(map(str, notes))

    assert read("1.5", "2", "-3e2")[0] == [1.5, 2.0, -300.0]
    assert read("1.234,5", "2.000,0", "7,25")[0] == [1234.5, 2000.0, 7.25]
    assert read("1,234.5", "12,000.0", "3")[0] == [1234.5, 12000.0, 3.0]
    assert read("1,234", "2.5", "3")[0] == [1234.0, 2.5, 3.0]
    assert np.isnan(read("n/a", "1", "")[0][0])
    values, notes = read("inf", "1", "2")
    assert np.isnan(values[0])
    assert "infinite (row 2)" in notes
    with pytest.raises(DataError, match="thousands or thousandths"):
        read("1,234", "2,345", "3,456")
    assert read("1,234", "2,345", "3,456", decimal=",")[0] == [1.234, 2.345, 3.456]
    with pytest.raises(DataError, match="both"):
        read("1.234,5", "1,234.5", "1")


def test_the_same_from_a_database_parquet_and_frames(tmp_path):
    base = tmp_path / "data.db"
    with sqlite3.connect(base) as open_base:
        open_base.execute("CREATE TABLE m (at TEXT, y REAL)")
        open_base.executemany("INSERT INTO m VALUES (?, ?)", zip(map(str, HOURS), LOAD.tolist(), strict=True))
    open_base.close()
    frame = pa.table({"at": HOURS.astype("datetime64[us]"), "y": LOAD})
    parquet.write_table(frame, tmp_path / "data.parquet")
    for source in (base, tmp_path / "data.parquet", frame, nw.from_native(frame, eager_only=True)):
        got = grid.load(source, "at", "y")
        np.testing.assert_array_equal(got.values, LOAD)
        np.testing.assert_array_equal(got.times, HOURS)
    with pytest.raises(DataError, match="no table 'n'"):
        grid.load(base, "at", "y", table="n")
    with pytest.raises(DataError, match="expected a path or a data frame"):
        grid.load(5, "at", "y")


@pytest.mark.parametrize("step", ["M", "Y"])
def test_months_and_years_are_even_steps(tmp_path, step):
    times = np.arange(0, 240 if step == "M" else 120).astype(f"datetime64[{step}]").astype("datetime64[D]")
    values = np.sin(np.arange(len(times)) / 12 * 2 * np.pi) + np.arange(len(times)) * 0.01
    got = grid.load(write(tmp_path, plain(times, values)), "when", "load")
    assert str(got.step) == {"M": "month", "Y": "year"}[step]
    assert len(got) == len(times)
    np.testing.assert_array_equal(got.times.astype("datetime64[D]"), times)


@pytest.mark.parametrize(
    "values", [np.random.default_rng(1).normal(size=1200), np.arange(1200.0)], ids=["noise", "line"]
)
def test_where_there_is_no_season_none_is_found(tmp_path, values):
    got = grid.load(write(tmp_path, plain(values=values)), "when", "load")
    with pytest.raises(DataError, match="no season was found"):
        period.find(got)


@settings(deadline=None, max_examples=30)
@given(
    season=st.integers(4, 60),
    noise=st.floats(0.05, 0.8),
    slope=st.floats(-0.01, 0.01),
    seed=st.integers(0, 99),
)
def test_a_season_is_found_whatever_its_length(season, noise, slope, seed):
    n = 1500
    rng = np.random.default_rng(seed)
    shape = np.cumsum(rng.normal(size=season)) + 2 * np.sin(2 * np.pi * np.arange(season) / season)
    wave = np.tile((shape - shape.mean()) / shape.std(), n // season + 1)[:n]
    values = wave + noise * rng.normal(size=n) + slope * np.arange(n)
    times = np.datetime64("2024-01-01") + np.arange(n) * np.timedelta64(97, "m")  # no calendar fits
    found = period.find(grid.to_grid("y", times, values[None], np.arange(n)))
    assert found.period == season
