"""Runs kept in a file: whole, resumable, guarded by foreign keys, refused when foreign."""

import csv
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from springdrift import OPS_ID
from springdrift_agents.cli.app import app
from springdrift_agents.evaluation.evaluate import compare, world_seeds
from springdrift_agents.evaluation.provenance import hash_of
from springdrift_agents.evaluation.store import Store
from springdrift_agents.policies.registry import policy

CONFIG = {"policies": {"threshold": "x"}, "episodes": 3, "seed": 0}
POLICIES = {"threshold": policy("threshold"), "periodic": policy("periodic")}


def same(a, b):
    assert (a.policy, a.scenario) == (b.policy, b.scenario)
    for one, other in zip(a[2:], b[2:], strict=True):  # a calendar that is missing is nan in both
        np.testing.assert_array_equal(one, other)


def test_what_is_written_is_read_back_bit_for_bit(tmp_path):
    parts = compare(POLICIES, ["abrupt"], 3, seed=2**28 - 1)
    with Store(tmp_path / "a.db") as store:
        run = store.run(CONFIG)
        for part in parts:
            store.write(run, part)
            store.write(run, part)  # once more changes nothing
    with Store(tmp_path / "a.db") as store:
        assert store.run(CONFIG) == run
        assert store.run({**CONFIG, "seed": 1}) != run
        for part in parts:
            same(store.read(run, part.scenario, part.policy), part)
        assert store.read(run, "wear", "threshold") is None
        assert len(store.rows("episodes")[1]) == 6


def test_a_recorded_episode_adds_up_and_keeps_its_keys(tmp_path):
    with Store(tmp_path / "a.db") as store:
        run = store.run(CONFIG)
        part = compare({"threshold": POLICIES["threshold"]}, ["recurring"], 2)[0]
        store.write(run, part)
        seed = int(part.seeds[1])
        store.record(run, "recurring", "threshold", POLICIES["threshold"], seed)
        store.record(run, "recurring", "threshold", POLICIES["threshold"], seed)
        with pytest.raises(ValueError, match="holds no episode of never"):
            store.record(run, "recurring", "never", policy("never"), seed)
    db = sqlite3.connect(tmp_path / "a.db")
    spent = db.execute(
        "SELECT sum(forecast + swing + intervene + retrain), count(*) FROM decisions"
    ).fetchone()
    assert spent[0] == pytest.approx(part.cost[1])
    assert spent[1] == 200
    asked = db.execute("SELECT count(*) FROM decisions WHERE retrain > 0").fetchone()[0]
    models = db.execute("SELECT version, requested, deployed FROM models ORDER BY version").fetchall()
    assert asked == part.finding("retrains")[1]
    assert len(models) - 1 in (asked, asked - 1)  # the last one may not have shipped in time
    assert all(deployed - requested == 3 for _, requested, deployed in models[1:])
    keys = db.execute("SELECT DISTINCT driver_key FROM drivers").fetchall()
    assert len(keys) > 1  # the hidden key moved, and what it stood for is in the table
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_versions_are_kept_with_their_parents_windows_and_service(tmp_path):
    rule = policy("operations")
    with Store(tmp_path / "a.db") as store:
        run = store.run({**CONFIG, "env": OPS_ID})
        part = compare({"operations": rule}, ["returning"], 2, env=OPS_ID)[0]
        store.write(run, part)
        same(store.read(run, "returning", "operations", part.term_names), part)
        store.record(run, "returning", "operations", rule, int(part.seeds[0]), env=OPS_ID)
        store.verify()
    db = sqlite3.connect(tmp_path / "a.db")
    paid = db.execute("SELECT sum(fine_tune), sum(rollback) FROM decisions").fetchone()
    assert paid == (part.term("fine_tune")[0], part.term("rollback")[0])
    rows = db.execute("SELECT version, parent, kind, fitted_to, served FROM model_versions").fetchall()
    assert rows[0][:3] == (0, None, "commissioned")
    assert all(parent < number for number, parent, *_ in rows[1:])
    assert {kind for _, _, kind, *_ in rows} == {"commissioned", "fitted", "fine-tuned"}
    for number, _, _, fitted, served in rows:
        requested = db.execute("SELECT requested FROM models WHERE version = ?", (number,)).fetchone()[0]
        assert fitted == (requested or 0)
        cycles = db.execute("SELECT count(*) FROM measurements WHERE model_version = ?", (number,)).fetchone()
        assert cycles[0] == served
    back = db.execute(
        "SELECT m.model_version < before.model_version FROM decisions "
        "JOIN measurements m USING (episode, cycle) "
        "JOIN measurements before ON before.cycle = m.cycle - 1 WHERE action = 'ROLLBACK'"
    ).fetchall()
    assert (1,) in back  # what serves is an older version from the cycle of the rollback on
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()


def test_foreign_keys_are_enforced(tmp_path):
    with Store(tmp_path / "a.db") as store, pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        store._db.execute("INSERT INTO decisions VALUES (99, 0, 'WAIT', 0, 0, 0, 0, 0, 0)")


@pytest.mark.attack
def test_foreign_and_damaged_files_are_refused(tmp_path):
    text = tmp_path / "notes.db"
    text.write_text("not a database at all, but long enough to look at" * 40)
    with pytest.raises(ValueError, match=r"notes\.db is not a readable SQLite file"):
        Store(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(ValueError, match="but not springdrift's"):
        Store(other)
    good = tmp_path / "good.db"
    with Store(good) as store:
        run = store.run(CONFIG)
        for part in compare(POLICIES, ["poc"], 50):
            store.write(run, part)
    data = bytearray(good.read_bytes())
    data[4096 : len(data) - 4096] = os.urandom(len(data) - 8192)
    good.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged|not a readable"):
        Store(good)
    newer = tmp_path / "newer.db"
    with Store(newer) as store:
        store._db.execute("PRAGMA user_version = 7")
    with pytest.raises(ValueError, match="has layout 7, this version reads 3"):
        Store(newer)


def test_export_reads_and_changes_nothing(tmp_path):
    empty, out = tmp_path / "empty.db", str(tmp_path / "out.csv")
    empty.touch()
    for path, message in (
        (empty, "is empty"),
        (tmp_path / "none.db", "there is no file"),
        (tmp_path, "no file"),
    ):
        found = CliRunner().invoke(app, ["export", str(path), "-o", out])
        assert message in str(found.exception)
    assert empty.read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["empty.db"]
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(ValueError, match="but not springdrift's"):
        Store(other, write=False)
    with Store(tmp_path / "a #1%20?.db") as store:  # a name that is no plain URI
        run = store.run(CONFIG)
    with Store(tmp_path / "a #1%20?.db", write=False) as store:
        assert store.rows("runs")[1][0][0] == run
        with pytest.raises(OSError, match="it may be read only"):
            store.run({**CONFIG, "seed": 9})


def write_many(path, first):
    with Store(path) as store:
        for seed in range(first, first + 5):
            run = store.run({"seed": seed % 7})
            for part in compare(POLICIES, ["poc"], 4, seed=seed % 7):
                store.write(run, part)


@pytest.mark.attack
def test_two_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "a.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(path, first)) for first in (0, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300)
        assert writer.exitcode == 0
    with Store(path) as store:
        assert len(store.rows("runs")[1]) == 7
        assert len(store.rows("parts")[1]) == 14
        assert len(store.rows("episodes")[1]) == 56
        for seed in range(7):
            for part in compare(POLICIES, ["poc"], 4, seed=seed):
                same(store.read(store.run({"seed": seed}), "poc", part.policy), part)


@pytest.mark.attack
def test_a_comparison_that_is_killed_goes_on_to_the_same_result(tmp_path):
    db = tmp_path / "a.db"
    few = ("-p", "never,periodic,threshold,cusum,ppo-mix")
    args = ["compare", "-n", "40", *few, "-s", "abrupt,poc,mix", "--db", str(db)]
    command = [sys.executable, "-m", "springdrift_agents.cli.main", *args]
    running = subprocess.Popen(
        [*command, "--out", str(tmp_path / "one")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 300
    while time.monotonic() < end:
        time.sleep(0.02)
        if db.exists() and running.poll() is None:
            try:
                look = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
                done = look.execute("SELECT count(*) FROM parts").fetchone()[0]
                look.close()
            except sqlite3.OperationalError:
                continue
            if done >= 5:
                break
    running.send_signal(signal.SIGKILL)
    running.wait()
    with Store(db) as store:
        before = len(store.rows("parts")[1])
    assert 5 <= before < 15
    assert CliRunner().invoke(app, [*args, "--out", str(tmp_path / "two")]).exit_code == 0
    plain = CliRunner().invoke(app, [*args[:-2], "--out", str(tmp_path / "three")])
    assert plain.exit_code == 0
    two, three = (Path(tmp_path / name / "results.csv").read_text() for name in ("two", "three"))
    assert two == three


def test_export(tmp_path):
    db = tmp_path / "a.db"
    run = CliRunner()
    args = ["compare", "-n", "3", "-s", "poc", "-p", "never,threshold", "--db", str(db), "--record", "1"]
    assert run.invoke(app, [*args, "--out", str(tmp_path / "out")]).exit_code == 0
    for table, count in (("episodes", 6), ("decisions", 80), ("measurements", 80)):
        for suffix in ("csv", "parquet"):
            file = tmp_path / f"{table}.{suffix}"
            found = run.invoke(app, ["export", str(db), "-t", table, "-o", str(file)])
            assert f"({count} rows)" in " ".join(found.output.split())
        rows = list(csv.DictReader((tmp_path / f"{table}.csv").read_text().splitlines()))
        columns = pyarrow.parquet.read_table(tmp_path / f"{table}.parquet").to_pydict()
        assert [float(row["swing"]) for row in rows] == columns["swing"]
    with Store(db) as store:
        kept = json.loads(store.rows("runs")[1][0][3])
        with pytest.raises(ValueError, match="unknown table 'people'; allowed: runs, parts"):
            store.export("people", tmp_path / "a.csv")
        with pytest.raises(ValueError, match="allowed endings"):
            store.export("runs", tmp_path / "a.xls")
    assert set(kept) == {"env", "config", "packages", "python", "git", "code"}
    assert kept["config"]["episodes"] == 3
    assert hash_of(kept["config"]) == hash_of(json.loads(json.dumps(kept["config"])))
    assert (
        world_seeds("evaluation", 0, 3).tolist()
        == [int(row["seed"]) for row in csv.DictReader((tmp_path / "episodes.csv").read_text().splitlines())][
            :3
        ]
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A run file of a comparison with a recorded episode, and what it exports."""
    folder = tmp_path_factory.mktemp("kept")
    with Store(folder / "a.db") as store:
        run = store.run(CONFIG)
        for part in compare(POLICIES, ["poc", "abrupt"], 6):
            store.write(run, part)
            store.record(run, part.scenario, part.policy, POLICIES[part.policy], int(part.seeds[0]))
        store.verify()
        assert store.older(CONFIG) == []
    return folder / "a.db"


def opened(path):
    """What an export gives of each table, or what was said instead."""
    try:
        with Store(path, write=False) as store:
            store.verify()
            return [store.rows(table)[1] for table in ("episodes", "decisions", "measurements", "models")]
    except (ValueError, OSError) as wrong:
        return str(wrong)


@pytest.mark.attack
def test_a_table_that_was_made_otherwise_is_damage(tmp_path, kept):
    """Without its primary key a table has the same rows, but for their numbers."""
    whole, other = b"id INTEGER PRIMARY KEY, part", b"id INTEGER QRIMARY KEY, part"
    assert kept.read_bytes().count(whole) == 1
    file = tmp_path / "a.db"
    file.write_bytes(kept.read_bytes().replace(whole, other))
    with pytest.raises(ValueError, match=r"a\.db is damaged: columns of its table episodes are not those"):
        Store(file, write=False)


@pytest.mark.attack
@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.slow)])
def test_flipped_bits_are_noticed_or_change_nothing(tmp_path, kept, count):
    data, expected, rng = kept.read_bytes(), opened(kept), np.random.default_rng(count)
    assert isinstance(expected, list)
    file, noticed = tmp_path / "a.db", 0
    for place, bit in zip(rng.integers(len(data), size=count), rng.integers(8, size=count), strict=True):
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        file.write_bytes(flipped)
        found = opened(file)
        if isinstance(found, str):
            noticed += 1
            assert "\n" not in found
            assert str(file) in found
        else:
            assert found == expected, (place, bit)
    assert noticed > count / 3


@pytest.mark.attack
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE episodes SET swing = swing + 1e-9 WHERE id = 3",
        "UPDATE episodes SET seed = seed + 9 WHERE id = 3",
        "DELETE FROM episodes WHERE id = 3",
        "UPDATE parts SET calendar = 1.0 WHERE id = 1",
        "UPDATE parts SET policy = 'never' WHERE id = 1",
        "UPDATE runs SET hash = 'x'",
        "UPDATE decisions SET action = 'RETRAIN' WHERE cycle = 7",
        "UPDATE measurements SET level = 0 WHERE cycle = 7",
        "UPDATE models SET deployed = deployed + 1 WHERE version = 1",
        "UPDATE drivers SET friction = friction + 1",
    ],
)
def test_figures_that_are_not_those_written_are_refused(tmp_path, kept, change):
    file = tmp_path / "a.db"
    file.write_bytes(kept.read_bytes())
    with sqlite3.connect(file) as db:
        assert db.execute(change).rowcount > 0
    db.close()
    found = CliRunner().invoke(app, ["export", str(file), "-o", str(tmp_path / "out.csv")])
    assert f"{file} is damaged: " in str(found.exception)
    assert not (tmp_path / "out.csv").exists()


def wal_of_a_killed_writer(folder, kept):
    """A run file with its newest part in the file beside it, as a killed process leaves it."""
    file, script = folder / "a.db", "import os, sys; from springdrift_agents.evaluation.store import Store\n"
    file.write_bytes(kept.read_bytes())
    script += "store = Store(__import__('pathlib').Path(sys.argv[1])); store.run({'seed': 5}); os._exit(1)"
    subprocess.run([sys.executable, "-c", script, str(file)], check=False)
    assert (folder / "a.db-wal").stat().st_size > 0
    return file


def test_an_export_reads_all_and_leaves_nothing_beside_the_file(tmp_path, kept):
    file = wal_of_a_killed_writer(tmp_path, kept)
    found = CliRunner().invoke(app, ["export", str(file), "-t", "runs", "-o", str(tmp_path / "out.csv")])
    assert "(2 rows)" in " ".join(found.output.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.db", "out.csv"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_file_in_a_read_only_folder_can_be_exported(tmp_path, kept, killed, monkeypatch):
    (tmp_path / "there").mkdir()
    if killed:
        wal_of_a_killed_writer(tmp_path / "there", kept)
    else:
        (tmp_path / "there" / "a.db").write_bytes(kept.read_bytes())
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # also for root
    before = {path.name: path.read_bytes() for path in (tmp_path / "there").iterdir()}
    with Store(tmp_path / "there" / "a.db", write=False) as store:
        assert store.export("runs", tmp_path / "out.csv") == 1 + killed
        assert store.export("episodes", tmp_path / "out.csv") == 24
    assert {path.name: path.read_bytes() for path in (tmp_path / "there").iterdir()} == before


@pytest.mark.attack
def test_a_full_disk_is_a_sentence_and_what_was_written_stays(tmp_path, kept):
    file = tmp_path / "a.db"
    file.write_bytes(kept.read_bytes())
    part = compare({"never": policy("never")}, ["wear"], 400)[0]
    with Store(file) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        run = store.run(CONFIG)
        store._db.execute(f"PRAGMA max_page_count = {pages + 1}")
        with pytest.raises(
            OSError, match=r"the disk is full; every part that was written whole is kept.*a\.db"
        ):
            store.write(run, part)
        store._db.execute("PRAGMA max_page_count = 1000000")
        store.verify()
        store.write(run, part)
        same(store.read(run, "wear", "never"), part)
