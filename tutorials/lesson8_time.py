# %% [markdown]
# # Lesson 8: Respecting time
#
# **Goal.** Decide well when time itself is short: how much data to gather before the first model, when a
# retraining is no longer worth it, how to catch a release slot, and when no model will ever help.
#
# **You need** lesson 4 (costs, windows, latency), lesson 7 (paired differences), logarithms, and `pip install
# "springdrift[cli,render]"`.
#
# **Time** about 80 minutes: 40 to read and run it, 40 for the exercises.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from springdrift import SCENARIOS, TERMS, Action, Jump, Scenario, simulate
from springdrift.render.view import COLOURS, FAINT, GOOD, HAND, HIDDEN, INK, LINE, MODEL, TRAIN
from springdrift_agents.course import FAST, check, total
from springdrift_agents.evaluation.evaluate import Script, evaluate, world_seeds
from springdrift_agents.evaluation.maps import break_even
from springdrift_agents.evaluation.statistics import mean_interval
from springdrift_agents.play.inline import Inline, inline
from springdrift_agents.play.movie import Movie
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import sense

WORLDS = 128 if FAST else 512  # in a mean
seeds = world_seeds("evaluation", 8, WORLDS)

# %% [markdown]
# ## 1. Proof of concept: just enough data
#
# Every project has this phase: no data, no model, and a date on which somebody wants to see that it works.
# The scenario `poc` is such a start. There are 40 cycles, no model has been fitted, and the machine swings
# down while you wait. A model can be asked for at any time. It is fitted on what has been measured so far and
# is live three cycles later.
#
# How long do you gather data first? Ask once, after 0, 1, 2, … cycles:

# %%


def plan_of(cycles, **decisions):
    """A policy that plays the same plan in all worlds: cycles in which to retrain, and to push by hand."""
    plan = np.zeros(cycles, np.int64)
    plan[decisions.get("push", [])] = Action.INTERVENE
    plan[decisions.get("retrain", [])] = Action.RETRAIN
    return Script(np.repeat(plan[None], WORLDS, axis=0))


requests = range(0, 13)
played = [evaluate(plan_of(40, retrain=[request]), "poc", seeds) for request in requests]
for request in (0, 1, 2, 3, 6, 12):
    print(f"asked after {request:2} cycles: {played[request].cost.mean():6.1f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
bottom = np.zeros(len(requests))
for column, term in enumerate(TERMS):
    part = np.array([one.terms[:, column].mean() for one in played])
    axis.bar(requests, part, bottom=bottom, color=COLOURS[term], label=term)
    bottom += part
axis.set_xlabel("cycles of data before the first model is asked for")
axis.set_ylabel("cost of 40 cycles")
axis.set_ylim(0, 45)
axis.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# With no data there is nothing to fit: that request is wasted (its bar leaves the picture). A single cycle,
# eight measurements, is enough for a model that holds the swing. A second cycle makes the forecast better
# (the dark blue part shrinks), but in the meantime the swing has decayed further (the light blue part grows).
#
# So a cycle of data has a **value** and a **price**. The price is paid now: one more cycle without a model.
# The value is earned later, in each cycle that the better model runs. *How many cycles are there to earn it?*
# Look at the difference between asking after two cycles and asking after one, in the same worlds:

# %%
for cycles in (10, 20, 40, 60, 100, 200):
    early, late = (
        evaluate(plan_of(cycles, retrain=[request]), "poc", seeds, cycles=cycles).cost for request in (1, 2)
    )
    better = 1 if late.mean() > early.mean() else 2
    extra = mean_interval(late - early)
    print(f"deadline {cycles:3}: the second cycle of data costs {extra!s:18} more: ask after {better}")

# %% [markdown]
# With 40 cycles to go, hurry. With 100 it pays to wait for the second cycle. **The further away the deadline,
# the more data you should gather before you start.** A week's hackathon and a five-year product need
# different first models.
#
# ### Exercise 8.1: Just enough data (2 points)
#
# A small model of this trade. Every cycle without a model costs `waiting`. A model that was fitted on n
# cycles of data costs `excess / n` in every cycle in which it runs. You gather n cycles (at least one), ask,
# and the model is live `latency` cycles later, until the `deadline`. So there are n + latency cycles without
# a model, and deadline − n − latency with it. Which whole n, from 1 to deadline − latency, makes the cost
# smallest?

# %%


def cycles_of_data(waiting, excess, latency, deadline):
    """The whole number of cycles of data that makes the bill smallest."""
    ...  # your answer


# %%
check("8.1", cycles_of_data)

# %% [markdown]
# (On paper: the derivative with respect to n is zero near n = √(excess · (deadline − latency) /
# waiting). The square root again, as in lesson 4: four times the deadline asks for twice the data.)
#
# And while you wait? Nobody says that you must watch the swing die. Push by hand until the model is live:

# %%
for request in (1, 2, 3):
    without = played[request].cost
    pushing = evaluate(plan_of(40, retrain=[request], push=range(request + 3)), "poc", seeds).cost
    print(f"asked after {request}: {without.mean():5.1f}, with pushes until it is live {pushing.mean():5.1f}")

# %% [markdown]
# Pushing makes waiting cheaper, so more data become affordable: asking after two cycles is now as good as
# after one. In a real proof of concept: serve the first weeks by hand, and let the data come.
#
# The rule `threshold` does just that. Watch it: it pushes in the first cycles, asks in cycle 4, and its first
# model is live in cycle 7. Until then the forecast (blue) is a flat line, which is all that a machine without
# a model can say.

# %%
inline("threshold", "poc", seed=0, cycles=(0, 3) if FAST else (0, 12), frames=4 if FAST else 12)

# %% [markdown]
# ## 2. The deadline: is it still worth it?
#
# At the other end of a project the same sum looks different. The world has changed, the window is clean, and
# n cycles are left. A retraining costs its `fee` now. During its `latency` the old model still runs. After
# that, every cycle saves `saving`. It pays if saving · (n − latency) > fee.
#
# ### Exercise 8.2: Is it still worth it? (1 point)
#
# Return the smallest whole number of cycles left for which a retraining pays, that is, saves *more* than its
# fee.

# %%


def break_even_cycles(saving, fee, latency):
    """The smallest whole number of cycles left for which a retraining pays."""
    ...  # your answer


# %%
check("8.2", break_even_cycles)

# %% [markdown]
# The machine's answer: a spring that jumps in cycle 20, a clean request in cycle 26, and a deadline n cycles
# after it.

# %%


def changes_at(cycle, cycles, release_every=0):
    """A world whose stiffness jumps once."""
    return Scenario(
        f"jump in {cycle}",
        "the stiffness jumps once",
        laws=(Jump("stiffness", (5.5, 16.5), 2.5),),
        onset=(cycle, cycle),
        gap=(1000, 1000),
        cycles=cycles,
        release_every=release_every,
    )


left = np.arange(2, 21)
gains, waited = [], []
for n in left:
    world = changes_at(20, 26 + int(n))
    never = evaluate(policy("never"), world, seeds).cost
    waited.append(never.mean())
    gains.append(mean_interval(never - evaluate(plan_of(26 + int(n), retrain=[26]), world, seeds).cost))
print("it pays from", left[[gain.value > 0 for gain in gains]][0], "cycles left on")
saving = (waited[6] - waited[1]) / 5  # from 3 to 8 cycles left
print(f"a cycle with the old model costs about {saving:.2f}; 3 + 3 / {saving:.2f} = {3 + 3 / saving:.1f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
axis.axhline(0, color=LINE)
axis.axvline(3, color=TRAIN, linestyle="--", linewidth=1, label="latency")
axis.fill_between(left, [g.low for g in gains], [g.high for g in gains], color=GOOD, alpha=0.25, linewidth=0)
axis.plot(left, [gain.value for gain in gains], "o-", markersize=4, color=GOOD)
axis.set_xlabel("cycles left when the retraining is asked for")
axis.set_ylabel("what it saves")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# If a new model saved the whole cost of the old one, the formula would say 7, the first whole number above
# 6.1. The machine says 8 (with 7 left it just breaks even): a new model does not save everything at once,
# since the swing needs some cycles to come back. Such a delay between the repair and its effect belongs into
# the sum, too.
#
# How much is it worth to know that? Take built-in rules and forbid them to retrain in the last eight
# cycles. Because the worlds are common (lesson 7), even a small difference is certain.

# %%


class NotTooLate:
    """A rule that no longer retrains when fewer than ``last`` of 200 cycles are left."""

    def __init__(self, rule, last):
        self.rule, self.last = rule, last

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        decisions, state = self.rule.predict(observation, state=state, episode_start=episode_start)
        late = 200 * sense(observation, "time_left") < self.last
        return np.where(late & (decisions == Action.RETRAIN), Action.WAIT, decisions), state


for scenario in ("abrupt", "gradual"):
    for name in ("threshold", "page-hinkley", "periodic"):
        plain = evaluate(policy(name), scenario, seeds).cost
        gated = evaluate(NotTooLate(policy(name), 8), scenario, seeds).cost
        saved = mean_interval(plain - gated)
        print(f"{scenario:8} {name:13} costs {plain.mean():6.1f}; not too late saves {saved}")

# %% [markdown]
# One percent is not much, but it is free. `periodic` retrains in its very last cycle, and pays 3.0 for
# nothing. No calendar knows the deadline.
#
# ## 3. Release slots: catch the train
#
# In many companies a new model cannot ship at any time. There is a **release train**: it leaves every second
# Tuesday, with what is ready. In the scenario `release-train` a model ships only in cycles that are multiples
# of 10.
#
# ### Exercise 8.3: Catch the train (1 point)
#
# A retraining is asked for in cycle `request`, and its model is ready in cycle request + latency. It is live
# from the first cycle that is a multiple of `every` and not earlier than that. Return this cycle.

# %%


def live_from(request, latency, every):
    """The cycle from which the new model runs."""
    ...  # your answer


# %%
check("8.3", live_from)

# %% [markdown]
# Now the world changes in cycle 20, 23, 25 or 27. When should you ask?

# %%
by_change = {}  # cycles in which one may ask, and what it costs
for change in (20, 23, 25, 27):
    world = changes_at(change, 100, release_every=10)
    asked = np.arange(change + 1, 42)
    costs = [evaluate(plan_of(100, retrain=[int(cycle)]), world, seeds).cost.mean() for cycle in asked]
    by_change[change] = asked, costs
    best = int(np.argmin(costs))
    print(f"change in {change}: best asked in {asked[best]}, {costs[best]:.1f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 4, figsize=(12, 2.8), layout="constrained", sharey=True)
for axis, (change, (asked, costs)) in zip(axes, by_change.items(), strict=True):
    axis.step(asked, costs, where="mid", color=MODEL)
    axis.axvline(change + 6, color=GOOD, linewidth=1, label="window clean")
    for slot in (27, 37):
        axis.axvline(
            slot + 0.5, color=TRAIN, linestyle="--", linewidth=1, label="last call" if slot == 27 else None
        )
    axis.set_title(f"the world changes in cycle {change}", loc="left", fontsize=10, color=INK)
    axis.set_xlim(change, 42)
    axis.set_xticks(range(change - change % 5 + 5, 42, 5))
    axis.set_xlabel("asked in cycle")
axes[0].set_ylabel("cost of 100 cycles")
axes[0].set_ylim(0, 50)
axes[0].legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# The dashed lines are the **last calls**: whoever asks in cycle 27 is live in cycle 30, and one cycle later
# it is cycle 40 instead. Between two last calls it hardly matters when you ask, since the model waits for the
# slot anyway. So wait for as clean a window as you can get, *but do not miss the slot*.
#
# The second case is the interesting one. With a change in cycle 23 the window is clean only in cycle
# 29, two cycles after the last call. A window with four new cycles out of six now is much better than a clean
# one ten cycles later. With a change in 25 the two are about equal. With a change in 27 this slot is gone:
# take the next one.
#
# ## 4. Latency
#
# How much do fast retrainings help? The same worlds, but a new model takes 1, 3, 6, 12 or 24 cycles:

# %%
LATENCIES = (1, 3, 6, 12, 24)
slow = {}
for name in ("swing", "periodic", "retrain", "threshold", "page-hinkley"):
    slow[name] = [
        evaluate(policy(name), "abrupt", seeds, latency=latency).cost.mean() for latency in LATENCIES
    ]
    print(f"{name:13}", "  ".join(f"{cost:6.1f}" for cost in slow[name]))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for (name, costs), colour in zip(slow.items(), (FAINT, TRAIN, HAND, MODEL, GOOD), strict=True):
    axis.plot(LATENCIES, costs, "o-", markersize=4, color=colour, label=name)
axis.set_xlabel("latency of a retraining, cycles")
axis.set_ylabel("cost of an episode")
axis.set_ylim(bottom=0)
axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# A fast pipeline is worth money, and now you can say how much: for `retrain`, each cycle of latency costs
# about 4 an episode. The rules that push by hand while they wait (`threshold`, `page-hinkley`) lose about 2
# and 1.4. And `swing`, which never retrains, does not care. With a slow pipeline the manual override becomes
# part of the plan.
#
# Latency and price together decide which strategy pays. `springdrift map -s abrupt` draws this map:

# %%
RIVALS = {
    name: policy(name) for name in ("never", "swing", "periodic", "retrain", "threshold", "page-hinkley")
}
RATIOS = (1.0, 5.0, 20.0, 50.0)
cells = break_even(RIVALS, "abrupt", RATIOS, LATENCIES, episodes=WORLDS // 2)
print("           price of a retraining, in pushes by hand")
print("latency    " + "".join(f"{ratio:<20g}" for ratio in RATIOS))
for latency in LATENCIES:
    row = [cell for cell in cells if cell.latency == latency]
    texts = [f"{cell.winner} {min(cell.costs.values()):.0f}" for cell in row]
    print(f"{latency:7}    " + "".join(f"{text:20}" for text in texts))

# %% [markdown]
# Where retraining is dear and slow, the best strategy is to live with a stale model and to override it by
# hand.
#
# ## 5. When no retraining helps
#
# A retraining cures one thing: a model that describes an older world. Six scenarios:
#
# | scenario | what happens |
# | --- | --- |
# | `gradual` | the spring's stiffness walks at random |
# | `tilt` | the incline slowly gets steeper, or flatter |
# | `wear` | friction grows until the controller cannot make up for it |
# | `fade` | the electromagnet becomes weaker |
# | `driver` | an unseen periodic force, with a rhythm of its own, comes and goes |
# | `chaos` | the spring is another kind: it snaps from one side to the other and never repeats itself |
#
# ### Exercise 8.4: What would help? (2 points)
#
# Predict before you measure. In each, compare three operators: one waits, one retrains by the calendar (every
# 40 cycles), one pushes by hand while the swing is off by 30 %. Which of the three pays least?

# %%
cures = {  # "wait", "retrain" or "intervene"
    "gradual": ...,
    "tilt": ...,
    "wear": ...,
    "fade": ...,
    "driver": ...,
    "chaos": ...,
}

# %%
check("8.4", cures)

# %% [markdown]
# Have you decided? Then run this cell.

# %%
print("             waits     retrains    pushes       forecast + swing: waits, retrains")
for scenario in cures:
    row = {name: evaluate(policy(name), scenario, seeds) for name in ("never", "periodic", "swing")}
    costs = "     ".join(f"{one.cost.mean():6.1f}" for one in row.values())
    sickness = [one.terms[:, :2].sum(axis=1).mean() for one in (row["never"], row["periodic"])]
    print(f"{scenario:9} {costs}             {sickness[0]:6.1f} {sickness[1]:6.1f}")

# %% [markdown]
# The last two columns leave out the fees. Where they are equal, a new model changes *nothing*, even as a
# present. In `wear` and `fade` the forecast was right all along: the process has lost its strength, and
# only strength helps. In `driver` and `chaos` the forecast is wrong, and a new model is nearly as wrong as
# the old one. An alarm on the forecast error would sound all the time. **A high error is a symptom. Before
# you retrain, ask whether any model of this kind could do better.**
#
# ## 6. Chaos
#
# Why does no retraining help in `chaos`? The first reason is plain. The machine's model is linear: it knows
# one resting place and swings around it. This spring has two resting places, and an unseen force drives it
# from one to the other. The model is of the wrong *kind*, and new data do not change its kind. The second
# reason limits every model, even a perfect one. To see it, let the physics run without operator and model.
# Two starts, a tenth of a millimetre apart:

# %%
snap = SCENARIOS["chaos"].params
near, far = (simulate(snap, x0=x0, duration=60.0) for x0 in (0.1, 0.1001))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 2.6), layout="constrained")
axis.plot(near.t / 2, near.x, color=MODEL, label="start at 0.1000 m")
axis.plot(far.t / 2, far.x, color=HAND, linestyle="--", label="start at 0.1001 m")
axis.set_xlabel("cycles (of 2 s)")
axis.set_ylabel("position, m")
axis.set_ylim(-0.5, 0.7)
axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
plt.show()

# %% [markdown]
# The same law, no noise, nothing random. For some cycles both agree. Then they part, and each goes its own
# way from one side to the other. Now two hundred starts within one millimetre; each dot is one machine, with
# its position and velocity:

# %% tags=["hide-input"] jupyter={"source_hidden": true}


def film_of_a_cloud(count, cycles):
    rng = np.random.default_rng(3)
    starts = 0.1 + rng.uniform(-0.0005, 0.0005, count)
    runs = [simulate(snap, x0=x0, duration=2.0 * cycles, every=2) for x0 in starts]
    x, v = np.array([run.x for run in runs]), np.array([run.v for run in runs])
    figure, axis = plt.subplots(figsize=(4.8, 3.2), dpi=100, layout="constrained")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cloud.mp4"
        with Movie(path, (480, 320), fps=12) as movie:
            for frame in range(0, x.shape[1], 4):  # eight pictures a cycle
                axis.clear()
                axis.plot(x[0, : frame + 1], v[0, : frame + 1], color=LINE, linewidth=0.8)
                axis.plot(x[:, frame], v[:, frame], ".", color=HIDDEN, markersize=3)
                axis.set_xlim(-0.6, 0.6)
                axis.set_ylim(-1.0, 1.0)
                axis.set_xlabel("position, m")
                axis.set_ylabel("velocity, m/s")
                axis.set_title(f"cycle {frame / 32:.1f}", loc="left", fontsize=11, color=INK)
                figure.canvas.draw()
                movie.add(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        plt.close(figure)
        return Inline(path.read_bytes())


film_of_a_cloud(count=200, cycles=4 if FAST else 16)

# %% [markdown]
# First a dot, then a thread, then everywhere. This is **deterministic chaos**: small differences grow by the
# same factor in each unit of time, as e^(λt). The number λ (lambda) is the **Lyapunov exponent**. If it is
# above zero, forecasts have an end.
#
# To measure it, follow many pairs of runs that start very close together, take the logarithm of each
# distance, and average over the pairs. While the distances are small, this mean grows along a straight
# line, and its slope is λ. Later it is flat: no two runs can be further apart than the machine is wide.

# %%


def distances_of_pairs(pairs, seconds=60.0, apart=1e-9):
    """Times (n,) in s and distances (pairs, n) of runs that start ``apart`` metres from each other."""
    rng = np.random.default_rng(8)
    gaps = []
    for _ in range(pairs):
        begin = replace(snap, drive_phase=rng.uniform(0, 2 * np.pi))
        settled = simulate(begin, rng.uniform(-0.4, 0.4), rng.uniform(-0.3, 0.3), duration=seconds, dt=1 / 64)
        turned = replace(begin, drive_phase=begin.drive_phase + snap.drive_omega * seconds)
        one, two = (
            simulate(turned, settled.x[-1] + shift, settled.v[-1], duration=seconds, dt=1 / 64, every=4)
            for shift in (0.0, apart)
        )
        gaps.append(np.hypot(one.x - two.x, (one.v - two.v) / snap.drive_omega))
    return one.t, np.array(gaps)


seconds, gaps = distances_of_pairs(40 if FAST else 400)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.semilogy(seconds / 2, gaps[:20].T, color=LINE, linewidth=0.7)
axis.semilogy(
    seconds / 2, np.exp(np.log(gaps).mean(axis=0)), color=HIDDEN, linewidth=2, label="mean of the logarithms"
)
axis.axhline(1e-3, color=FAINT, linestyle="--", linewidth=1, label="ceiling")
axis.set_xlabel("cycles")
axis.set_ylabel("distance, m")
axis.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# (Grey: the first twenty pairs. The distance is in metres: velocities are divided by the drive's ω first.)
#
# ### Exercise 8.5: How fast small differences grow (3 points)
#
# Given times `t` (n,), `distances` (pairs, n) and a `ceiling`, return λ: the slope of the mean logarithm
# (natural, averaged over the pairs) as a function of time, fitted by a straight line to all times at which
# that mean is below the logarithm of the ceiling.

# %%


def lyapunov_exponent(t, distances, ceiling):
    """The exponent of the growth of distances (pairs, n) at times t (n,)."""
    ...  # your answer


# %%
check("8.5", lyapunov_exponent)

# %% [markdown]
# The machine's spring is a famous one. With lengths in units of 0.3 m and times in units of 0.45 s its
# equation is x″ + 0.25 x′ − x + x³ = 0.4 cos t, the two-well oscillator in Sprott's collection of chaotic
# systems. He gives λ = 0.1572 for it. Does our machine have it, too? (The next cell does the fit by itself.)

# %%
TIME = 0.45  # s, the unit of time of that equation


def fitted(gaps):
    mean = np.log(gaps).mean(axis=0)
    growing = mean < np.log(1e-3)
    return np.polyfit(seconds[growing] / TIME, mean[growing], 1)[0]


rng = np.random.default_rng(0)
again = [fitted(gaps[rng.integers(len(gaps), size=len(gaps))]) for _ in range(200)]
low, high = np.percentile(again, (2.5, 97.5))
exponent = fitted(gaps)
print(f"lambda = {exponent:.4f} [{low:.4f}, {high:.4f}] for each 0.45 s; published: 0.1572")
rate = exponent * 2 / TIME  # for each cycle of 2 s
print(f"for each cycle: {rate:.2f}, so differences double every {np.log(2) / rate:.2f} cycles")

# %% [markdown]
# Differences double in every cycle. Now the end of a forecast can be computed before any model is built.
#
# ### Exercise 8.6: The horizon of a forecast (1 point)
#
# You know the state with an error of `precision`. It grows as e^(λt). After which time is it as large as
# `tolerance`? That is the **forecast horizon**. (The unit of time is that of λ.)

# %%


def forecast_horizon(precision, tolerance, exponent):
    """The time in which an error of precision grows to tolerance."""
    ...  # your answer


# %%
check("8.6", forecast_horizon)

# %%
for precision in (6e-3, 6e-4, 6e-6):
    cycles = np.log(0.15 / precision) / rate
    print(f"state known to {1000 * precision:5.3f} mm: useful for {cycles:4.1f} cycles")

# %% [markdown]
# (Tolerance: 0.15 m, half of the usual amplitude.) The sensor's noise is 6 mm. So a *perfect* model could
# look less than five cycles ahead, and a sensor a thousand times as good would buy ten more. Each halving of
# the error buys one cycle. That is one reason why weather forecasts gain only about a day in ten years.
#
# So a better kind of model might forecast the next cycle of `chaos`, but none could forecast the tenth.
# Retraining the one we have gives neither.
#
# What to do? Look at what each strategy pays:

# %%
for name in ("never", "periodic:every=10", "retrain", "always", "threshold"):
    part = evaluate(policy(name), "chaos", seeds)
    terms = ", ".join(
        f"{term} {value:5.1f}" for term, value in zip(TERMS, part.terms.mean(axis=0), strict=True)
    )
    print(f"{name:18} {part.cost.mean():6.1f}   ({terms})")

# %% [markdown]
# Twenty retrainings an episode make the forecast term smaller by 3 %. Nobody beats the one who does nothing.
# That is the hardest decision for a team with a dashboard full of warnings: to know that nothing helps, and
# to wait.

# %%
total(8)

# %% [markdown]
# ## Take away
#
# - Gather just enough data: another cycle must earn its price before the deadline, so short projects start
#   early.
# - Near the end a retraining no longer pays: it needs latency + fee/saving cycles, and a little more.
# - Know the timetable: a slightly spoilt window on this train can beat a clean one on the next.
# - Slow pipelines make the manual override valuable; a map of price and latency says where.
# - A high error may have no cure. Ask whether any model could do better, and learn to wait.
