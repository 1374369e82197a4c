"""Lesson 2: right answers pass in any form, wrong ones get the hint that is meant for them."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from course_common import LessonChecks, hint_of, solutions_of
from springdrift import Jump, Params, Scenario, Trend, Walk
from springdrift_agents.course import check
from springdrift_agents.course.databases import hidden_runs, hidden_series
from springdrift_agents.course.materials import strangers

RIGHT = solutions_of(2)
JUMP, TREND = RIGHT.workshop.laws


class TestLesson2(LessonChecks):
    lesson = 2


def world(jump=JUMP, trend=TREND, **fields):
    return replace(RIGHT.workshop, laws=(jump, trend), **fields)


def runs_of(errors, limit, run):
    """Every cycle that ends a run."""
    above = np.asarray(errors) > limit
    return [n for n in range(run - 1, len(above)) if above[n - run + 1 : n + 1].all()]


def counted(errors, limit, run):
    above = np.flatnonzero(errors > limit)
    return above[run - 1] if len(above) >= run else -1


JOIN = "FROM measurements m JOIN drivers d ON d.id = m.driver"
FITTED = """(SELECT models.episode, models.version, drivers.driver_key, drivers.id AS row FROM models
    JOIN measurements w ON w.episode = models.episode AND w.cycle = coalesce(models.requested - 1, 0)
    JOIN drivers ON drivers.id = w.driver) f"""
BOTH = "f.episode = m.episode AND f.version = m.model_version"


def matched(
    same="f.driver_key = d.driver_key", on=BOTH, fitted=FITTED, end="ORDER BY 1", what="avg(m.error)"
):
    return f"SELECT {same}, count(*), {what} {JOIN} JOIN {fitted} ON {on} GROUP BY 1 {end}"


SERIES = "d.series_id = m.series_id AND d.driver_key = m.driver_key"


def mean_day(
    what="avg(m.y)",
    on=SERIES,
    columns="effect, t % 24",
    where="WHERE m.t >= 552",
    end="ORDER BY 1, 2",
    more="",
):
    if more:
        columns = columns.replace("t %", "m.t %")
    joined = f"FROM measurements m JOIN drivers d ON {on} {more} {where}"
    return f"SELECT {columns}, {what} {joined} GROUP BY 1, 2 {end}"


WRONG = [
    ("2.1", "wear", "expected a list of four names, got str"),
    ("2.1", ["wear", "abrupt"], "expected four names, for A, B, C and D, got 2"),
    ("2.1", ["wear", "abrupt", "drift", "gradual"], "expected names out of 'abrupt', 'gradual'"),
    ("2.1", ["abrupt", "abrupt", "faulty-sensor", "gradual"], "A is someone else: look at its error"),
    ("2.1", ["wear", "gradual", "faulty-sensor", "abrupt"], "B is someone else"),
    ("2.1", ["wear", "abrupt", "shock", "gradual"], "C is someone else: how long does each rise"),
    ("2.1", ["wear", "abrupt", "faulty-sensor", "abrupt"], "D is someone else: when did it happen"),
    ("2.2", "abrupt", "expected a springdrift.Scenario, got str"),
    ("2.2", Scenario, "expected a springdrift.Scenario, got type"),
    ("2.2", Scenario("x", "y"), "yours has: none"),
    ("2.2", replace(RIGHT.workshop, laws=(JUMP,)), "it takes two laws"),
    ("2.2", world(trend=Walk("friction", 1e-4, (0.0, 0.03))), "yours has: Jump, Walk"),
    (
        "2.2",
        world(Jump("friction", (0.01, 0.02)), Trend("stiffness", (0.1, 0.2), (5.0, 15.0))),
        "the other way round",
    ),
    ("2.2", world(Jump("tilt", (0.4, 0.6))), "the wrong parameter"),
    ("2.2", world(Jump("stiffness", (3.0, 15.0), 3.0)), "a value from 6 to 15"),
    ("2.2", world(Jump("stiffness", (6.0, 15.0))), "see Jump.least"),
    ("2.2", world(trend=replace(TREND, either_way=True)), "shrinks in half of the episodes"),
    ("2.2", world(trend=replace(TREND, rate=(5e-4, 1e-3))), "0.00005 to 0.0001 a cycle"),
    ("2.2", world(trend=replace(TREND, bounds=(0.0, 0.1))), "never exceeds 0.03"),
    ("2.2", world(onset=(15, 50)), "begins in a cycle from 20 to 30"),
    ("2.2", world(gap=(40, 90)), "50 to 70 cycles apart"),
    ("2.2", world(cycles=200), "ends after 150 cycles, yours after 200"),
    ("2.2", world(cold_start=True), "leave cold_start at False, yours is True"),
    ("2.2", world(release_every=10), "leave release_every at 0, yours is 10"),
    ("2.2", world(noise=0.1), "leave noise at 0.006, yours is 0.1"),
    ("2.2", world(params=Params(friction=0.01)), "leave params.friction at 0.005, yours is 0.01"),
    ("2.3", lambda e, limit, run: str(RIGHT.first_lasting(e, limit, run)), "your function returned text"),
    ("2.3", counted, "a cycle below the limit starts the count anew"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run) or [run - 2])[0] - run + 1, "where the run begins"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit - 1e-9, run) or [-1])[0], "above the limit, not at it"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, 1) or [-1])[0], "without any patience"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run) or [-2])[0] + 1, "one cycle too late"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run + 1) or [-1])[0], "one cycle in a row too many"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run) or [-1])[0] + 1, "counted from 0"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run) or [-1])[-1], "the last lasting run"),
    ("2.3", lambda e, limit, run: (runs_of(e, limit, run) or [None])[0], "your function returns nothing"),
    ("2.3", lambda e, limit, run: runs_of(e, limit, run)[0], "your function raised IndexError"),
    ("2.3", lambda e, limit, run: np.asarray(e) > limit, "your function returned truth values"),
    ("2.3", lambda e, limit, run: 0, "keep a count"),
    ("2.4", "  ", "the string is empty"),
    ("2.4", ["SELECT 1"], "expected a string with a query, got list"),
    ("2.4", "SELEKT 1", 'near "SELEKT": syntax error'),
    ("2.4", "SELECT driver_key, count(*), avg(error) FROM measurements GROUP BY 1", "join the two"),
    ("2.4", "SELECT driver_key, count(*), avg(error) FROM drivers GROUP BY 1", "is that table in your FROM"),
    (
        "2.4",
        f"SELECT d.driver_key, count(*), avg(m.error) {JOIN} GROUP BY d.driver_key ORDER BY 3",
        "see ORDER BY",
    ),
    (
        "2.4",
        f"SELECT d.driver_key, count(*), avg(m.error) {JOIN} GROUP BY d.id ORDER BY 3 DESC",
        "group by driver_key",
    ),
    (
        "2.4",
        "SELECT driver, count(*), avg(error) FROM measurements GROUP BY driver ORDER BY 3 DESC",
        "follow it with a JOIN",
    ),
    (
        "2.4",
        "SELECT driver_key, count(*), avg(error) FROM measurements JOIN drivers GROUP BY 1 ORDER BY 3 DESC",
        "lacks its ON",
    ),
    (
        "2.4",
        f"SELECT driver_key, count(*), round(avg(error), 2) {JOIN} GROUP BY 1 ORDER BY 3 DESC",
        "rounding loses what is asked",
    ),
    ("2.5", matched(what="round(avg(m.error), 2)"), "rounding loses what is asked"),
    ("2.4", f"SELECT driver_key, count(*), sum(error) {JOIN} GROUP BY 1 ORDER BY 3 DESC", "take the mean"),
    (
        "2.4",
        f"SELECT driver_key, count(*), max(error) {JOIN} GROUP BY 1 ORDER BY 3 DESC",
        "the largest error",
    ),
    (
        "2.4",
        "SELECT driver_key, count(*), avg(error) FROM measurements JOIN drivers ON driver_key = driver "
        "GROUP BY 1 ORDER BY 3 DESC",
        "points to drivers.id",
    ),
    (
        "2.4",
        f"SELECT driver_key, count(DISTINCT d.id), avg(error) {JOIN} GROUP BY 1 ORDER BY 3 DESC",
        "counts rows of drivers",
    ),
    ("2.4", f"SELECT driver_key, count(*), avg(error) {JOIN}", "one row for each key"),
    ("2.4", f"SELECT driver_key, avg(error) {JOIN} GROUP BY 1", "expected 3 columns, your query returns 2"),
    (
        "2.4",
        f"SELECT driver_key, avg(error), count(*) {JOIN} GROUP BY 1 ORDER BY 2 DESC",
        "order that was asked",
    ),
    ("2.4", f"SELECT driver_key, count(*), 0.5 {JOIN} GROUP BY 1", "GROUP BY driver_key, and take"),
    ("2.4", f"SELECT driver_key, count(*), avg(error) {JOIN} WHERE cycle > 99 GROUP BY 1", "finds nothing"),
    (
        "2.4",
        f"SELECT driver_key, count(*), avg(error) {JOIN} WHERE driver_key > 0 GROUP BY 1",
        "expected 3 rows",
    ),
    ("2.4", f"SELECT 'key', count(*), avg(error) {JOIN} GROUP BY driver_key", "expected numbers"),
    ("2.4", f"SELECT driver_key, NULL, avg(error) {JOIN} GROUP BY driver_key", "there is a NULL"),
    ("2.4", f"SELECT id, count(*), avg(error) {JOIN} WHERE avg(error) > 1 GROUP BY 1", "WHERE or ON"),
    ("2.4", f"SELECT episode, 1, 1 {JOIN} JOIN models GROUP BY 1", "two of your tables"),
    ("2.5", matched(end="ORDER BY 1 DESC"), "the row with 0 comes first"),
    ("2.5", matched("f.driver_key <> d.driver_key"), "the wrong way round"),
    ("2.5", matched("f.row = d.id"), "compare the keys"),
    ("2.5", matched(on="f.version = m.model_version"), "join by episode and version"),
    ("2.5", matched(on="f.episode = m.episode"), "model_version tells which"),
    ("2.5", matched(fitted=FITTED.replace("w.episode = models.episode AND ", "")), "in every episode"),
    (
        "2.5",
        matched(fitted=FITTED.replace("coalesce(models.requested - 1, 0)", "models.requested - 1")),
        "NULL - 1",
    ),
    ("2.5", matched(fitted=FITTED.replace("requested - 1", "requested")), "is already fitted"),
    ("2.5", matched(fitted=FITTED.replace("coalesce(models.requested - 1, 0)", "deployed")), "went to work"),
    ("2.5", matched(what="sum(m.error)"), "take the mean"),
    ("2.5", RIGHT.error_by_driver, "the answer to exercise 2.4"),
    ("2.5", "SELECT 0, 1, 2 UNION SELECT 1, 2, 3", "start from measurements"),
    ("2.6", "SELECT effect, t % 24, avg(y) FROM measurements GROUP BY 1, 2", "effect is a column of drivers"),
    ("2.6", "SELECT effect, t % 24, avg(y) FROM drivers GROUP BY 1, 2", "no such column: t"),
    ("2.6", "SELECT effect, hour, avg(y) FROM drivers, measurements GROUP BY 1, 2", "no column of hours"),
    ("2.6", mean_day(on="d.driver_key = m.driver_key"), "known by two columns"),
    ("2.6", mean_day(on="1"), "lacks its ON"),
    ("2.6", mean_day(on="d.series_id = m.series_id"), "driver_key tells which"),
    ("2.6", mean_day(columns="d.driver_key, t % 24"), "group by the effect"),
    ("2.6", mean_day(columns="m.series_id, t % 24"), "you group by the series"),
    ("2.6", mean_day(where=""), "the first 23 days are still in it"),
    ("2.6", mean_day(where="WHERE t >= 23"), "t counts hours"),
    ("2.6", mean_day(where="WHERE t > 552"), "begin with hour 0"),
    ("2.6", mean_day(where="WHERE t < 552"), "to be left out"),
    ("2.6", mean_day(columns="effect, t / 24"), "numbers the days"),
    ("2.6", mean_day(columns="effect, t % 24 + 1"), "counted from 0"),
    ("2.6", mean_day("sum(m.y)"), "take the mean"),
    ("2.6", mean_day("avg(ifnull(m.y, 0))"), "is taken for a zero"),
    ("2.6", mean_day("sum(m.y) / count(*)"), "counts it, too"),
    ("2.6", mean_day("round(avg(m.y), 2)"), "rounding loses what is asked"),
    (
        "2.6",
        mean_day("avg(truth.y)", more="JOIN truth ON truth.series_id = m.series_id AND truth.t = m.t"),
        "nobody",
    ),
    ("2.6", mean_day(end="ORDER BY 2, 1"), "by the effect first"),
    ("2.6", mean_day(end="ORDER BY 1 DESC, 2"), "see ORDER BY"),
    ("2.6", mean_day(columns="t % 24, effect", end="ORDER BY 2, 1"), "order that was asked"),
    ("2.6", mean_day(where="WHERE t >= 552 AND effect > 0"), "expected 72 rows"),
    ("2.6", RIGHT.error_by_driver, "no such column: measurements.error"),
]


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_wrong_answers_get_their_hint(exercise, answer, hint):
    assert hint in hint_of(exercise, answer)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("DROP TABLE measurements", "only reading"),
        ("UPDATE measurements SET error = 0", "only reading"),
        ("PRAGMA query_only = OFF", "only reading"),
        ("ATTACH 'other.db' AS other", "only reading"),
        ("SELECT load_extension('anything')", "SQLite says"),
        ("SELECT 1, 2, 3; DROP TABLE drivers", "write one query only"),
        (
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n",
            "runs too long",
        ),
        (
            "SELECT count(*), 1, 1 FROM measurements a, measurements b, measurements c, measurements d",
            "too long",
        ),
        ("SELECT zeroblob(1000000000), 1, 1", "too big"),
        ("SELECT zeroblob(9000), 1, 1 FROM measurements a, measurements b", "expected numbers"),
        ("SELECT '\0'", "SQLite says"),
        ("SELECT '\ud800'", "SQLite says"),
        ("SELECT " + "(" * 5000, "SQLite says"),
    ],
)
def test_queries_cannot_do_harm(query, hint):
    assert hint in hint_of("2.4", query)


EARLIER = "WITH f AS (SELECT * FROM {}) ".format(FITTED[: -len(" f")])


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("2.1", ("wear", "ABRUPT ", "faulty-sensor", "gradual")),
        ("2.1", ("wear", "abrupt", "faulty_sensor", "gradual")),
        ("2.1", ("wear", "abrupt", "Faulty sensor", "gradual")),
        ("2.1", np.array(["wear", "abrupt", "faulty-sensor", "gradual"])),
        ("2.1", {"A": "wear", "b": "abrupt", "C": "faulty-sensor", "D": "gradual"}),
        ("2.2", world(summary="an old one", remedy="retrain", params=Params(), noise=0.006)),
        ("2.2", replace(RIGHT.workshop, name="barn", laws=(TREND, JUMP))),
        ("2.2", world(trend=Trend("friction", (5e-5, 1e-4), (0.004, 0.03)), params=Params())),
        ("2.3", lambda errors, limit, run: (runs_of(errors, limit, run) or [-1])[0]),
        ("2.3", lambda errors, limit, run: np.array((runs_of(errors, limit, run) or [-1])[0])),
        (
            "2.4",
            "select driver_key k, sum(1), sum(error) / count(*) e from drivers, measurements "
            "where drivers.id = driver group by k order by e desc;",
        ),
        (
            "2.4",
            "SELECT k, count(*), avg(error) FROM (SELECT error, "
            "(SELECT driver_key FROM drivers WHERE id = driver) AS k FROM measurements) "
            "GROUP BY k ORDER BY avg(error) DESC",
        ),
        ("2.5", matched()),
        (
            "2.5",
            f"{EARLIER} SELECT f.driver_key = d.driver_key AS same, count(*), avg(error) {JOIN} "
            f"JOIN f ON {BOTH} GROUP BY same",
        ),
        ("2.5", matched("CASE WHEN f.driver_key = d.driver_key THEN 1 ELSE 0 END", end="")),
        ("2.5", matched("abs(f.driver_key - d.driver_key) < 0.5")),
        (
            "2.5",
            matched(fitted=FITTED.replace("coalesce(models.requested - 1, 0)", "ifnull(requested, 1) - 1")),
        ),
        ("2.6", mean_day()),
        ("2.6", mean_day("sum(y) / count(y)", where="WHERE t / 24 > 22")),
        (
            "2.6",
            "SELECT effect, t - t / 24 * 24 AS hour, avg(y) FROM measurements JOIN drivers "
            "USING (series_id, driver_key) WHERE t >= 23 * 24 GROUP BY effect, hour",
        ),
        (
            "2.6",
            "SELECT effect, t % 24, avg(y) FROM drivers NATURAL JOIN measurements WHERE t > 551 AND "
            "y IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2",
        ),
    ],
)
def test_right_answers_pass_however_they_are_written(exercise, answer):
    verdict = check(exercise, answer)
    assert verdict, verdict.message


def test_the_hidden_runs_hold_only_what_a_run_file_may_hold():
    db = hidden_runs()
    db.set_authorizer(None)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT count(*) FROM measurements").fetchone()[0] == 84
    twice = db.execute("SELECT count(*) FROM drivers GROUP BY driver_key").fetchall()
    assert all(count == 2 for (count,) in twice)
    db.close()


def test_the_hidden_series_hold_only_what_a_file_may_hold():
    db = hidden_series()
    db.set_authorizer(None)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT count(*) FROM measurements WHERE y IS NULL").fetchone()[0] > 50
    db.close()


def test_the_hidden_runs_cannot_be_written():
    db = hidden_runs()
    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        db.execute("DELETE FROM measurements")
    db.close()


def test_the_strangers_show_the_symptoms_that_their_clues_name():
    found = strangers()
    assert list(found) == ["A", "B", "C", "D"]
    errors = {letter: error for letter, (error, _) in found.items()}
    swings = {letter: swing for letter, (_, swing) in found.items()}
    assert errors["A"].max() < 0.25
    assert swings["A"][-1] < 0.2
    assert np.abs(np.diff(errors["B"])).max() > 0.5
    assert np.median(errors["C"]) < 0.1 < 1.0 < errors["C"].max()
    assert np.abs(swings["C"][20:] - 1).max() < 0.2
    assert errors["D"][-40:].mean() > 0.8
