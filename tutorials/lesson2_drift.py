# %% [markdown]
# # Lesson 2: Drift
#
# **Goal.** See each way in which the world of the machine can change, and two ways in which it only seems
# to. Then look at what is hidden: find the hidden driver of a forecast error with a foreign key and a
# bit of SQL.
#
# **You need** lesson 1, and `pip install "springdrift[cli,render]"`. Of SQL you need nothing beforehand.
#
# **Time** about 95 minutes: 45 to read and run it, 50 for the exercises. The first half (to exercise 2.3)
# stands on its own: stop there if you have an hour.

# %%
import sqlite3
import tempfile
from pathlib import Path

import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np

from springdrift import SCENARIOS, TERMS, Jump, Scenario, Seasonal, Shock
from springdrift.incline.reward import TARGET
from springdrift.render.view import FAINT, GOOD, HIDDEN, INK, MODEL
from springdrift.series import SCENARIOS as SERIES
from springdrift.series.export import export, tables_of
from springdrift_agents.course import FAST, check, total
from springdrift_agents.course.materials import strangers
from springdrift_agents.course.run_files import copy_of, record, show
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.play.inline import inline
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import error_of, sense

WORLDS = 100 if FAST else 1000  # for means over worlds
RECORDED = 4 if FAST else 20  # episodes that are kept cycle by cycle

# %% [markdown]
# ## 1. A gallery of drifting worlds
#
# *Drift* means: the world that a model was fitted on is no longer the world it works in. The machine of
# lesson 1 can drift in many ways. A **scenario** is one kind of world; the course has fifteen. Nobody
# touches the machine in this section: the rule `never` always waits, so we see what drift does when it is
# left alone.
#
# An *episode* is 200 cycles. After each cycle the environment hands over an observation (what an operator
# sees) and `info["truth"]` (what no operator sees: the true stiffness, friction and so on). Let us record
# both.


# %%
def live(scenario, rule="never", seed=5):
    """One episode, as arrays by name: the truth, what the operator saw, and the cost of each cycle."""
    env = gym.make("springdrift/InclinedMass-v0", scenario=scenario)
    operator, memory = policy(rule), None
    observation, _ = env.reset(seed=seed)
    rows, over = [], False
    while not over:
        action, memory = operator.predict(observation, memory)
        observation, reward, over, _, info = env.step(action)
        seen = {"seen_error": error_of(sense(observation, "error")), "cost": -reward}
        rows.append({**info["truth"], **seen})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


names = [name for name in SCENARIOS if name != "mix"]  # mix draws one of the others
worlds = {name: live(name) for name in names}
print(
    "what info['truth'] holds:",
    ", ".join(name for name in worlds["abrupt"] if name[:4] not in ("seen", "cost")),
)

# %%
moving = {"stiffness": 9.87, "friction": 0.005, "tilt": 0.524, "magnet": 1.0, "drive": 0.0}  # as built
rows = len(names)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(rows, 3, figsize=(10, 0.95 * rows), sharex=True)
for row, (name, world) in zip(axes, worlds.items(), strict=True):
    changed = [key for key, start in moving.items() if np.ptp(world[key]) > 0.05 * (start or 1.0)]
    changed += [key for key in ("shock", "faults") if world[key].any()]
    shown = (*changed, "stiffness")[0]
    row[0].plot(world[shown], color=HIDDEN, linewidth=1)
    row[0].margins(y=0.4)
    row[0].text(0.02, 0.97, shown, transform=row[0].transAxes, fontsize=7, color=HIDDEN, va="top")
    row[1].plot(np.minimum(world["seen_error"], 3), color=MODEL, linewidth=1)
    row[1].set_ylim(0, 3.1)
    row[2].plot(world["swing"] / TARGET, color=GOOD, linewidth=1)
    row[2].set_ylim(0, 2.1)
    row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    for axis in row:
        axis.tick_params(labelsize=6, colors=FAINT, length=2)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
for axis, title in zip(
    axes[0], ("what really changed", "forecast error", "swing, of its target"), strict=True
):
    axis.set_title(title, loc="left", fontsize=9, color=INK)
for axis in axes[-1]:
    axis.set_xlabel("cycle", fontsize=8, color=FAINT)
figure.tight_layout(h_pad=0.3)
plt.show()

# %% [markdown]
# Take your time with this picture. Some things to look for:
#
# - `abrupt`: the truth is a staircase, and so is the error. The next step of the staircase may lead back
#   to where the model was right, and then the error is gone, without anybody having done anything.
# - `gradual`: no step anywhere. The error creeps up; there is no moment at which it "happened".
# - `wear` and `fade`: the **error stays low**, and the swing dies all the same. The model is right. It is
#   the machine that needs more force than the controller gives.
# - `faulty-sensor`: the error has spikes, and afterwards all is as before. `shock` has them too, small
#   ones, and the swing wobbles a little after each kick.
# - `chaos`: the error never ends, and nothing has changed at all. The motion itself cannot be forecast
#   for long.
# - `poc`: a *proof of concept*, forty cycles only. It starts with no fitted model.
#
# What does it cost to look on? A cycle costs up to 0.6 for a wrong forecast and up to 3 for a swing off
# target. Pushing by hand costs 0.6 and a retraining 3; nobody does either here.

# %%
looking_on = policy("never")
for name in names:
    terms = evaluate(looking_on, name, world_seeds("evaluation", 0, WORLDS)).terms.mean(axis=0)
    shares = ", ".join(f"{term} {cost:6.1f}" for term, cost in zip(TERMS[:2], terms[:2], strict=True))
    print(f"{name:14} {shares}   {SCENARIOS[name].summary}")

# %% [markdown]
# Now four strange worlds, all left alone. Each is one of `abrupt`, `gradual`, `wear`, `shock` and
# `faulty-sensor` (one of them does not appear).

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 4, figsize=(11, 2.4), sharey=True)
for axis, (letter, (error, swing)) in zip(axes, strangers().items(), strict=True):
    axis.plot(np.minimum(error, 2.4), color=MODEL, linewidth=1, label="forecast error")
    axis.plot(swing, color=GOOD, linewidth=1, label="swing, of its target")
    axis.set_title(letter, loc="left", fontsize=10)
    axis.set_xlabel("cycle", fontsize=8)
axes[0].legend(frameon=False, fontsize=7)
plt.show()

# %% [markdown]
# ### Exercise 2.1: Who did it? (1 point)
#
# Name the four worlds from their symptoms, as an operator would have to.

# %%
culprits = ...  # your answer, a list of four names in the order A, B, C, D

# %%
check("2.1", culprits)

# %% [markdown]
# ## 2. Drift laws are data
#
# How is such a world made? A scenario is a list of **laws**, and a law says what moves which parameter.

# %%
for name in ("abrupt", "gradual", "wear", "tilt", "recurring"):
    print(f"{name}:")
    for law in SCENARIOS[name].laws:
        print("   ", str(law)[:150])

# %% [markdown]
# The literature has names for these shapes, and you will meet them in every paper on *concept drift*:
#
# | name in the literature | law here | in production |
# | --- | --- | --- |
# | sudden (abrupt) drift | `Jump` | a new tax, a changed form, a supplier swapped overnight |
# | gradual, incremental drift | `Walk`, `Trend` | tastes change, a sensor ages |
# | recurring contexts | `Recurring` | holidays, a promotion, the night shift |
# | a season of its own | `Seasonal` | summer and winter |
# | no drift at all: noise | `Shock`, `Outlier`, `Dropout` | a one-off event, a faulty feed |
#
# When changes happen is data as well: `onset` is the range for the first cycle of drift, `gap` the range
# for the cycles between two abrupt changes. For each episode, numbers are drawn from these ranges. So one
# scenario is a whole family of worlds, and a seed picks one of them. Here is a world of our own.

# %%
mine = Scenario(
    "mine",
    "the spring is swapped now and then, the slope has a season, and somebody bumps into the machine",
    laws=(Jump("stiffness", (7.0, 13.0), 2.0), Seasonal("tilt", 0.03, 50), Shock(0.02, 0.2)),
    onset=(10, 30),
    gap=(40, 60),
)
lived = {seed: live(mine, seed=seed) for seed in (1, 2, 3)}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(10, 2.4))
for (seed, world), colour in zip(lived.items(), (MODEL, HIDDEN, GOOD), strict=True):
    axes[0].plot(world["stiffness"], color=colour, linewidth=1.2, label=f"seed {seed}")
    axes[1].plot(np.degrees(world["tilt"]), color=colour, linewidth=1.2)
axes[0].set_title("stiffness, N/m", loc="left", fontsize=9)
axes[1].set_title("tilt, degrees", loc="left", fontsize=9)
axes[0].legend(frameon=False, fontsize=7)
plt.show()

# %% [markdown]
# ### Exercise 2.2: A world of your own (2 points)
#
# Write a `Scenario` for a machine that an old workshop might have:
#
# - at each change the stiffness jumps to a value from 6 to 15 N/m, at least 3 N/m from where it was;
# - the friction grows by 0.00005 to 0.0001 a cycle (drawn once for each episode), and never exceeds 0.03;
# - the drift begins in a cycle from 20 to 30, and abrupt changes are 50 to 70 cycles apart;
# - the episode ends after 150 cycles. `help(Scenario)` and `help(Jump)` explain the fields; `Trend` has to
#   be imported from `springdrift` first. Name and summary are yours.


# %%
workshop = ...  # your answer: Scenario(...)

# %%
check("2.2", workshop)

# %% [markdown]
# ## 3. The same world for everybody
#
# Which of two rules is better? In reality a company can try only one of them, on the one future that
# happens. Here each can be tried on *the same* future. All that the world draws depends on the seed and
# the cycle alone, never on what the operator does. These are **common random numbers**.

# %%
alone, pushed = live("abrupt", "never", seed=3), live("abrupt", "always", seed=3)
print("same stiffness in every cycle:", bool((alone["stiffness"] == pushed["stiffness"]).all()))
print("same swing in every cycle:    ", bool((alone["swing"] == pushed["swing"]).all()))

# %% [markdown]
# The cause is the same, the effect differs: just what a fair experiment needs. How much it helps can be
# measured. Compare two rules that retrain, one a little earlier than the other, over many worlds of
# `gradual`.

# %%
seeds = world_seeds("evaluation", 0, WORLDS)
early, late = (evaluate(policy(f"threshold:error={e}"), "gradual", seeds).cost for e in (0.6, 0.8))
print(f"costs: {early.mean():.1f} and {late.mean():.1f}, difference {(late - early).mean():+.1f}")
print(
    f"standard deviation of a cost, from world to world: {early.std(ddof=1):.1f} and {late.std(ddof=1):.1f}"
)
print(f"of the difference on the same world:               {(late - early).std(ddof=1):.1f}")
print(
    f"of the difference if each had worlds of its own:   {np.hypot(early.std(ddof=1), late.std(ddof=1)):.1f}"
)

# %% [markdown]
# Much of what a rule costs is decided by the luck of the world, and that luck is the same for both rules.
# It cancels in the difference, which scatters only about a third as much. Without common random numbers
# it would take some eight times as many worlds to see the difference equally well. Lesson 7 makes a whole
# method of this.
#
# ## 4. Looks like drift, is not
#
# Four machines. One has drifted, one got a kick, one has a sensor that gave wrong values, and one has a
# sensor that froze. Look at the raw measurements around the event. `signals` is the observation with the
# last 32 measurements and forecasts.


# %%
def waves(scenario, seed, event):
    """Measurements and ghost around the first cycle in which ``event`` holds, m off the old middle."""
    env = gym.make("springdrift/InclinedMass-v0", scenario=scenario, observe="signals")
    env.reset(seed=seed)
    measured, ghost, when = [], [], None
    for cycle in range(200):
        signals, _, over, _, info = env.step(0)
        measured.extend(1.5 * signals[24:32])
        ghost.extend(1.5 * signals[56:64])
        if when is None and cycle >= 10 and event(info["truth"]):
            when = cycle
        if over or (when is not None and cycle == when + 4):
            break
    start = 8 * (when - 2)
    moments = (np.arange(start, len(measured)) + 1) / 8 - when
    return moments, np.array(measured[start:]), np.array(ghost[start:])


events = (
    ("abrupt", 3, lambda truth: truth["last_change"] >= 0, "the spring has changed"),
    ("shock", 1, lambda truth: abs(truth["shock"]) > 0.2, "a kick"),
    ("faulty-sensor", 1, lambda truth: truth["faults"] == 1, "a measurement that lies"),
    ("faulty-sensor", 3, lambda truth: truth["faults"] > 4, "a sensor that freezes"),
)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 4, figsize=(12, 2.6), sharey=True)
for axis, (name, seed, event, title) in zip(axes, events, strict=True):
    moments, measured, ghost = waves(name, seed, event)
    axis.axvspan(0, 1, color="#f0e6f0", zorder=0)
    axis.plot(moments, measured, "o", color=INK, markersize=3, label="measured")
    for cycle in range(-2, 5):
        part = (moments > cycle) & (moments <= cycle + 1)
        axis.plot(
            moments[part], ghost[part], color=MODEL, linewidth=1.2, label="ghost" if cycle == -2 else None
        )
    axis.set_title(title, loc="left", fontsize=9)
    axis.set_xlabel("cycles since the event", fontsize=8)
axes[0].legend(frameon=False, fontsize=7, loc="upper left", ncols=2)
axes[0].set_ylim(-0.75, 0.85)
plt.show()

# %% [markdown]
# In the cycle of the event (shaded) something is wrong with all four, with the kick only a little. The
# difference comes *afterwards*. The drifted machine stays wrong. After the kick the mass swings
# differently, but by the same laws: the model is right again one cycle later. The wrong value is a single
# point, the freeze a flat line; the mass never was there. The next ghost may start from the wrong value and
# be wrong once more. Then all is well.
#
# So one bad cycle proves nothing, and time tells them apart. But a retraining that is asked for at once
# learns from the wrong value: the window of six cycles contains it. Alarms without drift are the rule in
# production. A data feed fails for a moment far more often than the world changes.

# %% [markdown]
# ### Exercise 2.3: Does it last? (2 points)
#
# The simplest remedy is patience. Write a function that returns the index of the cycle in which the error
# has been *above* `limit` for `run` cycles in a row, for the first time: the cycle in which a patient
# operator may sound the alarm. Return -1 if that never happens.


# %%
def first_lasting(errors, limit, run):
    """First cycle (an index) that ends ``run`` cycles in a row with an error above ``limit``; else -1."""
    ...  # your answer


# %%
check("2.3", first_lasting)

# %% [markdown]
# Patience has its price: a real change is noticed `run - 1` cycles later. How much patience is right?
# That is the question of lesson 3.
#
# ## 5. Hidden drivers
#
# In the scenario `recurring`, the stiffness and the tilt jump together, again and again, and after a
# while old pairs of values come back. Watch one change with the truth uncovered.

# %%
inline("never", "recurring", seed=4, cycles=(28, 32 if FAST else 45), truth=True)

# %% [markdown]
# What the operator sees are two parameters that move. What happens is simpler: *one* thing changes, a
# **hidden driver** with the number `driver_key`, and each number stands for a row of a small table. In
# production such a driver is a promotion, a shift, a supplier: the forecast model has never heard of it,
# and yet some table in some other system knows all about it.
#
# Connect the two tables, and the question is answered. That is what a **foreign key** is for: a column that
# holds the number of a row in another table. `springdrift compare --db runs.db --record 20` writes such a
# database. Here we write one from Python: some episodes of `never` in `recurring`, kept cycle by cycle.
# In the end we take a copy in memory, so nothing you try can break the file.


# %%
runs = record("never", "recurring", RECORDED)
show(runs, "SELECT * FROM drivers")
print()
show(
    runs,
    "SELECT episode, cycle, model_version, driver, error, swing FROM measurements WHERE cycle < 4",
)

# %% [markdown]
# Three of the tables matter here:
#
# | table | a row for each | columns |
# | --- | --- | --- |
# | `measurements` | cycle of an episode | `episode`, `cycle`, `model_version`, `driver`, `error`, … |
# | `drivers` | state of the world | `id`, `driver_key`, `stiffness`, `friction`, `tilt`, … |
# | `models` | model that was deployed | `episode`, `version`, `requested`, `deployed` |
#
# `measurements.driver` is the **foreign key**: the `id` of the row in `drivers` that was in force in that
# cycle. The database guards it. A row that points to a driver that does not exist is refused:


# %%
runs.execute("PRAGMA foreign_keys = ON")  # SQLite wants to be asked; many companies never do
try:
    runs.execute("UPDATE measurements SET driver = 999 WHERE cycle = 0")
except sqlite3.IntegrityError as refused:
    print("refused:", refused)

# %% [markdown]
# ### As much SQL as you need
#
# | piece | what it does |
# | --- | --- |
# | `SELECT a, b FROM t` | these columns of all rows of table `t` |
# | `WHERE cycle > 20` | only rows for which this holds |
# | `avg(x)`, `count(*)` | the mean of a column, the number of rows |
# | `GROUP BY a` | one row of the answer for each value of `a`; means and counts are taken within |
# | `ORDER BY b DESC` | sorted, the largest first (without `DESC`: the smallest) |
# | `JOIN u ON u.id = t.driver` | put beside each row of `t` the row of `u` whose `id` is in `t.driver` |
#
# The `ON` is the foreign key followed home. Forget it, and every row is paired with every other. A first
# join: how large was the swing under each stiffness? (The first ten cycles, in which the machine swings
# up, are left out.)

# %%
show(
    runs,
    """
    SELECT drivers.stiffness, count(*) AS cycles, avg(measurements.swing) AS swing
    FROM measurements JOIN drivers ON drivers.id = measurements.driver
    WHERE measurements.cycle >= 10
    GROUP BY drivers.stiffness
    ORDER BY drivers.stiffness
    """,
)

# %% [markdown]
# ### Exercise 2.4: Explain the error by the driver (2 points)
#
# Write a query that returns one row for each `driver_key`, with three columns: the key, the number of
# cycles in which it was in force, and the mean forecast error in these cycles. The key with the largest
# mean error comes first. (Your query is also run on another database with the same tables. There, a key
# may have several rows in `drivers`, because the friction was worn as well.)

# %%
error_by_driver = ...  # your answer, a string: """SELECT ..."""

# %%
check("2.4", error_by_driver)

# %%
if isinstance(error_by_driver, str):
    show(runs, error_by_driver)

# %% [markdown]
# One number explains nearly everything. Under key 0, under which the only model was fitted, the error is
# below 0.1. Under key 3, whose spring is not far from the learnt one, it is five or six times as large.
# Under the keys 1 and 2 it is above 1: worse than always saying "in the middle".
#
# So are the keys 1 and 2 *bad*? Careful. Let the rule `threshold` work instead, which retrains when the
# error is high.

# %%
managed = record("threshold", "recurring", RECORDED)
show(
    managed,
    """
    SELECT drivers.driver_key, count(*) AS cycles, avg(measurements.error) AS error
    FROM measurements JOIN drivers ON drivers.id = measurements.driver
    GROUP BY drivers.driver_key
    """,
)

# %% [markdown]
# Now the keys are much closer together. It was never the driver that made the error, it was the
# *mismatch*: a model fitted under one driver, at work under another. To see that, we must know under
# which driver each model was fitted. A model's request is in `models.requested`, and it was fitted on the
# cycles *before* the request. Version 0 has no request (`NULL`): it was fitted before cycle 0.
# `coalesce(x, 0)` is `x`, or 0 if `x` is `NULL`. A model is known by *two* columns, episode and version,
# so it takes two conditions to join it.

# %%
show(
    managed,
    """
    SELECT models.episode, models.version, models.requested, drivers.driver_key AS fitted_under
    FROM models
    JOIN measurements ON measurements.episode = models.episode
                     AND measurements.cycle = coalesce(models.requested - 1, 0)
    JOIN drivers ON drivers.id = measurements.driver
    """,
)

# %% [markdown]
# ### Exercise 2.5: Explain the error by the mismatch (3 points)
#
# Write a query with two rows and three columns: 0 or 1 for "the driver in force has another / the same
# `driver_key` as the one under which the model at work was fitted", the number of such cycles, and their
# mean forecast error. The row with 0 comes first. (In SQL `a = b` is 0 or 1, and may stand in a `SELECT`.
# A query in brackets can be joined like a table: `JOIN (SELECT ...) AS fitted ON ...`.)

# %%
error_by_match = ...  # your answer, a string

# %%
check("2.5", error_by_match)

# %%
if isinstance(error_by_match, str):
    show(managed, error_by_match)

# %% [markdown]
# This is the most useful table of the lesson. The foreign key turned "the error goes up and down" into
# "the error is high while a model of one regime works in another". A company that has the key can do
# better than any detector: it can keep a model for each driver and swap them when the key changes. An
# operator without the key has to guess the change from the error. That is the next lesson.

# %% [markdown]
# ## 6. The same in a real table of measurements
#
# The machine is a picture of something else: of a **time series** with a forecast model at work. springdrift
# has that world, too (lesson 9 plays in it). Its series are made with hidden drivers, and `springdrift
# series driver` writes one of them as a database, as a company would keep it.

# %%
with tempfile.TemporaryDirectory() as folder:
    (file,) = export(tables_of(SERIES["driver"], seed=0), Path(folder) / "series.db")
    series = copy_of(file)

show(series, "SELECT * FROM measurements", most=3)
print()
show(series, "SELECT series_id, driver_key, effect FROM drivers")
print()
refers = """SELECT "from" AS "column", "table" AS refers_to, "to" AS its_column"""
show(series, f"{refers} FROM pragma_foreign_key_list('measurements')")

# %% [markdown]
# `t` counts hours, and `y` is what was measured; it is `NULL` where a measurement is missing. The last table
# is the database's own answer to the question "what refers to what?". Here a driver is known by **two**
# columns, since a file may hold several series, and key 3 of one is not key 3 of another.
#
# Twenty days of it. On some of them something is different. Can you say what?

# %% tags=["hide-input"] jupyter={"source_hidden": true}
hours, level = np.array(series.execute("SELECT t, y FROM measurements ORDER BY t").fetchall(), float).T
figure, axis = plt.subplots(figsize=(10, 2.4), layout="constrained")
part = (hours >= 24 * 45) & (hours < 24 * 65)
axis.plot(hours[part] / 24, level[part], color=INK, linewidth=1)
axis.set_xlabel("day", fontsize=8)
axis.set_ylabel("y", fontsize=8)
axis.set_xticks(range(45, 66))
axis.tick_params(labelsize=7)
axis.grid(axis="x", color="#e5e7eb", linewidth=0.6)
plt.show()

# %% [markdown]
# ### Exercise 2.6: The key of a series (2 points)
#
# What does the driver do to a day? Write a query for the **mean day** under each effect: one row for each
# `effect` and each hour of the day, which is `t % 24` (the remainder of a division by 24). The columns are
# the effect, the hour and the mean measurement, sorted by effect, then by hour. The first 23 days of the
# file are left out: they are the history from which the first model was made. (Several keys may have the
# same effect. The other database, on which your query is also run, holds two series.)

# %%
mean_day = ...  # your answer, a string

# %%
check("2.6", mean_day)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
if isinstance(mean_day, str):
    days = {}
    for effect, hour, mean in series.execute(mean_day).fetchall():
        days.setdefault(effect, []).append((hour, mean))
    figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
    for (effect, day), colour in zip(days.items(), (INK, HIDDEN, GOOD), strict=False):
        axis.plot(*zip(*day, strict=True), "o-", markersize=3, color=colour, label=f"effect {effect:g}")
    axis.set_xlabel("hour of the day")
    axis.set_ylabel("mean of y")
    axis.legend(frameon=False)
    plt.show()

# %% [markdown]
# Your query draws the answer. Without the driver a day has its peak in the early morning. With it the peak
# comes in the afternoon, and it is twice as high. No column of `measurements` says why. One JOIN does: the
# visits of the driver, which a forecast model has to guess, stand in a table.
#
# %%
total(2)

# %% [markdown]
# ## Take away
#
# Drift comes as a jump, as a walk, as a trend, or as a regime that returns; each has its own picture in the
# forecast error and the swing. High error with a good model (kicks, wrong values of a sensor) passes by
# itself, and a swing that gets smaller while the error is small is no case for retraining. Scenarios are
# data, and common random numbers give every rule the same world. Behind a drift there is often a driver
# that some other table knows: follow the foreign key, and look for the mismatch between the world a model
# was fitted in and the world it works in.
