# %% [markdown]
# # Lesson 10: Versions
#
# **Goal.** Work with more than one model: know which version serves and where it comes from, fine-tune,
# roll back, and measure what each of five decisions is worth.
#
# **You need** lesson 2 (JOIN), lesson 4 (decisions and rules), lesson 7 (paired differences), NumPy, and
# `pip install "springdrift[cli,render]"`.
#
# **Time** about 90 minutes: 40 to read and run it, 50 for the exercises.

# %%

import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np

from springdrift import OPS_ID, SERIES_ID, SERIES_OPS_ID, Action, world_spec
from springdrift.render.view import COLOURS, FAINT, GOOD, HIDDEN, INK, LINE, MODEL
from springdrift.series import optimum
from springdrift_agents.course import FAST, check, total
from springdrift_agents.course.rollbacks import played
from springdrift_agents.course.run_files import record, show
from springdrift_agents.evaluation.evaluate import Script, evaluate, world_seeds
from springdrift_agents.evaluation.rollout import begun
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import error_of, sense

EPISODES = 64 if FAST else 1024  # worlds in a mean
TUNE, BACK = COLOURS["fine_tune"], COLOURS["rollback"]
WAIT, INTERVENE, RETRAIN, FINE_TUNE, ROLLBACK = Action

# %% [markdown]
# ## 1. Two more buttons
#
# A team that runs models in production has more than the three decisions of lesson 4. It can patch a model
# with the newest data, and it can put an older version back. `springdrift/InclinedMassOps-v0` is the
# machine that you know, with five decisions:
#
# | decision | costs | what it does |
# | --- | --- | --- |
# | `WAIT` | nothing | the version in service carries on |
# | `INTERVENE` | 0.6 | you push by hand for this cycle |
# | `RETRAIN` | 3.0 | a fit on the last six cycles, live three cycles later |
# | `FINE_TUNE` | 1.0 | a fit on the newest 3 cycles, held close to the last full fit, live a cycle later |
# | `ROLLBACK` | 0.5 | the version that served before, at once; the next rollback takes it back |
#
# So there is not *the* model any more. There are **versions**. Each has a number, a **parent** (the version
# that served when it was asked for), a window that it was fitted on, and a time in service. Someone who is
# called at night because forecasts are wrong asks for just these. `info["version"]` tells them.

# %%


def histories(scenario, seed, decide, cycles):
    """Decisions, and ``info["version"]`` at the start and after each cycle, as ``decide`` plays."""
    env = gym.make(OPS_ID, scenario=scenario)
    seen, info = env.reset(seed=seed)
    actions, told = [], [info["version"]]
    for cycle in range(cycles):
        actions.append(decide(cycle, seen))
        seen, _, _, _, info = env.step(actions[-1])
        told.append(info["version"])
    return actions, told


plan = {2: FINE_TUNE, 5: RETRAIN, 10: ROLLBACK, 12: FINE_TUNE}
actions, told = histories("stationary", 0, lambda cycle, _: plan.get(cycle, WAIT), 15)
print("cycle  decision   version  parent  fitted on       fine-tuned")
for cycle, (action, one) in enumerate(zip(actions, told[1:], strict=True)):
    window = f"{one['fitted_from']:.0f} to {one['fitted_to'] - 1:.0f}"
    print(
        f"{cycle:5}  {action.name:9} {one['number']:8.0f} {one['parent']:7.0f}  {window:14}  "
        f"{'yes' if one['tuned'] else 'no'}"
    )

# %% [markdown]
# A row says which version is in service as its cycle ends. Version 0 was made when the machine was
# commissioned (its window has negative cycles). Version 1 is a fine-tuning. Version 2 is a full retraining,
# asked for in cycle 5 and in service from the end of cycle 7 on. In cycle 10 it is replaced by the one before
# it, so version 3, which is asked for in cycle 12, descends from 1 and not from 2. A longer story, played by
# the rule `operations`, which uses all five decisions:

# %%


def by_rule(name, scenario, seed, cycles):
    """As ``histories``, with a rule that decides."""
    rule, memory = policy(name), None

    def decide(_, seen):
        nonlocal memory
        action, memory = rule.predict(seen, memory)
        return Action(int(action))

    return histories(scenario, seed, decide, cycles)


actions, told = by_rule("operations", "returning", 4, 120)
print("decisions:", {action.name: actions.count(action) for action in Action})

# %% tags=["hide-input"] jupyter={"source_hidden": true}


def draw_versions(axis, actions, told):
    """Versions as bars in time, an arrow from each parent to its child, and one back for each rollback."""
    numbers = [int(one["number"]) for one in told]
    first = {}
    for cycle, (number, one) in enumerate(zip(numbers, told, strict=True)):
        axis.barh(number, 1, left=cycle, height=0.7, color=TUNE if one["tuned"] else MODEL)
        if number not in first:
            first[number] = cycle
            if one["parent"] >= 0:
                axis.annotate(
                    "",
                    (cycle, number),
                    (cycle, int(one["parent"])),
                    arrowprops={"arrowstyle": "->", "color": FAINT, "linewidth": 1},
                )
        elif actions[cycle] == ROLLBACK:
            axis.annotate(
                "",
                (cycle, number),
                (cycle, numbers[cycle - 1]),
                arrowprops={"arrowstyle": "-|>", "color": BACK, "linewidth": 1.6},
            )
    axis.set_xlabel("cycle")
    axis.set_ylabel("version")
    axis.set_yticks(range(max(numbers) + 1))
    for colour, label in ((MODEL, "retrained"), (TUNE, "fine-tuned"), (BACK, "rollback")):
        axis.plot([], [], color=colour, linewidth=4, label=label)
    axis.legend(frameon=False, fontsize=8, loc="lower right")


figure, axis = plt.subplots(figsize=(10, 3.6), layout="constrained")
draw_versions(axis, actions, told[1:])
plt.show()

# %% [markdown]
# Each bar is a version in service. A thin arrow comes from its parent. A thick arrow is a rollback.
#
# ### Exercise 10.1: Where a version comes from (1 point)
#
# Somebody asks: *which models does the one in service descend from?* `told` is a list of what
# `info["version"]` said at the start and after each cycle: dicts with `number` and `parent`. Return the list
# of numbers that begins with the version in service at the end, goes on with its parent, and so on up to the
# version that has none (parent −1).

# %%


def lineage_of(told):
    """Numbers of the version in service at the end, its parent, that one's parent, and so on."""
    ...  # your answer


# %%
check("10.1", lineage_of)

# %% [markdown]
# ## 2. Ask the run file
#
# You will not always have been there. `springdrift compare --db runs.db --record 20` keeps whole episodes,
# and the table `model_versions` has a row for each version of each episode. Its column `parent` is a foreign
# key *to the same table*: with `episode` it points to the row of another version.


# %%
runs = record("operations", "two-speed", 4 if FAST else 20, OPS_ID)
show(
    runs, "SELECT episode, version, parent, kind, fitted_from, fitted_to, served FROM model_versions", most=12
)

# %% [markdown]
# `kind` is `commissioned`, `fitted` (a retraining) or `fine-tuned`.
#
# How do you follow a lineage in SQL? One JOIN of the table with itself gives the parents, two give the
# grandparents, and nobody knows how many it takes. For that there is the **recursive query**. It begins
# with some rows, and then joins what it has found last with the table, again and again, until nothing new
# comes. Here it climbs from the last version of episode 1 up to version 0:

# %%
show(
    runs,
    """
    WITH RECURSIVE ancestors(version, parent, kind) AS (
      SELECT version, parent, kind FROM model_versions
      WHERE episode = 1 AND version = (SELECT max(version) FROM model_versions WHERE episode = 1)
      UNION ALL
      SELECT older.version, older.parent, older.kind
      FROM model_versions AS older JOIN ancestors ON older.version = ancestors.parent
      WHERE older.episode = 1
    )
    SELECT * FROM ancestors
    """,
    most=12,
)

# %% [markdown]
# The part before `UNION ALL` is the beginning, the part behind it the step. `older` is only another name for
# `model_versions`, since the step needs it beside what was found already.
#
# Now a question of practice. Fine-tuning a fine-tuned model, again and again, is cheap. Does it go well?
#
# ### Exercise 10.2: Copies of copies (3 points)
#
# Give each version a **generation**: 0 if it is not fine-tuned (commissioned or fitted), else one more than
# that of its parent. Write one query that returns, for each generation: the generation, the number of
# cycles in which such versions served, and their mean `error` in these cycles, sorted by generation. The
# cycles are the rows of `measurements` (`episode`, `cycle`, `model_version`, `error`, …). Mind that each
# episode counts its versions from 0.

# %%
error_by_generation = ...  # your answer, a string

# %%
check("10.2", error_by_generation)

# %%
if isinstance(error_by_generation, str):
    show(runs, error_by_generation, most=12)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
generations, errors_by = {}, {}
for episode, version, parent, kind in runs.execute(
    "SELECT episode, version, parent, kind FROM model_versions ORDER BY episode, version"
):
    generations[episode, version] = 0 if kind != "fine-tuned" else generations[episode, parent] + 1
for episode, version, error in runs.execute("SELECT episode, model_version, error FROM measurements"):
    errors_by.setdefault(generations[episode, version], []).append(error)
many = range(min(5, max(errors_by)) + 1)
figure, axis = plt.subplots(figsize=(6, 2.6), layout="constrained")
axis.bar(many, [np.mean(errors_by[one]) for one in many], color=[TUNE if one else MODEL for one in many])
axis.set_xticks(many)
axis.set_xlabel("generation: fine-tunings since the last full fit")
axis.set_ylabel("mean error")
plt.show()

# %% [markdown]
# A version fresh from a full fit errs least. Behind one fine-tuning the error is half as large again, and
# behind two or more it is two to three times as large. It seems that copies of copies decay. But here each
# fine-tuning leans on the last *full* fit, not on its parent, so nothing is copied from copy to copy. What
# grows is the distance between the world and the full fit, and a world that moves much is also one in which
# the rule fine-tunes much. A run file shows what goes together, and not why (lesson 5).
#
# ## 3. What a fine-tuning is
#
# A fine-tuning sees three cycles, half of what a retraining sees. A fit on so few data alone would run after
# the noise. So it is *held*: among all weights it takes those that fit the newest data well **and** are not
# far from the weights of the last full fit. In a formula, it finds the w that makes
#
# (sum of squared errors on the newest data) + pull · (sum of squared changes w − w_full)
#
# as small as possible. Such a fit is called ridge regression toward w_full.
#
# ### Exercise 10.3: A fit that leans (2 points)
#
# Write it for a linear model. `columns` has a row for each measurement and a column for each weight, shape
# (n, k); `y` are the n measurements, which columns @ w should meet; `full` are the k weights of the last
# full fit; `pull` is a number. Return the k weights. (Write w = full + d, set the derivative with respect to
# d to zero, and you have k linear equations.)

# %%


def fine_tune(columns, y, full, pull):
    """Weights (k,) that make the sum of squared errors plus pull times the squared change smallest."""
    ...  # your answer


# %%
check("10.3", fine_tune)

# %% [markdown]
# How strong should the pull be? Let us try in a small laboratory: a season of 24 hours, described by a level
# and one wave, three weights in all. The full fit was right in the old world. The newest data are 12 noisy
# hours of the new one. We fine-tune with many pulls, in many such worlds, and see how far the forecast of
# the next day is from the truth. Three kinds of worlds: the level **creeps**, everything **jumps**, or
# nothing has changed at all and the **sensor froze** for four of the twelve hours.

# %% tags=["hide-input"] jupyter={"source_hidden": true}


def season(hours):
    angle = 2 * np.pi * hours / 24
    return np.column_stack((np.ones(len(hours)), np.cos(angle), np.sin(angle)))


def error_by_pull(world, pulls, trials, rng):
    """Mean rms error of the next day's forecast, for each pull."""
    new, day = season(np.arange(12)), season(np.arange(24))
    found = np.zeros(len(pulls))
    for _ in range(trials):
        full = rng.normal(0, 1, 3)
        true = full + {"creeps": np.array([0.25, 0, 0]), "jumps": rng.normal(0, 1.5, 3)}.get(world, 0)
        seen = new @ true + rng.normal(0, 0.5, 12)
        if world == "sensor froze":
            seen[8:] = seen[7] + 3.0
        for place, pull in enumerate(pulls):
            held = np.vstack((new, np.sqrt(pull) * np.eye(3)))
            weights = np.linalg.lstsq(held, np.r_[seen, np.sqrt(pull) * full], rcond=None)[0]
            found[place] += np.sqrt(np.mean((day @ (weights - true)) ** 2)) / trials
    return found


pulls = np.geomspace(0.01, 1000, 16)
rng = np.random.default_rng(10)
curves = {
    world: error_by_pull(world, pulls, 60 if FAST else 600, rng)
    for world in ("creeps", "jumps", "sensor froze")
}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for (world, curve), colour in zip(curves.items(), (GOOD, HIDDEN, INK), strict=True):
    axis.semilogx(pulls, curve, "o-", markersize=3, color=colour, label=world)
    axis.plot(pulls[curve.argmin()], curve.min(), "o", markersize=9, color=colour, fillstyle="none")
axis.set_xlabel("pull (left: trust the newest data; right: trust the last full fit)")
axis.set_ylabel("error of the next day")
axis.set_ylim(bottom=0)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# No pull is right for all three. Where the world creeps, a moderate one is best: what little has changed can
# be learned from little data. Where it jumps, a strong pull is harmful. Where a sensor lies, only a strong
# one helps, and the newest data are best not looked at. The maker of a fine-tuning chooses one pull for all
# days to come, and with it the days on which it will fail.
#
# On the machine it must be the same. Two rules that never use anything else: one fine-tunes when the error is
# raised, the other waits until the window is clean and then retrains. They meet the same worlds, so we
# compare world by world (lesson 7).

# %%
tuning, patient = "fine-tune:error=1e9:tune=0.7:pause=5", "champion:better=0"
gaps = {}
for scenario in ("tilt", "gradual", "two-speed", "faulty-sensor", "poc"):
    seeds = world_seeds("evaluation", 10, EPISODES)
    costs = {
        rule: evaluate(policy(rule), scenario, seeds, env=OPS_ID).cost for rule in (tuning, patient, "never")
    }
    gaps[scenario] = mean_interval(costs[tuning] - costs[patient])
    print(
        f"{scenario:13} never {costs['never'].mean():6.1f}   retraining {costs[patient].mean():5.1f}   "
        f"fine-tuning {costs[tuning].mean():5.1f}   difference {gaps[scenario]}"
    )

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
for place, gap in enumerate(gaps.values()):
    axis.plot([gap.low, gap.high], [place, place], color=TUNE if gap.high < 0 else INK, linewidth=3)
    axis.plot(gap.value, place, "o", color=INK, markersize=5)
axis.axvline(0, color=LINE)
axis.set_yticks(range(len(gaps)), gaps)
axis.invert_yaxis()
axis.set_xlabel("cost of fine-tuning beyond that of retraining (left: fine-tuning is better)")
plt.show()

# %% [markdown]
# Where the world creeps (`tilt`, `gradual`, `two-speed`) fine-tuning wins, clearly. It is on the spot while
# the other still waits for a clean window. It loses where a sensor lies: it has learned from the fault before
# anybody knew that it was one, and there the best is to do nothing at all (`never`). And it loses by far in
# `poc`, where the first model knows nothing (lesson 8). A fit that leans on nothing learns next to nothing.
#
# ## 4. Which of the five?
#
# The dashboard of this machine has three more columns. `previous_error` is what the version before the one
# in service *would have* erred in this cycle. Nobody acts by it: it forecasts **in the shadow**. The other
# two say how long ago the last fine-tuning and the last rollback were.
#
# ### Exercise 10.4: Five dashboards, five decisions (2 points)
#
# Five operators wrote down the last two cycles, the newest last. `age` is how many cycles the version has
# served. In each world one decision is made now, and then everybody waits for twenty cycles. Which decision
# costs least?
#
# | | error | previous_error | swing | level | correlation | push | age | last fine-tuning |
# | --- | --- | --- | --- | --- | --- | --- | --- | --- |
# | A | 0.58, 0.61 | 1.70, 1.70 | −0.07, 0.04 | 0.36, 0.42 | 0.83, 0.90 | 0.22, 0.31 | 3 | 3 cycles ago |
# | B | 0.73, 0.77 | 0.06, 0.07 | −0.08, −0.22 | 0.30, 0.27 | 0.93, 0.88 | −0.01, 0.33 | 3 | never |
# | C | 0.15, 1.35 | 0.33, 1.11 | 0.00, −0.14 | −0.01, −0.27 | 1.00, 0.00 | 0.15, 0.17 | 36 | never |
# | D | 0.91, 0.92 | none, none | −0.02, −0.03 | −0.33, −0.34 | 0.87, 0.88 | 0.22, 0.23 | 122 | never |
# | E | 0.07, 0.05 | none, none | −0.27, −0.29 | 0.02, 0.03 | 1.00, 1.00 | 0.50, 0.50 | 128 | never |
#
# (The other columns are as in lesson 4: a swing of 0 is on target, a level of 0 is where the middle of the
# swing was at the start, and 0.5 is the strongest push.)

# %%
# "wait", "intervene", "retrain", "fine_tune" or "rollback"
next_decision = {"A": ..., "B": ..., "C": ..., "D": ..., "E": ...}

# %%
check("10.4", next_decision)

# %% [markdown]
# ## 5. Going back
#
# Sometimes a deployment goes wrong although the fit looked right: a wrong file was shipped, a feature is
# computed differently in production, a unit was mixed up. In the scenario `bad-release` it happens to four
# deployments of ten. The fit error knows nothing of it. The shadow does.

# %%


def errors_of(rule, scenario, seed, cycles):
    """Errors of the version in service and of the one before it, (cycles, 2), and the decisions."""
    env = gym.make(OPS_ID, scenario=scenario)
    seen, _ = env.reset(seed=seed)
    memory, found, actions = None, [], []
    for _ in range(cycles):
        action, memory = rule.predict(seen, memory)
        seen, *_ = env.step(int(action))
        actions.append(Action(int(action)))
        found.append([error_of(sense(seen, name)) for name in ("error", "previous_error")])
    return np.array(found), actions


worlds = {
    "threshold never goes back": errors_of(policy("threshold"), "bad-release", 11, 130),
    "champion keeps the better version": errors_of(policy("champion"), "bad-release", 11, 130),
}
for name, (errors, actions) in worlds.items():
    print(
        f"{name:34} mean error {errors[80:, 0].mean():.2f} from cycle 80 on, "
        f"{actions.count(RETRAIN)} retrainings, {actions.count(ROLLBACK)} rollbacks"
    )

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(2, 1, figsize=(10, 4.2), layout="constrained", sharex=True, sharey=True)
for axis, (name, (errors, actions)) in zip(axes, worlds.items(), strict=True):
    shadow = np.where(errors[:, 1] > 100, np.nan, errors[:, 1])
    axis.plot(shadow, color=FAINT, linewidth=1, label="the version before, in the shadow")
    axis.plot(errors[:, 0], color=MODEL, linewidth=1.6, label="the version in service")
    for cycle, action in enumerate(actions):
        if action in (RETRAIN, ROLLBACK):
            axis.axvline(cycle, color=BACK if action == ROLLBACK else COLOURS["retrain"], linewidth=1.2)
    axis.set_title(name, loc="left", fontsize=10)
    axis.set_ylabel("error")
    axis.set_ylim(0, 2.5)
axes[0].legend(frameon=False, fontsize=8, loc="upper left")
axes[1].set_xlabel("cycle (vertical lines: retrainings, and in pink rollbacks)")
plt.show()

# %% [markdown]
# Both have the same world before them. The upper rule asks for a model in cycle 94, and that release goes
# wrong: from cycle 97 on the blue line, the new version, is far above the grey one, the old version in the
# shadow. The rule does not look at it, and asks for the next model, and the next. The lower rule looks. Its
# first release, in cycle 53, is a bad one, and it goes back at once (pink), and once more in cycle 99.
#
# To let an old and a new model forecast side by side, and put the better one in charge, is called
# **champion and challenger**. Here it costs nothing, since the shadow only computes. But who changes versions
# at every breath of noise pays for it: each change costs 0.5, and the version that was better by chance
# yesterday is worse tomorrow.
#
# ### Exercise 10.5: When to go back (2 points)
#
# Write the rule. It gets arrays with a number for each of n machines: `error` of the version in service in
# the last cycle, `previous`, what the version before would have erred in it (very large if there is none),
# `age`, how many cycles the version in service has served, and `rested`, how long ago the last rollback was.
# Return n truths, True where to roll back now. Everything else is decided by the rule `fine-tune`.
#
# It passes if it clearly saves costs on 256 worlds of `bad-release` that you have not seen (the whole 95 %
# interval of the saving above 0), and does not clearly cost anything on 256 worlds of `gradual`, where every
# deployment is sound.

# %%


def roll_back(error, previous, age, rested):
    """Where to put the version before into service: truths (n,)."""
    ...  # your answer


# %%
check("10.5", roll_back)

# %% [markdown]
# Here is a first try to compare with. It believes the shadow at every word: go back whenever the version
# before was better in the last cycle.

# %%


def credulous(error, previous, age, rested):
    """Roll back whenever the version before was better in the last cycle."""
    return previous < error


seeds = world_seeds("training", 10, EPISODES)
saved = {}
for scenario in ("bad-release", "gradual"):
    saved[scenario] = played(policy("fine-tune"), credulous, scenario, seeds)
    print(
        f"{scenario:12} credulous: saves {saved[scenario].saved} an episode, "
        f"rolls back in {saved[scenario].share:.1%} of the cycles"
    )

# %% [markdown]
# It loses in both, even where releases go wrong. Six or seven percent of all cycles is a rollback every
# fifteen cycles, most of them for nothing. Put your own function in its place and see how far you get.
#
# There is a case in which going back is right although nobody has made a mistake. In `returning` two regimes
# take turns. When the old one comes back, the version that was fitted on it is right again (the squares of
# lesson 9). There is no need to learn it anew.

# %%
seeds = world_seeds("evaluation", 11, EPISODES)
for scenario in ("returning", "bad-release", "tilt", "driver"):
    without, with_it = (
        evaluate(policy(rule), scenario, seeds, env=OPS_ID).cost for rule in ("champion:better=0", "champion")
    )
    saved[scenario, "champion"] = mean_interval(without - with_it)
    print(f"{scenario:12} going back saves {saved[scenario, 'champion']} of {without.mean():.1f}")

# %% [markdown]
# In `returning` rolling back saves an eighth of all costs. Where releases go wrong it saves a fifth. In
# `tilt` nothing ever comes back, so it is never used. And in `driver` it costs a little: an unseen force
# comes and goes, each version is right by chance now and then, and changing between them is worth nothing.
#
# ## 6. What is each decision worth?
#
# Five buttons are more to explain, to watch and to get wrong than three. Are they worth it? Take a rule that
# uses all of them, and forbid it one at a time. What it then costs more is what that decision was worth, in
# that kind of world and to that rule.
#
# ### Exercise 10.6: What a decision is worth (2 points)
#
# `full` holds the cost of the full rule in each of n worlds. `without` has a row for each decision that was
# forbidden, and the same worlds in its columns, shape (k, n). Return an array of shape (k, 3): for each
# decision the mean of what the rule costs more without it, and the lower and the upper end of the 95 %
# interval of that mean, 1.96 standard errors to each side (with `ddof=1`). All rules met the same worlds.

# %%


def worth_of(full, without):
    """Mean extra cost without each decision, and the ends of its 95 % interval, (k, 3)."""
    ...  # your answer


# %%
check("10.6", worth_of)

# %%
FORBIDDEN = {
    INTERVENE: "operations:start=9",
    RETRAIN: "operations:error=1e9",
    FINE_TUNE: "operations:tune=1e9",
    ROLLBACK: "operations:better=0",
}
KINDS = ("wear", "poc", "tilt", "bad-release", "returning", "faulty-sensor", "mix-ops")
seeds = world_seeds("evaluation", 12, EPISODES)
worth = {}
for scenario in KINDS:
    full = evaluate(policy("operations"), scenario, seeds, env=OPS_ID).cost
    for action, rule in FORBIDDEN.items():
        extra = evaluate(policy(rule), scenario, seeds, env=OPS_ID).cost - full
        worth[scenario, action] = mean_interval(extra)
print("worth of     " + "".join(f"{action.name:>23}" for action in FORBIDDEN))
for scenario in KINDS:
    print(f"{scenario:13}" + "".join(f"{worth[scenario, action]!s:>23}" for action in FORBIDDEN))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
colours = {INTERVENE: COLOURS["intervene"], RETRAIN: COLOURS["retrain"], FINE_TUNE: TUNE, ROLLBACK: BACK}
for place, scenario in enumerate(KINDS):
    for beside, action in enumerate(FORBIDDEN):
        one = worth[scenario, action]
        x = place + 0.18 * (beside - 1.5)
        axis.bar(x, one.value, 0.17, color=colours[action], label=action.name if place == 0 else None)
        axis.plot([x, x], [one.low, one.high], color=INK, linewidth=1)
axis.axhline(0, color=LINE)
axis.set_yscale("symlog", linthresh=2)
axis.set_xticks(range(len(KINDS)), KINDS)
axis.set_ylabel("costs more without it")
axis.legend(frameon=False, fontsize=8, ncols=4)
plt.show()

# %% [markdown]
# Read it by columns. The push by hand is indispensable in `wear` and after a cold start. Retraining is worth
# most in `poc`, where nothing else gives a first model. Fine-tuning is worth its place in `tilt`, and rolling
# back where releases go wrong and where a sensor has spoilt a version.
#
# Then read the row of `returning`. **Fine-tuning makes this rule worse there, by far, and its rollbacks are
# worth less than nothing**, though they saved so much to `champion` above. The two belong together. A rule
# that fine-tunes at each change has only patches to go back to: the version before the one in service is its
# own last patch, and no longer the version that was fitted on the other regime. Decisions are not worth
# something by themselves. What one is worth depends on what else the operator does.
#
# And the opposite, too much of each. The first five operators know one button only, and press it in every
# cycle:

# %%
LONG = 200  # cycles
spam = {action.name: np.full((EPISODES, LONG), action) for action in Action}
spam["ROLLBACK"][:, 0] = FINE_TUNE  # else there would be nothing to go back to
operators = {f"{name} always": Script(schedule) for name, schedule in spam.items()}
operators |= {"operations": policy("operations"), "ppo-ops": policy("ppo-ops")}
pressed = {
    (name, scenario): evaluate(operator, scenario, seeds, env=OPS_ID).cost.mean()
    for name, operator in operators.items()
    for scenario in ("stationary", "mix-ops")
}
for name in operators:
    print(f"{name:17} stationary {pressed[name, 'stationary']:6.1f}, mix-ops {pressed[name, 'mix-ops']:6.1f}")

# %% [markdown]
# Any one button in every cycle is worse than sleeping, whether something drifts or not. The last row is a
# network that was trained on `mix-ops`, as in lesson 6. It found out by itself when each button is due, and
# costs far less than the rule.
#
# ## 7. The same on a series, with the future known
#
# `springdrift/TimeSeriesOps-v0` has the same five decisions for a forecast at work. No decision moves a
# series, so each version that *could* be made can be made in advance (lesson 9), and the best use of all
# five decisions can be computed, exactly. So can the best use of the three of `springdrift/TimeSeries-v0`,
# on the same series. The difference is what the two new buttons are worth to somebody who knows the future.

# %%
CYCLES, SERIES = (40, 2) if FAST else (80, 8)
seeds = world_seeds("evaluation", 13, SERIES)
scenarios = world_spec(SERIES_OPS_ID).scenarios
best = {}
for name in ("returning", "tilt", "gradual"):
    for env in (SERIES_ID, SERIES_OPS_ID):
        world = begun(seeds, scenarios[name], env=env, cycles=CYCLES)
        best[name, env] = [optimum(world.problem(lane)) for lane in range(SERIES)]
    three, five = (np.array([one.cost for one in best[name, env]]) for env in (SERIES_ID, SERIES_OPS_ID))
    used = np.bincount(np.concatenate([one.actions for one in best[name, SERIES_OPS_ID]]), minlength=5)
    print(
        f"{name:10} three decisions {three.mean():5.1f}, five {five.mean():5.1f}, at least "
        f"{(three - five).min():3.1f} less: " + ", ".join(f"{one.name} {used[one]}" for one in Action)
    )

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained", sharey=True)
marks = {INTERVENE: "intervene", RETRAIN: "retrain", FINE_TUNE: "fine_tune", ROLLBACK: "rollback"}
for axis, env, title in zip(axes, (SERIES_ID, SERIES_OPS_ID), ("three decisions", "five"), strict=True):
    for lane, one in enumerate(best["returning", env]):
        for action, colour in marks.items():
            cycles = np.flatnonzero(one.actions == action)
            axis.plot(
                cycles,
                [lane] * len(cycles),
                "o",
                color=COLOURS[colour],
                markersize=7,
                label=action.name if lane == 0 else None,
            )
    axis.set_title(f"{title}: {np.mean([one.cost for one in best['returning', env]]):.1f}", loc="left")
    axis.set_xlabel("cycle")
    axis.set_xlim(-2, CYCLES + 1)
axes[0].set_ylabel("series")
axes[0].set_yticks(range(SERIES))
figure.legend(*axes[1].get_legend_handles_labels(), frameon=False, ncols=4, loc="outside lower center")
plt.show()

# %% [markdown]
# Nobody can do better than that, with whatever rule. In `returning` the best with three decisions pushes
# through the change, and retrains once or twice in eighty cycles. With five it pushes, patches, and goes back
# when the old regime returns, up to four times, for 0.5 each. In `gradual` it retrains not once: patches
# alone follow what creeps.

# %%
total(10)

# %% [markdown]
# ## Take away
#
# - A model in production is a version among others: number, parent, window, time in service. Keep them where
#   they can be asked for, and a recursive query finds where one comes from.
# - Fine-tuning is a fit that leans on the last full one. It follows what creeps, quickly and cheaply, and it
#   fails where the little that it sees is wrong or not enough.
# - A rollback is the right answer to a deployment that went wrong, and to a world that has come back. Let the
#   old version forecast in the shadow, and go back for a clear difference only.
# - What a decision is worth shows when it is left out, on the same worlds, with an interval.
