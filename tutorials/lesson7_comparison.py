# %% [markdown]
# # Lesson 7: Fair comparison
#
# **Goal.** Find out which of two policies is better, say how sure you are, and notice when somebody (perhaps
# you) believes a result that is none.
#
# **You need** lesson 4 (costs and rules), a little statistics (mean, standard deviation), and `pip install
# "springdrift[cli,render]"`.
#
# **Time** about 75 minutes: 35 to read and run it, 40 for the exercises.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from springdrift.render.view import COLOURS, FAINT, GOOD, HAND, HIDDEN, INK, LINE, MODEL, TRAIN
from springdrift_agents.course import FAST, check, total
from springdrift_agents.course.materials import suspects
from springdrift_agents.evaluation.evaluate import compare, evaluate, world_seeds
from springdrift_agents.evaluation.statistics import iqm, mean_interval, probability_of_improvement, profile
from springdrift_agents.planning.regret import CAUSES, regret
from springdrift_agents.play.inline import Inline
from springdrift_agents.play.movie import Movie
from springdrift_agents.policies.registry import policy

WORLDS = 128 if FAST else 512  # in a comparison

# %% [markdown]
# ## 1. One number is no result
#
# Two rules, `threshold` and `page-hinkley`, in the scenario `abrupt`. Which one is cheaper? Let each play
# eight worlds and compare the mean costs. Do it as if you had no time to think: each rule gets worlds of its
# own. Then do it again.

# %%


def costs_of(name, scenario, seed, worlds, **options):
    """Cost of each of so many worlds, (worlds,)."""
    return evaluate(policy(name), scenario, world_seeds("evaluation", seed, worlds), **options).cost


wins = {"threshold": 0, "page-hinkley": 0}
for trial in range(10):
    one = costs_of("threshold", "abrupt", 2 * trial, 8).mean()
    two = costs_of("page-hinkley", "abrupt", 2 * trial + 1, 8).mean()
    winner = "threshold" if one < two else "page-hinkley"
    wins[winner] += 1
    print(f"trial {trial}: threshold {one:5.1f}, page-hinkley {two:5.1f}: {winner} wins")
print(wins)

# %% [markdown]
# The verdict changes from trial to trial. Each number alone looks like a result, and none is one. In
# production: model A was tested in March and model B in May, and May was a calm month.
#
# A result needs an **interval**: a range made in such a way that it holds the true mean in 95 of 100 cases. A
# simple way to get one is the **bootstrap** (Efron, 1979). Pretend that the worlds you met are all there is.
# Draw as many of them again, with repetition, and take the mean. Do so 2000 times. The middle 95 % of these
# means are the interval.

# %%
costs = costs_of("threshold", "abrupt", 0, 8)
rng = np.random.default_rng(0)
means = rng.choice(costs, size=(2000, len(costs))).mean(axis=1)
print(
    "by hand:    ", f"{costs.mean():.1f} [{np.percentile(means, 2.5):.1f}, {np.percentile(means, 97.5):.1f}]"
)
print("the package:", mean_interval(costs))
print(f"{WORLDS} worlds: ", mean_interval(costs_of("threshold", "abrupt", 0, WORLDS)))

# %% [markdown]
# Eight worlds leave an interval in which half of the built-in rules would fit. For means of many worlds
# there is a shorter way to nearly the same interval: mean ± 1.96 · s/√n, with s the standard deviation of
# the n costs. s/√n is called the **standard error**.
#
# ## 2. Common worlds
#
# Costs differ so much because worlds differ: in some the spring jumps twice, in some five times. That has
# nothing to do with the rules. So let both rules meet **the same worlds** (statisticians call it *common
# random numbers*) and look at the difference, world by world. What both have in common falls out. Here it is
# easy: a seed fixes the whole future of a world, and nothing that a policy does changes what the world does
# to it.

# %%
one, two = (costs_of(name, "mix", 0, WORLDS) for name in ("threshold", "page-hinkley"))
elsewhere = costs_of("page-hinkley", "mix", 1, WORLDS)  # page-hinkley in other worlds
print("mix: threshold", mean_interval(one), "  page-hinkley", mean_interval(two))
print("difference, different worlds:", mean_interval(one - elsewhere))
print("difference, common worlds:   ", mean_interval(one - two))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
for axis, other, title in ((left, elsewhere, "different worlds"), (right, two, "common worlds")):
    axis.loglog(one, other, ".", color=MODEL, alpha=0.4)
    axis.loglog([0.3, 500], [0.3, 500], color=FAINT, linewidth=1)
    axis.set_title(title, loc="left", fontsize=10, color=INK)
    axis.set_xlabel("cost of threshold")
    axis.set_ylabel("cost of page-hinkley")
plt.show()

# %% [markdown]
# Each dot is a world (on the left: a pair of worlds that have nothing to do with each other). On the right
# they lie close to the line of equal cost: a hard world is hard for both. Only the distance to that line
# matters now.

# %% tags=["hide-input"] jupyter={"source_hidden": true}


def film_of_intervals(frames):
    """How both intervals shrink as worlds are added."""
    figure, axis = plt.subplots(figsize=(6.4, 3.2), dpi=100, layout="constrained")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "intervals.mp4"
        with Movie(path, (640, 320), fps=2) as movie:
            for worlds in frames:
                axis.clear()
                axis.axvline(0, color=LINE)
                for place, (other, colour, label) in enumerate(
                    ((elsewhere, FAINT, "different worlds"), (two, GOOD, "common worlds"))
                ):
                    found = mean_interval((one - other)[:worlds])
                    axis.plot([found.low, found.high], [place, place], color=colour, linewidth=6)
                    axis.plot(found.value, place, "o", color=INK)
                    axis.text(-96, place + 0.2, label, color=colour)
                axis.set_xlim(-100, 60)
                axis.set_ylim(-0.6, 1.6)
                axis.set_yticks([])
                axis.set_xlabel("cost of threshold − cost of page-hinkley, with its 95 % interval")
                axis.set_title(f"{worlds} worlds", loc="left", fontsize=12, color=INK)
                figure.canvas.draw()
                movie.add(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        plt.close(figure)
        return Inline(path.read_bytes())


film_of_intervals(np.unique(np.geomspace(8, WORLDS, 8 if FAST else 16).astype(int)))

# %% [markdown]
# ### Exercise 7.1: The interval of a difference (2 points)
#
# Two policies met the same n worlds. Return three numbers: the mean difference (mine − other), and the two
# ends of its 95 % interval, by the formula with 1.96.

# %%


def paired_interval(mine, other):
    """Mean of mine − other and the ends of its 95 % interval, for costs (n,) in the same worlds."""
    ...  # your answer


# %%
check("7.1", paired_interval)

# %% [markdown]
# How much is it worth to share the worlds? The standard error falls with √n, so an interval that is k times
# as wide needs k² times as many worlds to make up for it.

# %%
print("pair                           standard error           worlds that")
print("                               different   common       sharing saves")
for scenario, a, b in (
    ("mix", "threshold", "page-hinkley"),
    ("abrupt", "threshold", "page-hinkley"),
    ("gradual", "threshold", "page-hinkley"),
    ("abrupt", "threshold", "never"),
):
    first, second = costs_of(a, scenario, 0, WORLDS), costs_of(b, scenario, 0, WORLDS)
    apart = (first - costs_of(b, scenario, 1, WORLDS)).std() / WORLDS**0.5
    common = (first - second).std() / WORLDS**0.5
    print(f"{scenario:8} {a:>9} − {b:12} {apart:6.2f}   {common:6.2f}     {(apart / common) ** 2:8.1f} times")

# %% [markdown]
# In `mix`, where each world is of another kind, sharing is worth a factor of about 25. For two policies that
# have little in common (the last line) it is worth next to nothing, and it never harms.
#
# ### Exercise 7.2: How many worlds are enough (1 point)
#
# From a trial with a few hundred common worlds you have the differences. How many worlds do you need for an
# interval of ± `half_width` around the mean difference (formula with 1.96)? Round up to a whole number.

# %%


def worlds_needed(differences, half_width):
    """How many common worlds bring the interval to ± half_width, a whole number."""
    ...  # your answer


# %%
check("7.2", worlds_needed)

# %% [markdown]
# ## 3. More than a mean
#
# In `mix` both rules are so different from world to world that the mean tells half the story:

# %%
for name, costs in (("threshold", one), ("page-hinkley", two)):
    print(
        f"{name:13} mean {costs.mean():.1f}, of the middle half {iqm(costs):.1f}, dearest {costs.max():.1f}"
    )
print(
    f"cheaper: threshold in {np.mean(one < two):.0%} of the worlds, page-hinkley in {np.mean(two < one):.0%}"
)

levels = np.geomspace(1, 500, 200)
rules = ("threshold", "page-hinkley", "never", "periodic")
profiles = {name: profile(costs_of(name, "mix", 0, WORLDS), levels) for name in rules}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (name, share), colour in zip(profiles.items(), (MODEL, GOOD, FAINT, TRAIN), strict=True):
    axis.semilogx(levels, share, color=colour, label=name)
axis.set_xlabel("cost")
axis.set_ylabel("share of worlds that cost\nat most this much")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# `page-hinkley` has the lower mean. In the middle half of the worlds, though, `threshold` is the cheaper one,
# and it wins more often. It loses its lead in a few very costly worlds (the clump at the top right of the
# picture in section 2: `chaos`, where no remedy helps). Neither number is wrong; they answer different
# questions:
#
# - **mean**: what do I pay in the long run? Right for a budget.
# - **interquartile mean** (IQM): the mean of the middle half of the costs. Right for a typical world, and
#   steady, since a single disaster cannot move it (Agarwal et al., 2021).
# - **performance profile** (the picture): what share of the worlds costs at most this much? A curve that lies
#   higher is better *at that cost*. Crossing curves tell you that there is no simple winner.
# - **probability of improvement**: if I draw an episode of mine and one of the other's, how likely is mine
#   cheaper?
#
# ### Exercise 7.3: The interquartile mean (1 point)
#
# Write it: the mean of the costs without the lowest quarter and without the highest quarter. (The number of
# costs is a multiple of four.)

# %%


def middle_mean(costs):
    """The interquartile mean of costs (n,)."""
    ...  # your answer


# %%
check("7.3", middle_mean)

# %% [markdown]
# ### Exercise 7.4: The probability of improvement (2 points)
#
# Compare every cost of `mine` with every cost of `other`, and return the share of pairs in which mine is
# cheaper; a tie counts one half. Write it for arrays of any two lengths.

# %%


def improvement(mine, other):
    """The chance that a cost of mine (m,) is below one of the other's (n,)."""
    ...  # your answer


# %%
check("7.4", improvement)

# %%
chance = probability_of_improvement([two], [one])
print(f"page-hinkley over threshold, all of mix: {chance:.2f}")

# %% [markdown]
# Near 0.5 although the means differ clearly. A better mean does not promise a better result in a given world.
#
# ## 4. Three kinds of seeds
#
# Whoever picks the best of many settings picks luck along with skill. Try sixty calendars (retrain every 20,
# 21, … 79 cycles) on eight worlds of `abrupt`, where changes come at random and no calendar can know them:

# %%
few, fresh = world_seeds("tuning", 0, 8), world_seeds("evaluation", 3, WORLDS)
tried = {
    every: evaluate(policy(f"periodic:every={every}"), "abrupt", few).cost.mean()
    for every in range(20, 80, 3 if FAST else 1)
}
lucky = min(tried, key=tried.get)
again = {
    every: evaluate(policy(f"periodic:every={every}"), "abrupt", fresh).cost.mean()
    for every in (20, 40, lucky)
}
print(f"the winner retrains every {lucky} cycles: {tried[lucky]:.1f} on the eight worlds it was chosen on")
print(f"the same calendar on fresh worlds:      {again[lucky]:.1f}")
print(f"calendars nobody chose, fresh worlds:   {again[20]:.1f} (every 20), {again[40]:.1f} (every 40)")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.6), layout="constrained")
axis.plot(tried.keys(), tried.values(), "o-", markersize=3, color=HAND, label="on eight worlds")
axis.plot(lucky, again[lucky], "D", color=GOOD, label="the winner on fresh worlds")
axis.set_xlabel("cycles between retrainings")
axis.set_ylabel("mean cost")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# The zigzag is luck: which calendar happens to retrain after the jumps of these eight worlds. The more
# settings you try and the fewer worlds you try them on, the more of the winner's lead is luck (the **winner's
# curse**). The cure is old: *numbers count only on worlds that had no say in the choice.* So there are seeds
# for each purpose, and they never overlap:
#
# | purpose | used for |
# | --- | --- |
# | `training` | learning (lesson 6) |
# | `tuning` | choosing parameters |
# | `validation` | choosing among the finalists |
# | `evaluation` | the report, and nothing else |
#
# `world_seeds("tuning", 0, 128)` gives 128 seeds of one purpose. A seed that slips from evaluation into
# training is a **leak**. In production it is the customer who is in both the training set and the test set.
#
# ### Exercise 7.5: Find the leak (1 point)
#
# Write a function that returns all seeds that occur in both lists, each once, in ascending order. Mind the
# numbers: seeds have up to 19 digits.

# %%


def leaked_seeds(trained_on, evaluated_on):
    """The seeds that both arrays hold, in ascending order."""
    ...  # your answer


# %%
check("7.5", leaked_seeds)

# %% [markdown]
# The built-in rules come in two versions: `cusum` has default parameters, `cusum@mix` those that a search
# found for `mix`, on tuning worlds. Besides, every policy gets a **dummy**: a calendar that retrains just as
# often. A clever rule that does not beat a calendar as busy as itself owes its success to the number of
# retrainings, not to their timing. `compare` computes it along the way.

# %%
NAMES = [
    "never",
    "periodic",
    "threshold",
    "threshold@mix",
    "cusum",
    "cusum@mix",
    "page-hinkley",
    "page-hinkley@mix",
]
parts = compare({name: policy(name) for name in NAMES}, ["mix", "abrupt"], WORLDS)
for scenario in ("mix", "abrupt"):
    print(f"{scenario:18} {'mean cost':22} retrainings   a calendar as busy")
    for part in parts:
        if part.scenario == scenario:
            retrains = part.finding("retrains").mean()
            print(f"  {part.policy:16} {mean_interval(part.cost)!s:22} {retrains:8.1f} {part.calendar:14.1f}")

# %% [markdown]
# Tuning for `mix` helps in `mix`: `cusum@mix` is well below `cusum`. In `abrupt` the same settings are
# *worse* than the defaults: tuning fits a rule to its tuning worlds. So a comparison must say for which
# worlds each rule was tuned, and give every rival the same effort. Comparing your tuned policy with the
# others' defaults is the most common unfair comparison of all.
#
# It happened to the makers of this course. The network `ppo-mix` was said to save a fifth of the cost of the
# best rule, and so it does, of the rules above. Then somebody took the trouble to write a better rule,
# `expert`: two dozen parameters, each for something that goes wrong without it, and patiently tuned.

# %%
judged = {name: costs_of(name, "mix", 7, WORLDS) for name in ("page-hinkley@mix", "expert@mix", "ppo-mix")}
for rule in ("page-hinkley@mix", "expert@mix"):
    print(f"ppo-mix saves on {rule:17} {mean_interval(judged[rule] - judged['ppo-mix'])}")

# %% [markdown]
# Nearly all of what the network knew, a person could have written down. What a method is worth shows only
# beside the best rival that somebody who wanted the rival to win would bring.
#
# `springdrift policies` lists what else there is to compare, learned policies included, and `springdrift
# compare` does all of this with one command. (`never` retrains not at all, so it has no calendar: `nan`.)
#
# ## 5. Regret: how far from the best possible?
#
# "Cheaper than the others" may still be poor. To measure that, `hindsight` searches for the best plan *with
# the whole future known*. No policy can do so: it has read the future. Its cost shows what was possible at
# most, and the **regret** is what a policy paid beyond it. Better, regret can be split by cause:

# %%
RIVALS = {name: policy(name) for name in ("never", "threshold", "page-hinkley")}
split, courses = regret(RIVALS, "abrupt", episodes=1 if FAST else 6)
least = courses["hindsight"].terms.sum(axis=(0, 2))
print(f"hindsight costs {least.mean():.1f} on average of {len(least)} worlds; beyond it:")
beyond = {name: causes.mean(axis=0) for name, causes in split.items()}
for name, mean in beyond.items():
    by_cause = ", ".join(f"{cause} {value:.1f}" for cause, value in zip(CAUSES, mean, strict=True))
    print(f"  {name:13} {mean.sum():6.1f}: {by_cause}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(8, 2.8), layout="constrained")
shades = (MODEL, COLOURS["retrain"], HIDDEN, COLOURS["intervene"], LINE)
for place, mean in enumerate(beyond.values()):
    for column, value in enumerate(mean):
        axis.barh(place + 0.16 * (column - 2), value, height=0.15, color=shades[column])
axis.set_yticks(range(len(split)), list(split))
axis.invert_yaxis()
axis.set_xscale("symlog", linthresh=5)
axis.set_xticks([-2, 0, 2, 5, 10, 20, 50, 100], ["−2", "0", "2", "5", "10", "20", "50", "100"])
axis.set_xlabel("cost beyond hindsight")
handles = [plt.Rectangle((0, 0), 1, 1, color=shade) for shade in shades]
axis.legend(handles, CAUSES, frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# Now you know what to work on. Nearly everything that the good rules lose, they lose between a change and the
# new model: *late detection*. Needless retrainings hardly matter here. (In `faulty-sensor` it is the other
# way round; try it.) "The rest" can be negative: there hindsight spends something that the policy saves.
#
# Regret has a trap: a hindsight plan is found by search, so it may not be the very best, and the true regret
# may be larger still. And nobody can reach it, since nobody knows the future. It is something to compare
# with and not a goal.
#
# ## 6. Four suspects
#
# Four teams hand in a policy for `abrupt`. Each says what it costs. Do you believe it?

# %%
lineup = suspects()
for name, suspect in lineup.items():
    reported = evaluate(suspect.policy, "abrupt", suspect.reported_on, observe="truth").cost.mean()
    print(f"{name}: costs {reported:.1f} on {len(suspect.reported_on)} worlds")

# %% [markdown]
# One of them is `sound`. One was `lucky`: it was reported on the worlds that happened to suit it. One has
# `leaked`: it was made with the worlds of its own report. And one `peeks`: it reads what no operator can see.
# All reports were made with `observe="truth"`, where the dashboard has eight more columns with the hidden
# truth. The teams say that this makes no difference, "since our policy reads the usual 18 columns only". Does
# it?
#
# Each suspect has a `policy` and two lists of seeds, `trained_on` and `reported_on`. Think about what you can
# compare: other worlds (`world_seeds("evaluation", 77, 500)`), less to see (`observe="monitor"`), lists of
# seeds, intervals. For example:

# %%
suspect = lineup["C"]
for observe in ("truth", "monitor"):
    found = evaluate(suspect.policy, "abrupt", suspect.reported_on, observe=observe)
    print(f"C, its own worlds, {observe:8}", mean_interval(found.cost))

# %% [markdown]
# ### Exercise 7.6: Four suspects (3 points)
#
# Give each its verdict: `"sound"`, `"lucky"`, `"leaked"` or `"peeks"`.

# %%
verdicts = {"A": ..., "B": ..., "C": ..., "D": ...}  # your answer

# %%
check("7.6", verdicts)

# %% [markdown]
# ## 7. How to report
#
# An honest report answers these questions before anybody asks:
#
# 1. Which worlds, how many, and are they the same for every policy?
# 2. Which worlds were used for training, for tuning, and are they disjoint from these?
# 3. What does each policy see?
# 4. How much tuning did each policy get? Yours as much as the rivals?
# 5. The differences with intervals, not just the means; and what happens in the worst worlds?
# 6. What do `never`, a calendar as busy, and hindsight cost there?
# 7. What did you try that did not work, and how many settings did you try?
#
# This is what it looks like for our two rules:

# %%
gap = mean_interval(one - two)
print(
    f"On {WORLDS} worlds of mix (evaluation seed 0), the same for both, default parameters, monitor view:\n"
    f"page-hinkley costs {gap} less than threshold (mean of paired differences, 95 % bootstrap interval);\n"
    f"means {two.mean():.1f} and {one.mean():.1f}, IQM {iqm(two):.1f} and {iqm(one):.1f}, "
    f"dearest {two.max():.0f} and {one.max():.0f}."
)

# %%
total(7)

# %% [markdown]
# ## Take away
#
# - A mean without an interval is no result, and ten worlds are few.
# - Let rivals meet the same worlds and look at the differences: that is often worth more than ten times the
#   worlds.
# - Mean, IQM, profile and probability of improvement answer different questions. Say which one you ask.
# - Worlds that had a say in a choice cannot judge it. Keep the seeds of training, tuning and evaluation
#   apart.
# - Compare with a dummy as busy and with hindsight, and split the regret: it says what to work on.
