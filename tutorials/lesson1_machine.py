# %% [markdown]
# # Lesson 1: The machine
#
# **Goal.** Know the machine that the whole course is about: what makes it swing, what stops it, what
# keeps it going, and what the forecast model has to do with it. At the end you can say why a model that
# is out of date pushes at the wrong moment.
#
# **You need** Python with NumPy, school physics (force, energy, sine and cosine), and
# `pip install "springdrift[cli,render]"`. No earlier lesson.
#
# **Time** about 75 minutes: 35 to read and run it, 40 for the exercises.

# %%
import matplotlib.pyplot as plt
import numpy as np

from springdrift import InclinedMassVectorEnv, Jump, Params, Scenario, simulate
from springdrift.incline.dynamics import GRAVITY
from springdrift.incline.model import fit
from springdrift.incline.reward import TARGET
from springdrift.render.view import FAINT, GOOD, HAND, HIDDEN, INK, MODEL
from springdrift_agents.course import FAST, check, total
from springdrift_agents.play.inline import inline

WORLDS = 16 if FAST else 64  # worlds that a mean is taken over

# %% [markdown]
# ## 1. One machine, one analogy
#
# A mass lies on a slope and hangs on a spring. An electromagnet at the lower end can pull it down the
# slope or push it up. The machine has one job: **keep swinging by 0.3 m** to either side of its middle,
# for 200 cycles.
#
# The blue block is the *ghost*: the place where a forecast model expects the mass to be. The blue arrow
# is the force of the magnet, and the magnet listens to the ghost, not to the mass. Watch a few cycles in
# which all is well. (In a script nothing is shown; in a notebook it is a film.)

# %%
inline("never", "stationary", cycles=(8, 12 if FAST else 18))

# %% [markdown]
# Why this machine? Because you can see with your own eyes what is hidden in a company that runs on
# forecasts:
#
# | on the slope | in production |
# | --- | --- |
# | position of the mass over time | a time series: daily sales, load of a power grid |
# | where the spring and the slope balance | the level of the series |
# | the swing | its season: the pattern that comes again |
# | friction | what eats the business metric if nobody does anything |
# | the forecast model | the deployed model |
# | the push of the magnet | a decision made on the forecast: how much to order, whom to call |
# | a push at the wrong moment | a decision made on a stale forecast |
#
# The rest of this lesson goes through the table from the top. `springdrift.simulate` lets the mass move
# by itself, with no model and no operator: it returns times `t` (s), positions `x` (m, down
# the slope from the place where the spring is slack) and speeds `v` (m/s).

# %%
machine = Params()  # as it leaves the factory
print(f"mass {machine.mass} kg, tilt {np.degrees(machine.tilt):.0f}°, stiffness {machine.stiffness:.2f} N/m")
print(f"friction coefficient {machine.friction}")

# %% [markdown]
# ## 2. The level: spring against slope
#
# Gravity pulls the mass down the slope with the force $m g \sin\alpha$, where $\alpha$ is the tilt. The
# spring pulls it back with $k x$, where $k$ is its **stiffness**: the force in newtons that it takes to
# stretch it by one metre. Both are equal at
#
# $$x_0 = \frac{m g \sin\alpha}{k}.$$
#
# This is the *static stretch*, the middle around which the mass swings. If the slope gets steeper, or the
# spring softer, the middle moves down. In a time series you would say: the level has shifted.

# %%
print(f"the new machine hangs at {machine.equilibrium:.3f} m")
for label, params in (
    ("softer spring", Params(stiffness=7.0)),
    ("steeper slope", Params(tilt=np.radians(35))),
):
    print(f"{label}: at {params.equilibrium:.3f} m")

# %% [markdown]
# ### Exercise 1.1: Where the mass hangs (1 point)
#
# A mass of 1 kg hangs on a spring of 8 N/m, on a slope of 20°. How far is the spring stretched, in
# metres? Use g = 9.81 m/s². (NumPy's sine wants radians.)

# %%
stretch = ...  # your answer, in metres

# %%
check("1.1", stretch)

# %% [markdown]
# ## 3. The season: a period that only two things decide
#
# Pull the mass away from its middle and let go. Without friction it swings forever, and its position is a
# cosine. One whole swing, there and back, takes the **period**
#
# $$T = 2\pi\sqrt{\frac{m}{k}}.$$
#
# Look at what is *not* in the formula: the size of the swing, and the slope. The picture shows three
# swings of the new machine and one with a softer spring.

# %%
quiet = Params(friction=0.0)
soft = Params(friction=0.0, stiffness=0.6 * machine.stiffness)
pulled = {a: simulate(quiet, x0=quiet.equilibrium + a, duration=8.0) for a in (0.1, 0.2, 0.3)}
softer = simulate(soft, x0=soft.equilibrium + 0.3, duration=8.0)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3.2))
for (amplitude, run), colour in zip(pulled.items(), ("#9cc7e6", "#4f9ace", MODEL), strict=True):
    axis.plot(run.t, run.x, color=colour, label=f"let go {amplitude} m off the middle")
axis.plot(softer.t, softer.x, color=HIDDEN, linestyle="--", label="the spring 40 % softer")
axis.set(xlabel="time, s", ylabel="position, m", ylim=(0.1, 1.75))
axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
axis.set_title("The period does not depend on how far you pull, but on the spring", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# The three blue curves cross the middle at the same moments. The dashed one is lower (the level has
# shifted) *and* slower (the season has become longer). Remember it: one cause, the soft spring, with two
# symptoms.
#
# A **cycle** of the course is always 2 s, the period of the new machine. In each cycle the position is
# measured 8 times, every 0.25 s.

# %% [markdown]
# ### Exercise 1.2: The length of the season (1 point)
#
# Write a function that returns the period in seconds.


# %%
def period_of(mass, stiffness):
    """Period in s of a mass in kg on a spring in N/m."""
    ...  # your answer


# %%
check("1.2", period_of)

# %% [markdown]
# ## 4. Friction: a swing dies along a straight line
#
# The mass rubs on the slope. The force of this friction is $\mu N$, where $N = m g \cos\alpha$ is how
# strongly the mass presses on the slope and $\mu$ is the friction coefficient. It always acts against the
# motion, and it is just as strong for a large swing as for a small one.
#
# So how much does a half swing lose, from one turning point at distance $A$ to the next one at distance
# $A'$? The energy stored in the spring is $\tfrac12 k A^2$ at the first and $\tfrac12 k A'^2$ at the
# second, and friction took $\mu N$ times the way between them:
#
# $$\tfrac12 k (A^2 - A'^2) = \mu N (A + A') \quad\Rightarrow\quad A - A' = \frac{2\mu N}{k}.$$
#
# The same loss in every half swing: $4\mu N/k$ in a cycle. The swing does not fade away like a sound, it
# is used up like a salary. And at the end it **sticks**: where the spring is no more than $\mu N/k$ from
# the middle it is too weak to overcome friction, and the mass stays where it is, off the middle.

# %%
swings = {}  # by friction: times, positions off the middle, and what the formula says of the amplitude
for friction in (0.005, 0.03):
    rubbing = Params(friction=friction)
    run = simulate(rubbing, x0=rubbing.equilibrium + 0.3, duration=40.0)
    loss = 4 * friction * GRAVITY * np.cos(rubbing.tilt) / rubbing.stiffness  # m a cycle of 2 s
    swings[friction] = run.t, run.x - rubbing.equilibrium, np.maximum(0.3 - loss * run.t / 2, 0.0)
    rest = 1000 * swings[friction][1][-1]
    print(f"friction {friction}: loses {1000 * loss:.1f} mm a cycle, ends {rest:+.1f} mm off the middle")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3.2))
for (friction, (t, off, formula)), colour in zip(swings.items(), (GOOD, HAND), strict=True):
    axis.plot(t, off, color=colour, linewidth=1.2, label=f"friction {friction}")
    axis.plot(t, formula, color=colour, linestyle=":", linewidth=1.2)
axis.set(xlabel="time, s", ylabel="off the middle, m")
axis.legend(frameon=False, fontsize=8, loc="upper right")
axis.set_title("Friction takes the same from each cycle (dotted: the formula)", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# The new machine loses 17 mm a cycle. Left alone, it stands still in the 18th cycle. With six times the
# friction it stops in the third cycle, 1 cm off the middle.
#
# In production this is the part of the metric that erodes by itself: customers leave, stock runs out.
# Somebody has to push.

# %% [markdown]
# ### Exercise 1.3: What friction leaves (2 points)
#
# Write a function for the amplitude (the distance from the middle at the turning points) that is left
# after a whole number of cycles, with a mass of 1 kg and g = 9.81 m/s². Go from half swing to half swing:
#
# - as long as the amplitude $A$ is larger than $\mu N/k$, the mass gets away, and at the next turning
#   point it is $|A - 2\mu N/k|$ from the middle;
# - otherwise it sticks: the amplitude stays what it is.


# %%
def amplitude_left(amplitude, cycles, friction, stiffness, tilt):
    """Amplitude in m after ``cycles``; stiffness in N/m, tilt in radians, mass 1 kg."""
    ...  # your answer


# %%
check("1.3", amplitude_left)

# %% [markdown]
# ## 5. The push, and its moment
#
# Push the mass with a constant force $F$, always *in the direction in which it moves*. That is friction
# the other way round, so by the same calculation the swing **gains** $4F/k$ a cycle. To hold the swing,
# push as hard as friction brakes: $F = \mu N$, for the new machine 0.042 N. A little force is enough, if
# its timing is right.
#
# Now let the push come late, by a share $s$ of the period. Part of the time it pushes against the motion
# and brakes. The work that is left over in a cycle shrinks with a cosine:
#
# $$\text{gain in a cycle} = \frac{4F}{k}\cos(2\pi s).$$
#
# Let the simulation say whether that is so.

# %%
stiffness, omega = machine.stiffness, np.pi  # rad/s: one cycle in 2 s
late = np.linspace(0.0, 0.5, 21)
substeps = (np.arange(64) + 0.5) / 32  # s, a cycle in small steps
gains = []
for share in late:
    # the mass starts at its lowest point, so it first moves up: its speed goes like -sin(omega t)
    push = -0.1 * np.sign(np.sin(omega * (substeps - 2.0 * share)))
    run = simulate(quiet, x0=quiet.equilibrium + 0.3, duration=2.0, force=push)
    energy = 0.5 * run.v[-1] ** 2 + 0.5 * stiffness * (run.x[-1] - quiet.equilibrium) ** 2
    gains.append(np.sqrt(2 * energy / stiffness) - 0.3)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3.2))
axis.axhline(0.0, color="#cccccc", linewidth=0.8)
axis.plot(late, 1000 * 4 * 0.1 / stiffness * np.cos(2 * np.pi * late), color=FAINT, label="the formula")
axis.plot(late, 1000 * np.array(gains), "o", color=MODEL, markersize=4, label="simulated")
axis.set(xlabel="the push comes late by this share of a period", ylabel="gain in a cycle, mm")
axis.legend(frameon=False, fontsize=8)
axis.set_title("The same push feeds the swing or brakes it: 0.1 N", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# A push that is an eighth of a period late still does 71 % of its work. A quarter late, it does nothing.
# Half a period late, it brakes with its full force: the same magnet, the same electricity, the opposite
# effect.
#
# An order of winter coats is the same. A week late it still sells; three months late it meets the summer.

# %% [markdown]
# ### Exercise 1.4: A push that comes late (2 points)
#
# Write the gain of amplitude in a cycle, in metres. It may be negative.


# %%
def push_gain(force, stiffness, late):
    """Gain in m a cycle; force in N, stiffness in N/m, late as a share of the period."""
    ...  # your answer


# %%
check("1.4", push_gain)

# %% [markdown]
# ## 6. What a forecast model is here
#
# How does the magnet know where the mass is going? It has a model that was learnt from past measurements,
# and nothing else. The model is an **autoregression**: it computes the next value of the series from the
# last ones. With a single past value (one *lag*) it would be
#
# $$y_t = a\,y_{t-1} + c.$$
#
# Its numbers $a$ and $c$ are found by **least squares**: those for which the sum of the squared errors on
# the recorded data is smallest. That is a linear regression of the series on its own past. Here are 12 s
# of measurements, with noise as the real sensor has it (6 mm), and the best model with one lag.

# %%
rng = np.random.default_rng(1)
truth = simulate(quiet, x0=quiet.equilibrium + 0.3, duration=16.0, every=8)  # a value every 0.25 s
y = truth.x + 0.006 * rng.standard_normal(len(truth.x))
seen = y[:48]  # six cycles: what a retraining sees

past = np.column_stack((seen[:-1], np.ones(len(seen) - 1)))  # a row for each value: its past, and a one
(a, c), *_ = np.linalg.lstsq(past, seen[1:], rcond=None)
print(f"one lag: y[t] = {a:.3f} y[t-1] + {c:.3f}")

forecast = [seen[-1]]
while len(forecast) < len(y) - 47:
    forecast.append(a * forecast[-1] + c)

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3))
axis.plot(truth.t, y, "o", color=INK, markersize=3, label="measured")
axis.plot(truth.t[47:], forecast, color=MODEL, label="forecast with one lag")
axis.axvline(truth.t[47], color="#cccccc", linewidth=1)
axis.set(xlabel="time, s", ylabel="position, m")
axis.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
axis.set(ylim=(0.1, 1.0))
axis.set_title("One lag cannot swing", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# From one value alone nobody can tell whether the mass is on its way up or down. Two values can: they say
# where it is *and* where it is going. For a cosine with $\omega = 2\pi/T$ and measurements $\Delta$
# apart, school trigonometry even gives the coefficients exactly:
#
# $$\cos(\omega t + \omega\Delta) + \cos(\omega t - \omega\Delta) = 2\cos(\omega\Delta)\cos(\omega t)
# \quad\Rightarrow\quad y_t = a_1 y_{t-1} + a_2 y_{t-2} + c,$$
#
# with $a_1 = 2\cos(\omega\Delta)$, $a_2 = -1$ and $c = (2 - a_1)\,x_0$. This is the heart of the lesson:
# **the model is the machine, written in numbers.** $a_1$ is the spring, $c$ is the level. Who learns the
# coefficients learns the machine, and when the machine changes, the coefficients are wrong.

# %%
for label, k in (("new", stiffness), ("40 % softer", 0.6 * stiffness), ("60 % stiffer", 1.6 * stiffness)):
    a1 = 2 * np.cos(np.sqrt(k) * 0.25)
    print(f"{label:>12} spring: a1 = {a1:.3f}, c = {(2 - a1) * Params(stiffness=k).equilibrium:.3f}")

# %% [markdown]
# ### Exercise 1.5: Learn the machine from its past (2 points)
#
# Write a function that takes a series and returns the least-squares coefficients $(a_1, a_2, c)$ of the
# model with two lags.


# %%
def fit_lags(y):
    """Coefficients (a1, a2, c) of y[t] = a1 y[t-1] + a2 y[t-2] + c, by least squares."""
    ...  # your answer


# %%
check("1.5", fit_lags)

# %% [markdown]
# The deployed model of the course is a cousin of it, `springdrift.incline.model.fit`. It has four lags
# instead of two, because noise hides the direction of the swing and two more values average some of it out;
# it knows the force of the magnet; and it leans a little on the model before it. It learns from the last 48
# measurements: **six cycles**. The machine can be read off it as well, from the roots of its polynomial:
# the angle of the root nearest to the unit circle is $\omega\Delta$.

# %%
before = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # a1 to a4, force, level: "tomorrow is as today"
learnt = np.empty(6)
fit(seen, np.zeros(48), before, learnt)
roots = np.roots([1.0, *-learnt[:4]])
swinging = roots[np.argmax(np.abs(roots) * (roots.imag > 0))]
print("lags", np.round(learnt[:4], 3), " level", round(learnt[5], 3))
print(f"period according to the model: {2 * np.pi * 0.25 / np.angle(swinging):.3f} s")

# %% [markdown]
# ## 7. The ghost
#
# At the start of each cycle the model forecasts all 8 measurements to come. It gets no news in between:
# its own forecasts take the place of the values that it has not seen. The curve that it draws is the
# **ghost**.

# %% [markdown]
# ### Exercise 1.6: The ghost (2 points)
#
# Write the ghost of the model with two lags. `recent` holds the last two measurements, the older one
# first; `lags` is `(a1, a2, c)`. Return the next `steps` values.


# %%
def ghost(recent, lags, steps):
    """Forecast of the next ``steps`` values, an array; recent = (older, newer), lags = (a1, a2, c)."""
    ...  # your answer


# %%
check("1.6", ghost)

# %% [markdown]
# ## 8. Why a stale model pushes at the wrong moment
#
# Now let the spring become softer at cycle 20, and leave the model alone. `InclinedMassVectorEnv` is the
# whole machine with its model and its magnet; action 0 means *wait*. (What a `Scenario` is comes in
# lesson 2.) The observation `signals` holds the last 32 measurements and forecasts, scaled: 1 stands for
# 1.5 m off the old middle.


# %%
def jump_to(share):
    """A world whose stiffness jumps once, in cycle 20, to this share of the factory's."""
    k = share * stiffness
    jump = Jump("stiffness", (k - 1e-4, k + 1e-4))
    return Scenario("one jump", "the stiffness jumps once", (jump,), onset=(20, 20), gap=(200, 200))


env = InclinedMassVectorEnv(1, scenario=jump_to(0.8), observe="signals")
signals, _ = env.reset(seed=4)
measured, expected = [], []
for _ in range(24):
    signals, *_ = env.step([0])
    measured.extend(1.5 * signals[0, 24:32])  # the newest 8 of the 32 measurements
    expected.extend(1.5 * signals[0, 56:64])  # and what was forecast for them
moments = np.arange(1, len(measured) + 1) / 8
shown = moments > 17

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3.2))
for start in range(17, 24):
    axis.axvline(start, color="#eeeeee", linewidth=1, zorder=0)
axis.plot(moments[shown], np.array(measured)[shown], "o", color=INK, markersize=3.5, label="measured")
for start in range(17, 24):
    part = (moments > start) & (moments <= start + 1)
    axis.plot(moments[part], np.array(expected)[part], color=MODEL, label="ghost" if start == 17 else None)
axis.axvline(20, color=HIDDEN, linestyle="--", linewidth=1.2, label="the spring softens by 20 %")
axis.set(xlabel="cycle", ylabel="off the old middle, m", ylim=(-0.6, 0.95))
axis.legend(frameon=False, fontsize=8, ncols=3, loc="upper left")
axis.set_title("Each cycle the ghost starts at the mass and runs away from it", loc="left", fontsize=10)
plt.show()

# %% [markdown]
# Before cycle 20 the ghost goes through the measurements. After it, each forecast still *starts* in the
# right place, for the last measurements are known. But the ghost swings with the old period around the
# old middle, so it goes wrong a little more with each step. The magnet follows the ghost. That is the
# push at the wrong moment, from exercise 1.4.
#
# How bad is it? That depends on how far the spring is from the one that the model has learnt. The
# forecast error of the course is the root of the mean squared error of a cycle, divided by that of the
# target swing: 0 is a perfect forecast, and 1 is as bad as always saying "in the middle".

# %%
shares = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
swings, errors = [], []
for share in shares:
    envs = InclinedMassVectorEnv(WORLDS, scenario=jump_to(share))
    envs.reset(seed=0)
    late_swings, late_errors = [], []
    for cycle in range(100):
        _, _, _, _, info = envs.step(np.zeros(WORLDS, int))
        if cycle >= 60:
            late_swings.append(info["truth"]["swing"].mean() / TARGET)
            late_errors.append(np.sqrt(info["truth"]["error"]).mean())
    swings.append(np.mean(late_swings))
    errors.append(np.mean(late_errors))
print("stiffness", shares)
print("error    ", np.round(errors, 2))
print("swing    ", np.round(swings, 2))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for axis, values, colour, title in (
    (axes[0], errors, MODEL, "forecast error"),
    (axes[1], swings, GOOD, "swing, as a share of its target"),
):
    axis.axvline(1.0, color="#cccccc", linewidth=1)
    axis.plot(shares, values, "o-", color=colour, markersize=4)
    axis.set(xlabel="stiffness, as a share of what the model learnt", ylim=(0, None))
    axis.set_title(title, loc="left", fontsize=10)
plt.tight_layout()
plt.show()

# %% [markdown]
# Two things to see:
#
# - The **forecast error** grows with every step away from the learnt spring, from the first one on.
# - The **swing** holds from a spring 20 % softer to one 30 % stiffer. The controller has a reserve: when
#   the swing gets smaller, it pushes harder, and that makes up for a push that is a bit late. Beyond that it
#   breaks down, and pushing harder at the wrong moment only brakes harder.
#
# Companies know both. The metric that everybody watches looks fine, while the forecast behind it has been
# wrong for weeks; and then, one bad change later, it collapses. Here is a world from the course's own
# list, with its hidden truth in the corner: in cycle 30 the stiffness falls to 5.9 N/m, and nobody does
# anything.

# %%
inline("never", "abrupt", seed=1, cycles=(28, 32 if FAST else 46), truth=True)

# %%
total(1)

# %% [markdown]
# ## Take away
#
# The machine has a level (spring against slope), a season (the period of the spring) and a loss
# (friction), as a time series in a business has. A small push at the right moment keeps it going, and the
# same push half a period later stops it. The forecast model is an autoregression: its coefficients *are*
# the machine, so retraining means measuring the machine anew. When the spring changes, the ghost runs
# with the old period around the old level, and the magnet follows the ghost. The forecast error shows
# this long before the swing does: that is why the next lessons watch the error, and why it takes a
# decision what to do about it.
