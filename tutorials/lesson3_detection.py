# %% [markdown]
# # Lesson 3: Detection
#
# **Goal.** Notice a change from the forecast error alone. A detector makes two mistakes, the false alarm
# and the late alarm; learn to measure both, to compare detectors fairly, and to choose a threshold by
# what the mistakes cost.
#
# **You need** lessons 1 and 2, the normal distribution, and `pip install "springdrift[cli,render]"`.
#
# **Time** about 90 minutes: 40 to read and run it, 50 for the exercises. The first half (to exercise 3.3)
# stands on its own: stop there if you have an hour.

# %%
from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np
from river import drift

from springdrift import InclinedMassVectorEnv
from springdrift.render.view import FAINT, GOOD, HAND, HIDDEN, INK, MODEL, TRAIN
from springdrift_agents.course import FAST, check, total
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.policies.detectors import (
    Cusum,
    Ewma,
    PageHinkley,
    River,
    calibrate,
    run_lengths,
    siegmund,
)
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import error_of, sense

RUNS = 500 if FAST else 4000  # simulated runs of a detector
FEW = 5 if FAST else 20  # of the slow ones
WORLDS = 100 if FAST else 1000

# %% [markdown]
# ## 1. Two ways to be wrong
#
# A **detector** reads one number after the other, here the forecast error of each cycle, and says nothing
# until it sounds an **alarm**: "something has changed". It can be wrong in two ways:
#
# - a **false alarm**: it sounds although nothing has changed. Somebody is called, a model is retrained
#   for nothing; and after the tenth false alarm nobody comes any more;
# - a **late alarm**: something has changed, and for many cycles it says nothing. That time is the
#   *delay*.
#
# Every detector can be made less sensitive (fewer false alarms) at the price of being slower, by its
# *threshold*. So a delay says nothing without the rate of false alarms, and the other way round. That is
# the whole lesson in one sentence; the rest is how to do it with numbers.
#
# To begin with, a clean laboratory: independent values from the normal distribution, **standardised**: as
# long as all is well, their mean is 0 and their standard deviation 1. When something breaks, the mean
# shifts.

# %%
rng = np.random.default_rng(317)
values = rng.standard_normal(200)
values[120:] += 1.0  # something breaks

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 2.6))
axis.plot(values, ".", color=INK, markersize=4)
axis.axvline(
    120, color=HIDDEN, linestyle="--", linewidth=1.2, label="the mean shifts by one standard deviation"
)
axis.axhline(3.0, color=HAND, linewidth=1, label="limit 3")
axis.axhline(-3.0, color=HAND, linewidth=1)
axis.set(xlabel="cycle", ylabel="standardised value", ylim=(-4.5, 5.5))
axis.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
axis.set_title("A shift that the eye hardly finds, and the limit never", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# ## 2. A limit, and how long it stays quiet
#
# The oldest detector is a **Shewhart chart**: alarm when a single value lies outside $\pm L$. With
# $L = 3$ a value of a healthy process does so with probability 0.0027.
#
# How long until the first false alarm? That length is random; its mean is the **ARL0**, the *average run
# length* when nothing has changed. If an alarm has probability $p$ in each cycle, it takes $1/p$ cycles
# on average, as a die takes six throws on average until the first six. The mean delay after a change is
# called **ARL1**. You want ARL0 large and ARL1 small.

# %%
single = Ewma(weight=1.0, threshold=2.807, two_sided=True)  # of weight 1: each value by itself
lengths = run_lengths(single, n=RUNS).lengths

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.8))
axis.hist(lengths, bins=np.arange(0, 801, 20), color=MODEL, alpha=0.7)
axis.axvline(lengths.mean(), color=HAND, linewidth=1.5, label=f"mean (the ARL0): {lengths.mean():.0f}")
axis.axvline(
    np.median(lengths), color=GOOD, linewidth=1.5, linestyle="--", label=f"median: {np.median(lengths):.0f}"
)
axis.set(xlabel="cycles until the first false alarm", ylabel="runs")
axis.legend(frameon=False, fontsize=8)
axis.set_title(
    "Limit 2.807 on a healthy process: most run lengths are not near their mean", loc="left", fontsize=10
)
plt.show()

# %% [markdown]
# A mean of 200, and yet half of the false alarms come before 140, many of them very soon. An ARL0 is a
# rate, not a warranty period: in an episode of 200 cycles such a detector sounds a false alarm with the
# probability $1 - (1 - 1/200)^{200} = 63\,\%$.


# %% [markdown]
# ### Exercise 3.1: How quiet is a limit? (1 point)
#
# Write the ARL0 of a Shewhart chart with the limits $\pm L$ on independent standard normal values.
# (`NormalDist().cdf(x)` from `statistics` is the probability of a value below `x`.)


# %%
def shewhart_arl(limit):
    """Average number of values until one lies outside plus or minus ``limit``, when nothing has changed."""
    ...  # your answer


# %%
check("3.1", shewhart_arl)

# %% [markdown]
# ## 3. Detectors with a memory
#
# The shift in the first picture is as large as the noise. A single value cannot tell them apart, but many
# values together can. There are three classic ways to remember. All three are meant for a *rise* here (an
# error that becomes smaller is no reason for an alarm):
#
# - **CUSUM** (cumulative sum): $S_t = \max(0,\; S_{t-1} + z_t - \kappa)$, alarm when $S_t > h$. Values
#   above the *slack* $\kappa$ fill a bucket, values below empty it, and the bucket is never less than
#   empty. Take for $\kappa$ half the shift that you want to find soonest.
# - **EWMA** (exponentially weighted moving average): $m_t = m_{t-1} + \lambda (z_t - m_{t-1})$, alarm
#   when $m_t$ exceeds $h$ of its own standard deviations. Old values fade away.
# - **Page-Hinkley**: a CUSUM that does not know the healthy mean and takes the mean of all values so far.

# %%
detectors = {
    "CUSUM": (Cusum(slack=0.5, threshold=3.48, two_sided=False), MODEL),
    "EWMA": (Ewma(weight=0.2, threshold=2.35, two_sided=False), HAND),
    "Page-Hinkley": (PageHinkley(slack=0.25, threshold=5.49), TRAIN),
}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(3, 1, figsize=(9, 4.6), sharex=True)
for axis, (name, (detector, colour)) in zip(axes, detectors.items(), strict=True):
    memory = detector.start(1)
    path = np.array([detector.update(memory, values[t : t + 1])[0] for t in range(len(values))])
    axis.plot(path, color=colour, linewidth=1.2)
    axis.set_ylim(min(-0.3, path.min()), 4 * detector.threshold)
    axis.axhline(detector.threshold, color=INK, linewidth=0.8, linestyle=":")
    axis.axvline(120, color=HIDDEN, linestyle="--", linewidth=1.2)
    late = np.flatnonzero(path[120:] > detector.threshold)
    axis.set_title(f"{name}: first alarm after the shift: {late[0] + 1} values", loc="left", fontsize=9)
axes[-1].set_xlabel("cycle")
figure.tight_layout()
plt.show()

# %% [markdown]
# The dotted lines are the thresholds. They were chosen so that all three have the same ARL0 of about 200;
# anything else would be unfair.

# %% [markdown]
# ### Exercise 3.2: A CUSUM by hand (2 points)
#
# Write the path $S_1, S_2, \dots$ of the CUSUM. It starts from $S_0 = 0$, which is not part of the
# answer.


# %%
def cusum_path(values, slack):
    """The statistic after each value, an array as long as ``values``."""
    ...  # your answer


# %%
check("3.2", cusum_path)

# %% [markdown]
# ## 4. Compare at equal ARL0
#
# How large must the threshold be? For the CUSUM there is a formula that is good enough for daily use,
# **Siegmund's approximation** (1985). With the shift $\delta$ and $b = h + 1.166$ it says for the average
# run length
#
# $$\mathrm{ARL} \approx \frac{e^{-2\Delta b} + 2\Delta b - 1}{2\Delta^2}, \qquad \Delta = \delta - \kappa.$$
#
# With $\delta = 0$ it is the ARL0, with the shift it is the delay. `siegmund(change, slack, threshold)`
# computes it. Trust it, but look:

# %%
print("threshold   ARL0 formula  simulated    delay formula  simulated (shift 1)")
for threshold in (2.0, 3.0, 4.0) if FAST else (2.0, 3.0, 4.0, 5.0):
    cusum = Cusum(slack=0.5, threshold=threshold, two_sided=False)
    quiet, shifted = run_lengths(cusum, 0.0, RUNS), run_lengths(cusum, 1.0, RUNS)
    print(
        f"{threshold:9.1f} {siegmund(0, 0.5, threshold):14.0f} {quiet.mean:6.0f} ± {1.96 * quiet.error:3.0f}"
        f" {siegmund(1.0, 0.5, threshold):15.1f} {shifted.mean:10.1f}"
    )

# %% [markdown]
# Read the table downwards. With each step of the threshold the ARL0 is multiplied by nearly three, and
# the delay grows by two cycles only. **Quiet is cheap**: the ARL0 grows exponentially with the threshold,
# the delay in proportion to it.

# %% [markdown]
# ### Exercise 3.3: The threshold for a wanted ARL0 (2 points)
#
# Write a function that finds the threshold at which Siegmund's approximation of the ARL0 is what you
# want. (The ARL0 grows with the threshold: halve an interval again and again, or use any other root
# finder.)


# %%
def threshold_for(arl0, slack):
    """Threshold of a one-sided CUSUM with this slack whose ARL0, by Siegmund's formula, is ``arl0``."""
    ...  # your answer


# %%
check("3.3", threshold_for)

# %% [markdown]
# For other detectors there is no formula, but there is always simulation. `calibrate(detector, arl0)`
# searches the threshold that way. With all detectors at an ARL0 of 200, the delays may be compared. The
# shift comes after 100 healthy values, so that a detector that has to learn the mean has had the time.

# %%
field = {
    "Shewhart": Ewma(weight=1.0, two_sided=False),
    "CUSUM": Cusum(slack=0.5, two_sided=False),
    "EWMA": Ewma(weight=0.2, two_sided=False),
    "Page-Hinkley": PageHinkley(slack=0.25),
}
shifts = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0])
delays = {}
for name, plain in field.items():
    tuned = calibrate(plain, 200.0, n=RUNS // 4)
    delays[name] = [run_lengths(tuned, shift, RUNS, seed=1, after=100).mean for shift in shifts]
    print(f"{name:12} threshold {tuned.threshold:5.2f}   delays", np.round(delays[name], 1))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3.6))
for (name, mean), colour in zip(delays.items(), (FAINT, MODEL, HAND, TRAIN), strict=True):
    axis.plot(shifts, mean, "o-", color=colour, markersize=4, linewidth=1.2, label=name)
axis.set(xscale="log", yscale="log", xlabel="shift, standard deviations", ylabel="mean delay, cycles")
axis.set_xticks(shifts, [f"{shift:g}" for shift in shifts])
axis.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
axis.minorticks_off()
axis.legend(frameon=False, fontsize=8)
axis.set_title("At equal false alarms: no detector is best for every shift", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# For a shift of one standard deviation memory pays: the CUSUM needs 7 cycles, the single limit 17. For a
# shift of 4, the single limit is the fastest. And whoever does not know the healthy mean (Page-Hinkley)
# pays for learning it. There is no best detector, only one that suits the change you fear.
#
# ## 5. Why defaults mislead
#
# Libraries come with detectors, and detectors come with default settings. Everybody uses them. What are
# they set to? Here are three of river's, a good library, just as they are. They know neither the healthy
# mean nor the noise, look for rises and falls alike, and were made for long streams of data.

# %%
shelf = {
    "ADWIN": (drift.ADWIN, 2000 if FAST else 20000),
    "KSWIN": (lambda: drift.KSWIN(seed=1), 2000 if FAST else 20000),
    "PageHinkley": (drift.PageHinkley, 2000 if FAST else 20000),
}
print("default         ARL0          delay (shift 1)    a CUSUM at that ARL0")
for name, (make, limit) in shelf.items():
    quiet = run_lengths(River(make), 0.0, FEW, limit=limit)
    shifted = run_lengths(River(make), 1.0, FEW, seed=1, after=100, limit=limit)
    steps = np.linspace(1.0, 20.0, 400)
    same = steps[np.argmax([siegmund(0.0, 0.5, step) >= quiet.mean for step in steps])]
    known = f"{'>' if quiet.silent else ''}{quiet.mean:.0f}"
    print(f"{name:12} {known:>8} {shifted.mean:18.0f} {siegmund(1.0, 0.5, same):20.0f}")

# %% [markdown]
# (The `>` means that some detectors were still silent when the simulation gave up.) If you compared only
# the delays you would say: KSWIN is the best of the three. But it sounds a false alarm every 900 cycles
# or so (the number is rough: the detector is slow, and few runs were made), and ADWIN practically never.
# They stand at different points of the same trade-off, and nobody asked *you* where you want to stand. An
# episode of the machine has 200 cycles; a delay of 70 is a third of it.
#
# A default threshold has a second trap: its **unit**. Page-Hinkley adds up errors; its threshold of 50
# means one thing for errors in metres and another in per cent. Two worlds, left alone, with their errors
# in three units:


# %%
def errors_of(scenario, worlds, purpose="evaluation"):
    """Forecast error by cycle and world, (cycles, worlds), when nobody acts; and the last changes."""
    envs = InclinedMassVectorEnv(worlds, scenario=scenario)
    envs.reset(seed=world_seeds(purpose, 0, worlds).tolist())
    errors, changes = [], []
    for _ in range(200):
        observation, _, _, _, info = envs.step(np.zeros(worlds, int))
        errors.append(error_of(sense(observation, "error")))
        changes.append(info["truth"]["last_change"])
    return np.array(errors, float), np.array(changes)


for scenario in ("stationary", "abrupt"):
    errors, changes = errors_of(scenario, 1)
    when = int(changes.max(initial=-1, where=changes < 60))
    print(f"{scenario}:", f"the world changes first in cycle {when}" if when >= 0 else "nothing changes")
    for unit, factor in (("a share of the target", 1.0), ("per cent", 100.0), ("per mille", 1000.0)):
        detector, alarms = drift.PageHinkley(), []
        for cycle, error in enumerate(factor * errors[:, 0]):
            detector.update(error)
            if detector.drift_detected:
                alarms.append(cycle)
        first = f", the first in cycle {alarms[0]}" if alarms else ""
        print(f"   errors as {unit:22} alarms: {len(alarms)}{first}")

# %% [markdown]
# One detector, one default: as a share it misses the change, as per mille it sounds six alarms in a
# world in which nothing ever happens. (That no alarm comes before cycle 29 is one more default: it does
# not look at fewer than 30 values.) The remedy is the same for both traps: **standardise, and calibrate
# to the ARL0 that you want.**
#
# ## 6. The error of the machine is not a textbook
#
# Out of the laboratory. We record many worlds of `stationary`, in which nothing ever changes. So every
# alarm is a false one. An error cannot be negative and has a long tail to the right, so we take its
# logarithm first, and then standardise with the mean and the standard deviation over all worlds.

# %%
errors, _ = errors_of("stationary", WORLDS, "tuning")
errors = errors[10:]  # the first cycles, in which the machine swings up, are left out
logs = np.log(errors)
z = (logs - logs.mean()) / logs.std()

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(12, 3))
axes[0].hist(errors.ravel(), bins=60, density=True, color=MODEL, alpha=0.5)
axes[0].set_title("the errors: skewed", loc="left", fontsize=9)
axes[1].hist(z.ravel(), bins=60, density=True, color=MODEL, alpha=0.5)
grid = np.linspace(-4, 4, 200)
axes[1].plot(grid, [NormalDist().pdf(x) for x in grid], color=INK, linewidth=1)
axes[1].set_title("their logarithms, standardised: nearly normal", loc="left", fontsize=9)
for world, colour in ((0, MODEL), (1, HAND), (2, GOOD), (3, TRAIN)):
    axes[2].plot(z[:, world], color=colour, linewidth=0.8)
axes[2].set_title("four worlds: each has a level of its own", loc="left", fontsize=9)
axes[2].set_xlabel("cycle", fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# The middle picture looks like the laboratory. The right one does not: each world keeps to a level of its
# own. A model that happened to be fitted a little worse stays a little worse for the whole episode. The
# values are **not independent**: who knows one of them knows a lot about the next. What does that do to
# the CUSUM? We count the worlds with a false alarm, and beside them as many worlds made of independent
# normal values, as in the laboratory.


# %%
def first_alarms(paths, detector):
    """Cycle of the first alarm in each column of ``paths``, counted from 1; 0 where there is none."""
    memory = detector.start(paths.shape[1])
    first = np.zeros(paths.shape[1], int)
    for cycle, row in enumerate(paths, start=1):
        alarmed = (detector.update(memory, row) > detector.threshold) & (first == 0)
        first[alarmed] = cycle
    return first


laboratory = rng.standard_normal(z.shape)
for threshold in (3.48, 5.0, 8.0):
    cusum = Cusum(slack=0.5, threshold=threshold, two_sided=False)
    first = first_alarms(z, cusum)
    promised, found = np.mean(first_alarms(laboratory, cusum) > 0), np.mean(first > 0)
    half = np.median(first[first > 0])
    print(f"threshold {threshold:4}: laboratory {promised:4.0%} of the worlds, machine {found:4.0%}", end="")
    print(f", half of its alarms within {half:.0f} cycles")

# %% [markdown]
# At the threshold of 8 the laboratory promises a false alarm in one world of a hundred. On the machine it
# is about one world in four, and raising the threshold hardly helps: it is always the same worlds, those
# with a high level. A process like this has no single ARL0 at all; some worlds are in alarm soon, the
# others never.
#
# The remedy is to give each world a baseline of its own: mean and standard deviation of its first cycles.

# %%
for baseline in (10, 20, 40):
    begin, rest = logs[:baseline], logs[baseline:]
    own = (rest - begin.mean(axis=0)) / begin.std(axis=0, ddof=1)
    cusum = Cusum(slack=0.5, threshold=3.48, two_sided=False)
    promised = np.mean(first_alarms(laboratory[baseline:], cusum) > 0)
    found = np.mean(first_alarms(own, cusum) > 0)
    print(f"baseline of {baseline} cycles: laboratory {promised:4.0%} of the worlds, machine {found:4.0%}")
own = (logs - logs.mean(axis=0)) / logs.std(axis=0)
print(f"correlation of an error with the next: over all worlds {np.mean(z[1:] * z[:-1]):+.2f}, ", end="")
print(f"within a world {np.mean(own[1:] * own[:-1]):+.2f}")

# %% [markdown]
# Now there are *fewer* alarms than promised. Over all worlds, neighbours are alike (a positive
# correlation). But within a world a large error is followed by a small one a little more often than
# chance would have it (a negative one), and the sum stays low. Better, but again not the textbook. The
# lesson: formulas hold for independent normal values; **for yours, count alarms on your own quiet data**.
#
# Counting has a trap of its own. Here most worlds end before any alarm. For them we know only that the
# run would have been *longer* than the record. Such a run is called **censored**.

# %% [markdown]
# ### Exercise 3.4: The ARL0 from records that end (2 points)
#
# You have one record for each world: `lengths`, the cycles until the first alarm or until the record
# ended, and `alarmed`, which says whether it was an alarm. Estimate the ARL0, assuming that an alarm is
# as likely in each cycle as in any other. At least one record ends with an alarm.
#
# (Think of the rate first: how many alarms were there, and in how many cycles in which one could have
# sounded?)


# %%
def censored_arl(lengths, alarmed):
    """Estimate of the ARL0; two arrays, one number and one truth value for each record."""
    ...  # your answer


# %%
check("3.4", censored_arl)

# %% [markdown]
# An operator may put the wish differently: "in a quiet world of this length, a false alarm in one of
# twenty, no more". Then no theory is needed at all, only records of quiet worlds.

# %% [markdown]
# ### Exercise 3.5: A threshold from your own quiet data (3 points)
#
# `z` holds the standardised values of quiet worlds, an array with a row for each cycle and a column for
# each world. Return a threshold for the CUSUM (with the given slack) at which *at most* the given share
# of the worlds sounds a false alarm, and no larger than needed. (Which single number of a world's path
# says whether it alarms?)


# %%
def quiet_threshold(z, slack, share):
    """Threshold at which at most ``share`` of the quiet worlds (columns of z) sound an alarm."""
    ...  # your answer


# %%
check("3.5", quiet_threshold)

# %% [markdown]
# ## 7. What a mistake costs
#
# How large should the ARL0 be, then? Statistics does not know; it is a question of money. Let a false
# alarm cost $c_F$ (a needless retraining), and each cycle of delay $c_D$ (a stale model at work). If a
# change comes every $G$ cycles on average, the mistakes cost per cycle
#
# $$\frac{c_F}{\mathrm{ARL}_0(h)} + \frac{c_D\,\mathrm{ARL}_1(h)}{G}.$$
#
# The first term falls with the threshold $h$, the second grows, and in between lies the best threshold.

# %% [markdown]
# ### Exercise 3.6: The cheapest threshold (2 points)
#
# A table of thresholds, with the ARL0 and the delay that were measured for each. Return the *threshold*
# whose mistakes cost least. `price_false` is the cost of a false alarm, `price_delay` of a cycle of
# delay, and `gap` the mean number of cycles between two changes.


# %%
def cheapest_threshold(thresholds, arl0s, delays, price_false, price_delay, gap):
    """The threshold with the least cost; the first three are arrays of equal length."""
    ...  # your answer


# %%
check("3.6", cheapest_threshold)

# %% [markdown]
# What does the sum look like? Here for a shift of one standard deviation, with a change every 60 cycles
# and 0.5 for each cycle of delay.

# %%
thresholds = np.linspace(0.5, 12.0, 100)
arl0 = np.array([siegmund(0.0, 0.5, h) for h in thresholds])
arl1 = np.array([siegmund(1.0, 0.5, h) for h in thresholds])
sums = {price: price / arl0 + 0.5 * arl1 / 60 for price in (1.0, 10.0, 100.0)}
for price, cost in sums.items():
    best = np.argmin(cost)
    print(f"a false alarm costs {price:g}: best threshold {thresholds[best]:.1f}, ARL0 {arl0[best]:.0f}")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3.2))
for (price, cost), colour in zip(sums.items(), (GOOD, MODEL, HAND), strict=True):
    best = np.argmin(cost)
    axis.plot(thresholds, cost, color=colour, linewidth=1.3, label=f"a false alarm costs {price:g}")
    axis.plot(thresholds[best], cost[best], "o", color=colour)
axis.set(xlabel="threshold h", ylabel="cost a cycle", ylim=(0, 0.5))
axis.legend(frameon=False, fontsize=8)
axis.set_title("The dearer a false alarm, the higher the best threshold", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# From the green to the red curve the price rises a hundredfold, and so does the best ARL0, nearly; the
# threshold does not even rise threefold. Quiet is cheap, once more.

# %% [markdown]
# And on the machine? The rule `cusum` retrains three cycles after its detector alarms. Its threshold is
# turned from sensitive to insensitive, in three scenarios, at the real prices of the course: 3 for a
# retraining, and what staleness costs.

# %%
turned = (0.5, 1, 2, 4, 8, 16, 32, 64)
seeds = world_seeds("evaluation", 0, WORLDS)
paid = {}  # by scenario: the cost at each threshold, and the part of it that retrainings cost
for scenario in ("abrupt", "gradual", "faulty-sensor"):
    found = [evaluate(policy(f"cusum:threshold={h}"), scenario, seeds) for h in turned]
    cost = np.array([one.cost.mean() for one in found])
    paid[scenario] = cost, 3.0 * np.array([one.finding("retrains").mean() for one in found])
    print(f"{scenario:14}", " ".join(f"{h:g}: {c:.1f}" for h, c in zip(turned, cost, strict=True)))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(12, 3))
for axis, (scenario, (cost, asked)) in zip(axes, paid.items(), strict=True):
    axis.plot(turned, cost, "o-", color=INK, markersize=4, linewidth=1.2, label="all costs")
    axis.plot(turned, asked, "s--", color=TRAIN, markersize=3, linewidth=1, label="retraining")
    axis.plot(turned, cost - asked, "^--", color=MODEL, markersize=3, linewidth=1, label="the rest")
    axis.set(xscale="log", xlabel="threshold", ylim=(0, None))
    axis.set_xticks(turned, [f"{h:g}" for h in turned], fontsize=7)
    axis.minorticks_off()
    axis.set_title(scenario, loc="left", fontsize=10)
axes[0].set_ylabel("cost of an episode")
axes[0].legend(frameon=False, fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# The valley of the theory is there in `abrupt`: sensitive detectors pay for retraining, insensitive ones for
# staleness. With a faulty sensor every alarm is false, so the least sensitive is best. With `gradual` drift a
# new model is soon out of date again, so few retrainings are cheaper than many.
#
# And note the size of the best thresholds, 16 and more. A jump of the spring shifts the error by six
# standard deviations or so: a single limit would detect it at once. The rule's slack is 2, so the jump
# fills its bucket by about 4 in each cycle, and a threshold of 16 is reached after four: it is the
# patience of exercise 2.3. What is hard is not to *notice* a change but to know whether it lasts, and to
# act at the right moment. That is lesson 4.

# %%
total(3)

# %% [markdown]
# ## Take away
#
# A delay says nothing without the rate of false alarms: compare detectors at equal ARL0. A memory (CUSUM,
# EWMA) finds small shifts soon, a single limit large ones; quiet is cheap, since the ARL0 grows
# exponentially with the threshold and the delay only in proportion. Defaults stand where somebody else
# wanted to stand, in somebody else's unit. Real errors are skewed and depend on each other, so count
# false alarms on your own quiet data, and mind the records that end before the alarm. Where to stand is
# decided by the prices of the two mistakes.
