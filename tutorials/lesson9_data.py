# %% [markdown]
# # Lesson 9: Your own data
#
# **Goal.** Leave the machine and meet the thing itself: forecasts of real series that grow stale. Read a
# staleness matrix, find the best schedule there is, and get advice on a series of your own.
#
# **You need** lesson 2 (JOIN), lesson 4 (the square-root calendar), lesson 7 (paired differences), and
# `pip install "springdrift[cli,render]"`. In the first run a minute goes into compiling the series world.
#
# **Time** about 85 minutes: 45 to read and run it, 40 for the exercises. The first half (to exercise 9.4)
# is about series that ship with springdrift, the second about your own.

# %%
import csv
import sqlite3
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from springdrift import SERIES_ID
from springdrift.series import RECORDINGS, SCENARIOS, Recording, SeriesWorld, best_calendar, load, optimum
from springdrift.series.export import export, tables_of
from springdrift.series.optimum import calendar
from springdrift_agents.advise import Monitor, advise
from springdrift_agents.advise.charts import timeline
from springdrift_agents.advise.report import as_html
from springdrift_agents.advise.summary import as_text
from springdrift_agents.course import FAST, check, total
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.registry import policy

INK, MODEL, GOOD, HAND = "#1f2933", "#2f6fb0", "#2e7d4f", "#b4690e"
SLICES = 3 if FAST else 16  # of a recording, for means
CYCLES = 120 if FAST else 365  # of the sun

# %% [markdown]
# ## 1. The same game, on the sun
#
# All that you know of the machine holds for any forecast at work:
#
# | the machine | a forecast at work |
# | --- | --- |
# | swing of the mass | the series |
# | a cycle of 2 s | one season: a day, a week, a turn of the sun |
# | the model that drives the magnet | the deployed forecast model |
# | push by hand | serve a safe baseline instead: what was measured a season ago |
# | retrain | fit the model on the last seasons, and deploy it some cycles later |
#
# springdrift ships eight recorded series for this game. Here is one that has been measured every day
# since 1957: how bright the sun is in radio waves of 10.7 cm. Satellite operators forecast it, since a
# bright sun makes the upper air denser and brakes their satellites. The sun turns once in 27 days. That
# is the season, and one cycle.

# %%
print("recordings:", ", ".join(RECORDINGS))
sun = load("solar-flux")
print(f"{sun.summary}: {sun.length} cycles of {sun.period} days; what drifts: {sun.drifts}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(10, 2.4), layout="constrained")
years = 1957.75 + np.arange(sun.y.size) / 365.25
axis.plot(years, sun.y.ravel(), color=INK, linewidth=0.4)
axis.set_ylabel(sun.unit, fontsize=8)
axis.set_ylim(0, 400)
plt.show()

# %% [markdown]
# (A few bursts leave the picture.) The slow wave is the sun's cycle of eleven years. A model that was
# fitted in a quiet year has never seen a wild one.
#
# ## 2. Every model in every cycle: the staleness matrix
#
# On the machine, your decisions change what happens next. Here they do not: the sun does not care which
# model you serve. So every model that could *ever* be asked for can be fitted once, and its error in
# every later cycle is a table. Row i is the model that was fitted as cycle i began; column t is cycle t.
# This is the **staleness matrix**.


# %%
def episode(source, cycles):
    """An episode on a series: its costs and rules, and its staleness matrix, (cycles, cycles)."""
    world = SeriesWorld(1, source, cycles=cycles)
    world.seed(np.zeros(1, int), np.zeros(1, np.uint64))
    world.begin(np.ones(1, bool))
    problem = world.problem()
    here = slice(problem.start, problem.start + cycles)
    return problem, world.tables[0].matrix()[here, here]


problem, errors = episode("solar-flux", CYCLES)
print("the model fitted as cycle 30 begins, in cycles 30, 50 and 100:", errors[30, [30, 50, 100]].round(1))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(6.4, 5), layout="constrained")
shown = axis.imshow(errors, cmap="cividis", vmax=np.nanpercentile(errors, 98))
axis.set_xlabel("served in cycle")
axis.set_ylabel("fitted as cycle … begins")
figure.colorbar(shown, label=f"error, {sun.unit}")
plt.show()

# %% [markdown]
# Read it like a map:
#
# - The **diagonal** is a model in its first cycle. To the right of it the same model grows older.
# - A **row** is the life of one model. Light stretches are times in which it is useless.
# - A **column** is one cycle, with all the models that one could have served in it.
# - There is nothing below the diagonal: nobody can serve a model that is not fitted yet.
#
# The light squares are the message of this picture. A model can be bad for three years and then be *good
# again*, without anybody having touched it, because the sun has become what it was.
#
# ### Exercise 9.1: How a model ages (1 point)
#
# How much worse does a model get with age, on average? Return an array with the mean error at age 0 (the
# cycle for which a model was fitted), at age 1, and so on, up to age `most`. The cells below the diagonal
# are nan.

# %%


def error_by_age(matrix, most):
    """Mean error of all models at each age from 0 to most, an array of most + 1 numbers."""
    ...  # your answer


# %%
check("9.1", error_by_age)

# %% [markdown]
# ## 3. Why squares? Ask the key
#
# Such squares have a reason. Take a series that springdrift made itself, with a hidden driver as in
# lesson 2. A JOIN says what each key stands for, and when it was in force.

# %%
made_up = Recording.generated(SCENARIOS["recurring"], seed=2)
with tempfile.TemporaryDirectory() as folder:
    (file,) = export(tables_of(SCENARIOS["recurring"], seed=2), Path(folder) / "series.db")
    database = sqlite3.connect(file)
    rows = database.execute(
        """
        SELECT driver_key, lag, effect, amplitude, min(t) / 24 AS first_day, count(*) / 24 AS days
        FROM measurements JOIN drivers USING (series_id, driver_key)
        GROUP BY driver_key
        """
    ).fetchall()
    by_day = database.execute("SELECT driver_key FROM measurements WHERE t % 24 = 0 ORDER BY t").fetchall()
    database.close()
for key, lag, effect, size, first, days in rows:
    print(
        f"key {key}: lag {lag:5.2f}, effect {effect:4.1f}, amplitude {size:.1f}; {days:3} days from {first}"
    )

# %% [markdown]
# Now the staleness matrix of that series, with the changes of the key drawn in. (A model that is fitted
# as a day begins was made under the key of the day before.)

# %%
_, mismatch = episode(made_up, 200)
keys = np.ravel(by_day)[-200:]  # before these lies the history of the first model
made_under, in_force = np.r_[keys[0], keys[:-1]], keys

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(6, 4.6), layout="constrained")
shown = axis.imshow(mismatch, cmap="cividis", vmax=np.nanpercentile(mismatch, 98))
changes = np.flatnonzero(np.diff(keys)) + 1
for change in changes:
    axis.plot([change - 0.5] * 2, [-0.5, change], color="white", linewidth=0.8)
    axis.plot([change, len(keys) - 1], [change - 0.5] * 2, color="white", linewidth=0.8)
for start in (0, *changes):
    axis.text(start + 2, -4, f"key {keys[start]}", fontsize=8)
axis.set_xlabel("served on day")
axis.set_ylabel("fitted as day … begins")
figure.colorbar(shown, label="error")
plt.show()

# %% [markdown]
# The squares are those of the keys. And look at the dark strips just after a change: the window of 14
# days of such a model held days of both keys. It has seen the season move, so it copies the day before
# rather than trust a season, and is decent under every key.
#
# ### Exercise 9.2: The key behind the squares (2 points)
#
# Fold the matrix into a small table: the mean error of all models that were made under key a, in all
# cycles in which key b was in force. `made` holds the key under which each row's model was made, `served`
# the key in force in each column. Return an array whose row is a and whose column is b, for the keys 0,
# 1, 2, … (Leave the nan below the diagonal out. Every pair that you are tested with occurs.)

# %%


def error_by_pair(matrix, made, served):
    """Mean error for each pair of keys, (keys, keys): made under the row's, served under the column's."""
    ...  # your answer


# %%
check("9.2", error_by_pair)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
present = np.unique(keys).tolist()
means = {}
for a in present:
    for b in present:
        cells = mismatch[np.ix_(made_under == a, in_force == b)]
        if (cells == cells).any():
            means[a, b] = cells[cells == cells].mean()
print("mean error, made under (row), served under (column)")
print("      " + "".join(f"{f'key {key}':>8}" for key in present))
for a in present:
    row = (f"{means[a, b]:8.2f}" if (a, b) in means else " " * 8 for b in present)
    print(f"key {a} " + "".join(row))

# %% [markdown]
# The smallest number of each column stands on the diagonal: a model is good under the key it was made
# under. So the picture of lesson 2 comes back. It is not the driver that hurts, it is the mismatch. For
# the sun nobody has such a table of keys, but its squares tell that there is something of the kind.
#
# ## 4. The square-root calendar on real data
#
# Lesson 4 had a formula. If serving a model costs a more with every cycle of its age, and a retraining
# costs C, retrain every √(2C/a) cycles. Is it of any use on the sun? The cost of a cycle is 3 times the
# squared error, in units of a scale that is fixed before the episode, and at most 3. A retraining costs
# 3.

# %%
price = problem.forecast * np.minimum((errors / problem.scale) ** 2, problem.cap)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
fitted, served = np.triu_indices(CYCLES)
age = served - fitted
aged = np.bincount(age, price[fitted, served]) / np.bincount(age)
figure, axis = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
young = np.arange(60)
axis.plot(young, aged[young], color=MODEL, label="mean over all models")
line = np.polyfit(young, aged[young], 1)
axis.plot(young, np.polyval(line, young), color=INK, linestyle="--", linewidth=1, label="straight line")
axis.set_xlabel("age of the model, cycles")
axis.set_ylabel("cost of a cycle")
axis.set_ylim(bottom=0)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ### Exercise 9.3: The calendar from a curve (1 point)
#
# From such a curve (`ages`, and the mean cost of a cycle at each age) and the price of a retraining,
# compute the interval of the square-root calendar. The slope a is that of a straight line fitted to the
# whole curve.

# %%


def interval_from(ages, costs, price):
    """Cycles between two retrainings."""
    ...  # your answer


# %%
check("9.3", interval_from)

# %% [markdown]
# Now the test: what does each calendar cost, and how good is the one of the formula?

# %%
slopes = {}
for name, cycles in (("solar-flux", CYCLES), ("co2", 100 if FAST else 200), ("brent", 150 if FAST else 400)):
    one, matrix = episode(name, cycles)
    cost = one.forecast * np.minimum((matrix / one.scale) ** 2, one.cap)
    rows, columns = np.triu_indices(cycles)
    mean = np.bincount(columns - rows, cost[rows, columns]) / np.bincount(columns - rows)
    slope = np.polyfit(np.arange(50), mean[:50], 1)[0]
    rooted = round((2 * one.retrain / slope) ** 0.5)
    every, best = best_calendar(one)
    slopes[name] = slope
    print(
        f"{name:11} never {calendar(one, cycles + 1).cost:6.1f}, every {rooted:3} (square root) "
        f"{calendar(one, rooted).cost:6.1f}, every {every:3} (best in hindsight) {best.cost:6.1f}"
    )

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
intervals = np.arange(2, 81)
axis.plot(intervals, [calendar(problem, int(n)).cost for n in intervals], color=MODEL)
root = (2 * problem.retrain / slopes["solar-flux"]) ** 0.5
axis.axvline(root, color=GOOD, linestyle="--", label="square root")
axis.set_xlabel("cycles between two retrainings")
axis.set_ylabel("cost of the episode")
axis.set_ylim(bottom=0)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# On the sun the formula, which knows nothing but a slope, is as good as the best calendar in hindsight.
# On CO₂ it is far better than never retraining, but not the best: the curve there is no straight line,
# and a good day for a fit is worth a lot. And the last row is a warning. The price of oil (Brent) drifts,
# too, but a new model is not better than an old one for long enough to earn its price. Never is best
# there, and the formula, which cannot say never, loses money. Look at the jagged line as well: one
# interval more or less decides much. That is luck, and no calendar can plan for it.
#
# ## 5. The best there is
#
# How good could *anybody* be? Lesson 5 found the best plan by dynamic programming, in a small world. Here
# it is possible in the real one: no decision changes the series, so all that counts is which model is in
# service, which one is in training, and the cycle. The answer is **exact**: no policy, learned or not,
# can ever be better. To trust it, compute what a plan costs yourself.
#
# ### Exercise 9.4: What a plan costs (2 points)
#
# `price[i, t]` is the cost of serving model i in cycle t. Model 0 is in service at the start.
# `baseline[t]` is the cost of the baseline's error in cycle t. `plan[t]` is 0 (serve the model), 1 (serve
# the baseline instead, for the fee `hand` on top) or 2 (serve the model, pay `retrain`, and ask for model
# t, which serves from cycle t + `latency` on). Nothing is asked for while a model is in training. Return
# the cost of the whole plan.

# %%


def cost_of_plan(price, baseline, plan, latency, hand, retrain):
    """What all cycles of a plan cost together."""
    ...  # your answer


# %%
check("9.4", cost_of_plan)

# %%
best = optimum(problem)
every, dated = best_calendar(problem)
print(f"best calendar {dated.cost:.1f} (every {every}), optimum {best.cost:.1f}")
print("the optimum retrains in cycles", np.flatnonzero(best.actions == 2).tolist())
print("and serves the baseline in cycles", np.flatnonzero(best.actions == 1).tolist())

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(6.4, 5), layout="constrained")
axis.imshow(price, cmap="cividis", vmax=3)
for plan, colour, label in ((dated.actions, HAND, "best calendar"), (best.actions, "white", "optimum")):
    serving, row, lands = [], 0, {}
    for t, action in enumerate(plan):
        row = lands.get(t, row)
        serving.append(row)
        if action == 2:
            lands[t + problem.latency] = t
    axis.step(np.arange(CYCLES), serving, color=colour, linewidth=1.8, where="post", label=label)
axis.set_xlabel("served in cycle")
axis.set_ylabel("model in service, by the cycle of its fit")
axis.legend(facecolor="#6b7280", labelcolor="white")
plt.show()

# %% [markdown]
# A schedule is a staircase in the matrix. The calendar climbs along the diagonal, step by step, and pays
# for each. The optimum looks for dark rows: it takes a model that stays good for years, and keeps it.
#
# It can do so because it knows the future. The rules of this course do not. What do they pay above the
# optimum? That is their **regret**, over several pieces of two recordings:

# %%
seeds = world_seeds("evaluation", 0, SLICES)
rules = ("never", "always", "periodic@mix", "threshold@mix", "page-hinkley@mix")
regrets = {}
for name, cycles in (("solar-flux", CYCLES), ("co2", 100 if FAST else 200)):
    worlds = SeriesWorld(SLICES, name, cycles=cycles)
    worlds.seed(np.arange(SLICES), seeds)
    worlds.begin(np.ones(SLICES, bool))
    least = np.array([optimum(worlds.problem(lane)).cost for lane in range(SLICES)])
    print(f"{name}: the optimum costs {least.mean():.1f}")
    for rule in rules:
        regret = evaluate(policy(rule), name, seeds, env=SERIES_ID, cycles=cycles).cost - least
        regrets[name, rule] = regret
        print(f"    regret of {rule:17} {regret.mean():6.1f}, at least {regret.min():6.1f}")

# %% [markdown]
# No rule is ever below the optimum, in any piece: that is what exact means. And no rule is the best on
# both series. The rules were tuned on made-up series (`@mix`). Which rule is right for *your* series is a
# question to your data.
#
# ## 6. Advice on your own series
#
# For that there is `springdrift advise`. It reads a file, fits every model that could have been fitted,
# lets every strategy play, and says which one to take. Suppose somebody hands you the weekly carbon
# dioxide of Mauna Loa as a file. As files are, this one is not in order: two rows are missing, two have
# changed places, and in one the value is `n/a`.

# %%
values = load("co2").y.ravel()[-(600 if FAST else 2284) :].round(2)
weeks = np.datetime64("1958-03-29") + np.arange(len(values)) * np.timedelta64(7, "D")
lines = [(str(week), f"{value:g}") for week, value in zip(weeks, values.tolist(), strict=True)]
lines[100] = (lines[100][0], "n/a")
lines[300:302] = []
lines[50], lines[51] = lines[51], lines[50]
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "co2.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([("week", "ppm"), *lines])
    found = advise(file, "week", "ppm", period=4, window=14, error_cost=1.0, retrain_cost=5.0, currency="EUR")
for one in found.findings:
    print("-", one)

# %% [markdown]
# Each fault is named with its row, and what was done about it. Nothing is guessed silently. `error_cost`
# is what an error of 1 ppm in one week costs you, `retrain_cost` what a retraining costs. Here they are
# invented; yours are the hardest part of the whole exercise, and worth a talk with the people who pay.

# %%
print(as_text(found))

# %% [markdown]
# How to read that table:
#
# - **Judged on later data.** The settings of each strategy were chosen on earlier cycles, and the costs
#   are those of later ones (lesson 7).
# - **The brackets** hold the saving a year against never retraining, with its 95 % interval. If it
#   reaches across 0, the saving may be chance.
# - **The best decisions with the future known** are the optimum of section 5. Nobody can save more.
# - **As many retrainings at random times** is a dummy. What a strategy saves beside it is what its choice
#   of the moments is worth.
# - **The first sentence** is the advice. It is not always the cheapest row: of all strategies that are
#   not *clearly* dearer than the cheapest, it takes the simplest. Clever things break, and have to be
#   explained.

# %% tags=["hide-input"] jupyter={"source_hidden": true}
timeline(found, 8.6)

# %% [markdown]
# The timeline shows why. Above the series; in the middle the error of the model, never retrained and as
# advised; below when each strategy retrained (bars). Within each stretch the old model drifts away.
#
# `as_html(found)` is the same as a page for your boss, which opens offline: the command writes it with
# `springdrift advise co2.csv --time week --value ppm --out report.html`.

# %%
print(f"the report is one page of {len(as_html(found)) // 1000} kB")

# %% [markdown]
# ### Exercise 9.5: The simplest that is good enough (2 points)
#
# Write that rule of choice. `costs` has a row for each block of time and a column for each strategy, from
# the simplest to the most involved. The cheapest has the lowest mean. A strategy is *clearly dearer* if
# the mean of its difference to the cheapest, block by block, is larger than twice the standard error of
# that mean (lesson 7, with `ddof=1`). Return the number of the first column that is not clearly dearer.

# %%


def simplest(costs):
    """The column of the simplest strategy that is not clearly dearer than the cheapest."""
    ...  # your answer


# %%
check("9.5", simplest)

# %% [markdown]
# And the opposite case, the same question for the sea surface temperature of the eastern Pacific:

# %%
warm = load("elnino").y.ravel().round(2)
months = (np.datetime64("1950-01") + np.arange(len(warm))).astype("datetime64[D]")
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "elnino.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(
            [("month", "degrees"), *zip(months.astype(str), warm.tolist(), strict=True)]
        )
    control = advise(
        file, "month", "degrees", period=3, window=40, error_cost=1.0, retrain_cost=5.0, currency="EUR"
    )
print(as_text(control).partition("\n\n")[0])

# %% [markdown]
# That is an answer, too, and often the right one. A tool that always finds something to do is of no use.
#
# ## 7. In production
#
# The advised strategy is a small file, `policy.json`, and a class that runs it without anything but
# Python. You tell it the newest known error, and it tells you what to do, and why. Here it is with a rule
# that retrains when the error is 1.5 times that of a fresh model:

# %%
monitor = Monitor(
    {"trigger": "threshold", "parameters": {"level": 1.5, "cooldown": 0}, "usual": 0.4, "latency": 2}
)
for cycle, error in enumerate((None, 0.41, 0.38, 0.72, 0.75, 0.74, 0.43)):
    advice = monitor.step(error)
    print(f"cycle {cycle}: newest error {error}, {advice.action} {advice.reason}")

# %% [markdown]
# In cycle 3 it asks for a new model, which serves from cycle 5 on. In cycle 5 the newest error, 0.74, is
# high, and yet the monitor waits. It is the *old* model's error, of cycle 4. Who retrains now retrains
# for nothing, and this is a common fault in such scripts.
#
# ### Exercise 9.6: In production (2 points)
#
# Write such a monitor. `errors[t]` is the error of the model in service in cycle t; as cycle t begins,
# `errors[t - 1]` is the newest that is known. Ask for a model in cycle t if that error is above `level`,
# unless a model is in training, or that error was not yet made by the model now in service. A model asked
# for in cycle t serves from cycle t + `latency` on. Return an array with 1 for each cycle in which you
# ask, and 0 for the others.

# %%


def when_to_ask(errors, level, latency):
    """1 in each cycle in which a retraining is asked for, else 0."""
    ...  # your answer


# %%
check("9.6", when_to_ask)

# %% [markdown]
# The advised policy runs in the same way: `found.policy` is what `policy.json` holds, and each new cycle
# is one call of `step`. The first two years after the record, if the model stays as good as a fresh one:

# %%
print({name: found.policy[name] for name in ("trigger", "parameters", "latency")})
ready = Monitor(found.policy)
told = [None, *[found.policy["usual"]] * 25]
print("it retrains in cycles", [t for t, error in enumerate(told) if ready.step(error).action == "RETRAIN"])

# %%
total(9)

# %% [markdown]
# ## Take away
#
# - Where decisions do not change the series, everything that could have been done can be computed: the
#   staleness matrix, and from it the exact optimum.
# - Squares in that matrix mean regimes. A JOIN with the right table explains them; without one, an old
#   model may still be right again.
# - The square root of 2C/a is a good first calendar where models age steadily. It does not know when not
#   to retrain at all.
# - No rule is the best on every series. Choose on earlier data, judge on later, and take the simplest
#   that is not clearly dearer.
# - In production mind the latency: an error belongs to the model that made it.
