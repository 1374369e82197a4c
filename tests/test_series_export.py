"""A series as tables: keys that hold, a JOIN that finds the hidden driver, one content in three formats."""

import csv
import sqlite3

import numpy as np
import pytest
from typer.testing import CliRunner

from springdrift.series.export import export, tables_of
from springdrift.series.generator import draw
from springdrift.series.recording import load
from springdrift.series.scenario import GENERATED
from springdrift_agents.cli.app import app


def test_a_join_finds_the_hidden_driver(tmp_path):
    (file,) = export(tables_of(GENERATED["recurring"], seed=2), tmp_path / "series.db")
    drawn = draw(GENERATED["recurring"], 2)
    with sqlite3.connect(file) as db:
        found = db.execute(
            "SELECT t, y, lag, effect FROM measurements JOIN drivers USING (series_id, driver_key) ORDER BY t"
        ).fetchall()
    db.close()
    t, y, lag, effect = np.array(found).T
    np.testing.assert_array_equal(t, np.arange(drawn.y.size))
    np.testing.assert_array_equal(y.astype(np.float32), drawn.seen.ravel())
    np.testing.assert_allclose(lag, np.repeat(drawn.truth[:, 3], 24), atol=1e-6)
    np.testing.assert_allclose(effect, np.repeat(drawn.truth[:, 5], 24), atol=1e-6)


def test_a_key_that_is_not_there_is_refused_by_the_database(tmp_path):
    (file,) = export(tables_of(GENERATED["abrupt"], seed=1), tmp_path / "series.db")
    db = sqlite3.connect(file)
    db.execute("PRAGMA foreign_keys = ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        db.execute("UPDATE measurements SET driver_key = 99 WHERE t = 0")
    assert db.execute("SELECT count(*) FROM drivers").fetchone()[0] >= 3
    db.close()


def test_what_is_missing_is_null_and_the_truth_says_why(tmp_path):
    (file,) = export(tables_of(GENERATED["faulty-sensor"], seed=1), tmp_path / "series.db")
    db = sqlite3.connect(file)
    rows = db.execute(
        "SELECT m.y, r.y, r.what FROM measurements m JOIN truth r USING (series_id, t)"
    ).fetchall()
    db.close()
    assert {what for *_, what in rows} == {"fine", "outlier", "stuck", "missing"}
    assert all((seen is None) == (what == "missing") for seen, _, what in rows)
    assert all(seen == true for seen, true, what in rows if what == "fine")


def test_three_formats_hold_one_content(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    tables = tables_of(load("elnino"))
    export(tables, tmp_path / "csv", "csv")
    export(tables, tmp_path / "parquet", "parquet")
    for name, (columns, rows) in tables.items():
        with open(tmp_path / "csv" / f"{name}.csv", newline="") as file:
            head, *body = csv.reader(file)
        assert tuple(head) == columns
        assert body == [["" if value is None else str(value) for value in row] for row in rows]
        table = parquet.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert [tuple(row.values()) for row in table.to_pylist()] == rows


def test_nothing_is_overwritten_and_nothing_half_written_is_left(tmp_path):
    (tmp_path / "here").write_text("mine")
    tables = tables_of(GENERATED["stationary"], cycles=5)
    with pytest.raises(FileExistsError, match="is there already"):
        export(tables, tmp_path / "here")
    broken = {**tables, "drivers": (tables["drivers"][0], [])}
    with pytest.raises(sqlite3.IntegrityError):
        export(broken, tmp_path / "broken.db")
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    with pytest.raises(ValueError, match="unknown format 'xlsx'; allowed: sqlite, csv, parquet"):
        export(tables, tmp_path / "other", "xlsx")
    with pytest.raises(ValueError, match="is a mixture"):
        tables_of(GENERATED["mix"])


def test_the_command_exports_a_series(tmp_path):
    goal = tmp_path / "mine.db"
    found = CliRunner().invoke(app, ["series", "abrupt", "--seed", "3", "--cycles", "30", "-o", str(goal)])
    assert found.exit_code == 0, found.output
    db = sqlite3.connect(goal)
    assert db.execute("SELECT count(*) FROM measurements").fetchone()[0] == (30 + 23) * 24
    db.close()
    assert CliRunner().invoke(app, ["series", "abrubt", "-o", str(tmp_path / "x.db")]).exit_code != 0
