# %% [markdown]
# # Lesson 5: Planning
#
# **Goal.** Solve a small copy of the operator's problem exactly: the best decision in every state, the
# price at which it changes, and the moment from which it is too late. Then learn what such an answer is
# worth outside.
#
# **You need** lesson 1 (the machine) and lesson 4 (wait, intervene, retrain and their costs), a little
# probability (mean, conditional probability), NumPy, and `pip install "springdrift[cli,render]"`.
#
# **Time** about 85 minutes: 45 to read and run it, 40 for the exercises.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from springdrift import THREE_ACTIONS, Action, Costs, InclinedMassVectorEnv, UpkeepEnv
from springdrift.incline.observation import OBSERVE
from springdrift.render.view import FAINT, GOOD, HAND, HIDDEN, INK, LINE, MODEL, TRAIN
from springdrift.upkeep.env import IN_TRAINING, STALENESS, SWING, TRAINING, Counts, counts, grid, training_of
from springdrift.upkeep.env import transitions as table_of
from springdrift_agents.course import FAST, check, total
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.planning.exact import (
    backward_induction,
    evaluate_policy,
    policy_iteration,
    value_iteration,
)
from springdrift_agents.planning.upkeep_fit import UpkeepPolicy, both_worlds, simple_policies, states
from springdrift_agents.play.inline import Inline
from springdrift_agents.play.movie import Movie
from springdrift_agents.policies.registry import policy
from springdrift_agents.policies.rules import error_of

EPISODES = 300 if FAST else 2000  # worlds in a comparison
LOGGED = 4096 if FAST else 16384  # worlds in the log of the last section
PALE = "#a6d9c9"  # the green of a good swing, paler

# %% [markdown]
# ## 1. Thirty-six states
#
# The machine of lesson 1 is described by many real numbers: position, stiffness, the model's parameters.
# Nobody can list all its situations. `springdrift/Upkeep-v0` is a small world made from it, in which a
# situation is one of 36 **states**, put together from three things an operator would write on a whiteboard:
#
# | part of the state | levels | in production |
# | --- | --- | --- |
# | staleness of the model | `fresh`, `mixed`, `stale` | does the deployed model still describe the world? |
# | swing | `on`, `off`, `far` | how far is the business metric from its target? |
# | training | `idle`, `2 left`, `1 left`, `new` | is a new model on its way, or just deployed? |
#
# `mixed` needs a word. The world has just changed, so the last six cycles, which a retraining would learn
# from, hold old and new behaviour. A model fitted on such a window fits neither. In the big machine `mixed`
# turns into `stale` after some cycles: the model is as wrong as before, but now a retraining would cure it.
# A state does not remember how long it has lasted, so here that happens by chance, in any cycle.

# %%
env = UpkeepEnv()
state = env.encode("stale", "on", "idle")
print("number", state, "is", env.decode(state))
for probability, following, reward, _ in sorted(env.P[state][Action.RETRAIN], reverse=True)[:4]:
    print(f"{probability:6.1%} -> {', '.join(env.decode(following)):<20} reward {reward:.2f}")

# %% [markdown]
# `env.P` is the **transition table**. `P[state][action]` lists every possible outcome of one cycle as
# `(probability, next state, reward, terminated)`. Above you see the four likeliest outcomes of asking for a
# new model while the old one is stale. The reward is minus the cost of the cycle: 3.00 for the training,
# the rest for the error and the swing. `terminated` says whether the episode ends there; in this world it
# never does.
#
# A world with such a table is called a **Markov decision process**: what happens next depends on the state
# and the action and on nothing else. Where does the table come from? Somebody ran the big machine 262,144
# times, let dice decide, and counted. The chances of the dice sometimes depended on the levels above,
# but never on anything else. Keep the word *dice* in mind for the last section.
#
# With the table, questions that needed an experiment become sums. Does a push by hand help when the swing
# is far off?

# %%


def next_swing(state, action):
    """Probabilities of the levels of the swing after one cycle."""
    chance = np.zeros(len(SWING))
    for probability, following, _, _ in env.P[state][action]:
        chance[SWING.index(env.decode(following).swing)] += probability
    return chance


# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.4), layout="constrained")
far = env.encode("stale", "far", "idle")
for action in range(THREE_ACTIONS.n):
    left = 0.0
    for level, chance, colour in zip(SWING, next_swing(far, action), (GOOD, PALE, FAINT), strict=True):
        axis.barh(action, chance, left=left, color=colour, label=level if action == 0 else None)
        left += chance
axis.set_yticks(range(THREE_ACTIONS.n), THREE_ACTIONS.names)
axis.invert_yaxis()
axis.set_xlabel("probability of the swing's level one cycle later")
axis.set_title("model stale, swing far off: what one decision does", loc="left", fontsize=11, color=INK)
axis.legend(frameon=False, ncols=3, loc="upper left", bbox_to_anchor=(0, -0.32))
plt.show()

# %% [markdown]
# One push brings the swing from `far` to `off` in about half of the cases. Waiting leaves it where it is,
# and a retraining does nothing in its first cycle, because the new model comes three cycles later.
#
# ### Exercise 5.1: The reward to expect (1 point)
#
# Write a function that returns the mean reward of one cycle: the **expected** reward of an action in a
# state. It must work for any table of this form, not only for ours.

# %%


def expected_reward(P, state, action):
    """Mean reward of one cycle."""
    ...  # your answer


# %%
check("5.1", expected_reward)

# %% [markdown]
# ## 2. What a state is worth
#
# The reward of one cycle is a poor guide. In `stale, on, idle` waiting costs 0.48 in the next cycle and
# retraining costs 3.49, yet waiting for ever would be a mistake. We need the sum of all rewards to come.
#
# If the sum has no end, it grows without limit. There are two ways out, and you will use both:
#
# - a **deadline**: count 200 cycles and no more;
# - a **discount** γ (gamma) a little below 1: a reward t cycles from now counts γ^t of its size. You may
#   read γ as the chance that the game goes on after each cycle. The mean length of the game is then 1/(1−γ)
#   cycles: 100 for γ = 0.99, and only 10 for γ = 0.9.
#
# A **policy** says which action to take in each state. The **value** v(s) of a state under a policy is the
# discounted sum of rewards that it promises from there. It obeys one equation for each state:
#
# *value here = reward to expect + γ × value to expect one cycle later*, in symbols v = r + γ P v.
#
# Those are 36 linear equations with 36 unknowns, written (I − γP) v = r, and `np.linalg.solve` finds them
# all at once.

# %%
GAMMA = 0.99
rules = simple_policies()


def value_of(policy, gamma=GAMMA):
    """Values (36,) of a policy, by solving its linear equations."""
    onward, reward = np.zeros((36, 36)), np.zeros(36)
    for here in range(36):
        for probability, following, gain, _ in env.P[here][int(policy[here])]:
            onward[here, following] += probability
            reward[here] += probability * gain
    return np.linalg.solve(np.eye(36) - gamma * onward, reward)


start = env.encode("fresh", "on", "idle")
for name, rule in rules.items():
    values = value_of(rule)
    print(f"{name:8} from fresh, on: {values[start]:7.1f}   from stale, on: {values[state]:7.1f}")
print("as the package finds it:", np.allclose(values, evaluate_policy(env.P, rules["both"], GAMMA).values))

# %% [markdown]
# These are five simple policies: never act, always push, push while the swing is off (`swing`), retrain
# when stale (`retrain`), and `both`. A value is minus a cost, so nearer to 0 is better, and `both` is the
# best of the five. The second column shows what a stale model costs in the long run: a state can be bad
# although its next reward is not.
#
# ## 3. The best values: Bellman's equation
#
# There are 3^36 policies, more than 10^17, so trying them all is hopeless. Richard Bellman's idea of 1957
# makes it easy: *if the values one cycle later are right, the best decision now is the one with the largest
# sum*
#
# v(s) = max over a of Σ p · (reward + γ · v(next state)).
#
# In words: from the outcomes of each action take the mean, then from the actions take the best. After a
# transition that terminates there is nothing more to come.
#
# Nobody knows the right values at first. **Value iteration** starts from zeros, applies the right side to
# all states, and does it again with the result. Each such **sweep** leaves at most the share γ of the
# largest mistake.
#
# ### Exercise 5.2: One sweep of value iteration (2 points)
#
# Given a table, the values of the last sweep (an array, one number a state) and γ, return an array with the
# new values. The hidden tests also hold transitions that terminate.

# %%


def bellman_backup(P, values, gamma):
    """New values of all states, an array."""
    ...  # your answer


# %%
check("5.2", bellman_backup)

# %% [markdown]
# What does a sweep do? After the first, a value is the best reward of one cycle. After the second, it is
# the best that two cycles can give. **After n sweeps it is the best that n cycles can give.** Watch the
# rows of `stale` in the film. After one sweep it hardly matters whether a new model is on its way
# (`2 left`) or not (`idle`): the next cycle costs the same. By sweep 10 the column `idle` has fallen behind
# by 3, which is the price of a retraining. After about 20 sweeps the differences between states stand
# still: more sweeps lower all values together and change no decision. (The colour shows the distance from
# the best state.)

# %%
best_with = backward_induction(env.P, 200, gamma=GAMMA)  # row 200 - n: with n cycles to go

# %% tags=["hide-input"] jupyter={"source_hidden": true}
ROWS = [f"{staleness} {swing}" for staleness in STALENESS for swing in SWING]


def axes_of_states(axis):
    axis.set_xticks(range(4), TRAINING, fontsize=8)
    axis.set_yticks(range(9), ROWS, fontsize=8)
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def film_of_sweeps(sweeps):
    figure, axis = plt.subplots(figsize=(4.8, 4.8), dpi=100, layout="constrained")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweeps.mp4"
        with Movie(path, (480, 480), fps=4) as movie:
            for sweep in sweeps:
                values = best_with.values[200 - sweep].reshape(9, 4)
                axis.clear()
                axis.imshow(values - values.max(), cmap="cividis", vmin=-10, vmax=0, aspect="auto")
                for (row, column), value in np.ndenumerate(values):
                    colour = "white" if value - values.max() < -5 else INK
                    axis.text(
                        column,
                        row,
                        f"{value:.1f}".replace("-0.0", "0.0"),
                        ha="center",
                        va="center",
                        fontsize=8,
                        color=colour,
                    )
                axes_of_states(axis)
                axis.set_title(f"values after sweep {sweep}", loc="left", fontsize=11, color=INK)
                figure.canvas.draw()
                movie.add(np.asarray(figure.canvas.buffer_rgba())[..., :3])
        plt.close(figure)
        return Inline(path.read_bytes())


film_of_sweeps([*range(1, 13), *range(14, 41, 2), *range(50, 201, 10)])

# %% [markdown]
# **Policy iteration** (Howard, 1960) goes another way. Take any policy, find its values by the linear
# equations of section 2, and then *improve* it: in each state choose the action that is best if those
# values are what follows. Repeat until nothing changes. Each policy is better than the one before, so it
# must end.
#
# ### Exercise 5.3: One step of policy iteration (2 points)
#
# Return the improved policy: for each state the number of the best action, given the values of the old
# policy.

# %%


def improved_policy(P, values, gamma):
    """The best action of each state, an array."""
    ...  # your answer


# %%
check("5.3", improved_policy)

# %%
if check("5.2", bellman_backup):  # your own value iteration, once it passes
    values = np.zeros(36)
    for _ in range(300 if FAST else 1000):
        values = bellman_backup(env.P, values, GAMMA)
    print("your values, from fresh, on:", round(values[start], 2))
if check("5.3", improved_policy):  # your own policy iteration, from "never" on
    mine, better = None, rules["never"]
    while not np.array_equal(mine, better):
        mine, better = better, improved_policy(env.P, value_of(better), GAMMA)
    print("your policy:\n" + grid(mine))

# %%
by_value, by_policy = value_iteration(env.P, GAMMA), policy_iteration(env.P, GAMMA)
print("value iteration:", by_value.sweeps, "sweeps; policy iteration:", by_policy.sweeps, "improvements")
print("the same policy:", np.array_equal(by_value.policy, by_policy.policy))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.semilogy(by_value.history, color=MODEL, label="value iteration")
axis.semilogy(by_policy.history[:-1], "o", color=HAND, label="policy iteration (then 0)")
axis.set_xlabel("sweep, or improvement")
axis.set_ylabel("largest change of a value")
axis.set_ylim(1e-11, 300)
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# A straight line on a logarithmic axis: each sweep leaves 99 % of the change, that is γ. With a γ nearer to
# 1 it takes longer still. Policy iteration needs three improvements, the last of which finds nothing to
# improve; each one costs a solution of 36 equations, which is nothing here and too much for a million
# states.
#
# ## 4. The optimum, and how it moves with prices

# %% tags=["hide-input"] jupyter={"source_hidden": true}
SHADES = {Action.WAIT: LINE, Action.INTERVENE: HAND, Action.RETRAIN: TRAIN}


def paint(axis, policy, title):
    """A policy as a grid: a row for each staleness and swing, a column for each stage of training."""
    for (row, column), action in np.ndenumerate(np.reshape(policy, (9, 4))):
        axis.add_patch(
            plt.Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, color=SHADES[Action(int(action))])
        )
    axis.set_xlim(-0.6, 3.6)
    axis.set_ylim(8.6, -0.6)
    axes_of_states(axis)
    axis.set_title(title, loc="left", fontsize=10, color=INK)


# %%
print(grid(by_policy.policy))
prices = {
    "usual prices": {},
    "a push costs 0.1, not 0.6": {"intervene": 0.1},
    "a push costs 2": {"intervene": 2.0},
    "a retraining costs 10, not 3": {"retrain": 10.0},
}
best = {title: policy_iteration(UpkeepEnv(costs=costs).P, GAMMA).policy for title, costs in prices.items()}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 4, figsize=(12, 3.6), layout="constrained", sharey=True)
for axis, (title, found) in zip(axes, best.items(), strict=True):
    paint(axis, found, title)
handles = [plt.Rectangle((0, 0), 1, 1, color=shade) for shade in SHADES.values()]
figure.legend(handles, THREE_ACTIONS.names, frameon=False, ncols=3, loc="outside lower center")
plt.show()

# %% [markdown]
# Read the first grid as advice to an operator:
#
# - *Model fresh: leave it alone.* Even with the swing `off`, because a good model brings it back for free.
#   Push only when it is `far`.
# - *World just changed (`mixed`): no retraining, in any state.* The window is spoilt. Keep the swing up by
#   hand.
# - *Model stale: first the swing, then the model.* With the swing off target push; once it is `on`,
#   retrain. One single state of 36 asks for a new model.
# - *A new model was just deployed (`new`): wait and see*, unless the swing is far off and the model no longer
#   in doubt (`fresh` or `stale`).
#
# Then look how the prices move it. With cheap pushes the operator pushes earlier. With dear ones the swing
# is mostly left to the model, and retraining no longer waits for the swing. With a retraining at 10, no
# state asks for one: it is cheaper to live with a stale model and to push now and then.
#
# ### Exercise 5.4: When retraining is too dear (1 point)
#
# With γ = 0.99 and all other prices as usual, what is the lowest *whole* price of a retraining (1, 2, 3, …)
# at which the optimum never retrains? Let the computer find it.

# %%
price_too_high = ...  # your answer

# %%
check("5.4", price_too_high)

# %% [markdown]
# γ matters as much as a price. Somebody who looks ten cycles ahead will not pay today for what comes later:

# %%
for gamma in (0.5, 0.9, 0.95, 0.99):
    found = policy_iteration(env.P, gamma).policy
    count = (found == Action.RETRAIN).sum()
    print(f"gamma {gamma}: looks {1 / (1 - gamma):3.0f} cycles ahead, states that ask for a model: {count}")

# %% [markdown]
# ## 5. The deadline: when is it too late?
#
# Real projects end: the season is over, the contract runs out. With a deadline the best decision depends on
# the cycles that are left, so a plan is a table with a row for each cycle. **Backward induction** fills it
# from the end: with one cycle left take the best reward; with two left, the best reward plus what one cycle
# is worth; and so on. It is value iteration whose every sweep is kept, and no discount is needed.

# %%
plan = backward_induction(env.P, 200)
print("plan:", plan.policy.shape, "- row t is for t cycles done, so 200 - t cycles are left")
forecast = Costs().forecast * counts().forecast  # mean cost of the forecasts in each state, in a cycle
print(f"forecasts cost {forecast[start]:.2f} a cycle when fresh, {forecast[state]:.2f} when stale")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(9, 3), layout="constrained")
shown = [
    ("stale", "on", "idle"),
    ("stale", "off", "idle"),
    ("stale", "far", "idle"),
    ("fresh", "far", "idle"),
]
for place, levels in enumerate(shown):
    decisions = plan.policy[:, env.encode(*levels)]
    for left in range(1, 31):
        shade = SHADES[Action(int(decisions[200 - left]))]
        axis.add_patch(plt.Rectangle((left - 0.4, place - 0.4), 0.8, 0.8, color=shade))
axis.set_xlim(31, 0)
axis.set_ylim(3.6, -0.6)
axis.set_yticks(range(4), [", ".join(levels) for levels in shown])
axis.set_xlabel("cycles left before the deadline")
axis.set_title("the best decision in four states", loc="left", fontsize=11, color=INK)
figure.legend(handles, THREE_ACTIONS.names, frameon=False, ncols=3, loc="outside lower center")
plt.show()

# %% [markdown]
# Ten cycles before the end nobody asks for a new model any more. A push is different: it helps in the very
# cycle in which it is paid, so it stays to the end, and stops a little earlier only where its gain comes
# later. You can work out by hand when it is too late for a new model. A stale model costs about 0.43 more a
# cycle than a fresh one, through its forecasts (printed above). A new one costs 3 and arrives after 3
# cycles. It has paid for itself 3 / 0.43 ≈ 7 cycles after its arrival, 10 cycles after the request.
#
# ### Exercise 5.5: The last call for a new model (2 points)
#
# Write a function that reads it off a plan: the *fewest cycles left* at which the plan still takes the
# action in that state, or 0 if it never does. Row t of the plan is for t cycles done; the number of rows is
# the number of cycles. Then apply it to `plan.policy` and compare with the 10 of the rule of thumb.

# %%


def last_call(plan, state, action):
    """Fewest cycles left at which the plan takes the action in the state; 0 if never."""
    ...  # your answer


# %%
check("5.5", last_call)

# %% [markdown]
# How good is the rule of thumb, latency + fee / saving, at other prices? The picture shows for each price
# of a retraining how many cycles before the deadline the exact plan stops asking for one.

# %%
saving = forecast[state] - forecast[start]
dear = np.arange(0.5, 10.1, 0.5)
exact = []
for price in dear:
    decisions = backward_induction(UpkeepEnv(costs={"retrain": price}).P, 200).policy[:, state]
    exact.append(min(left for left in range(1, 201) if decisions[200 - left] == Action.RETRAIN))

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.plot(dear, exact, "o-", color=TRAIN, label="exact")
axis.plot(dear, 3 + dear / saving, color=INK, linestyle="--", label="3 + price / 0.43")
axis.set_xlabel("price of a retraining")
axis.set_ylabel("fewest cycles left")
axis.legend(frameon=False)
axis.set_title("too late for a new model below this line", loc="left", fontsize=11, color=INK)
plt.show()

# %% [markdown]
# At low prices the two agree. At high ones the truth lies above the rule of thumb: the longer a model needs
# to pay for itself, the likelier the world changes again before it has. A model's useful life is limited,
# and so is what you should pay for it. This is the same in production, where a retraining that needs a year
# to pay back must outlive a year of drift.
#
# ## 6. Back to the big world
#
# 36 levels describe a machine with springs and bumpers only roughly. Does the optimum of the small world
# still win in the big one? `UpkeepPolicy` reads the big world's truth, finds the level, and looks the
# decision up.

# %%
tables = {**rules, "optimum": by_policy.policy, "plan": plan.policy}
print("policy      small world   big world")
for pair in both_worlds(tables, EPISODES):
    print(f"{pair.policy:10} {pair.small:10.1f} {pair.big:12.1f} ± {2 * pair.error:.1f}")

# %% [markdown]
# The order is the same in both worlds, with the plan in front, though only a little better than the rule
# `both`: knowing the structure gives most of the gain, and the exact optimum the rest. The sizes differ,
# because **levels forget**. A mild change and a severe one both read `stale`. The first cycle in which the
# swing gets smaller and the tenth both read `off`. The real process is not Markov in these 36 states: what
# happens next does depend on what the state leaves out. Keep in mind as well that `UpkeepPolicy` is told
# the truth, which no operator sees.
#
# ## 7. The trap: a table counted from a log
#
# The table was counted under decisions made *by dice*. In a company nobody decides by dice. There is a log
# of what the operators did, and they had their reasons. Let us do what everybody would do: record a good
# operator (the rule `threshold`, which departs from its rule in one decision of five), count the log, and
# plan with it.

# %%


def log_of(worlds, stray=0.2):
    """Counts as in the small world, from the log of an operator who acts with a purpose."""
    rng, operator, memory = np.random.default_rng(0), policy("threshold"), None
    envs = InclinedMassVectorEnv(
        worlds, scenario="abrupt", observe="truth", costs={"forecast": 1.0, "swing": 1.0}
    )
    seen, _ = envs.reset(seed=world_seeds("tuning", 0, worlds).tolist())
    here = states(seen)
    starts, times, sums = np.bincount(here, minlength=36), np.zeros((36, 3, 36), int), np.zeros((3, 36))
    errors = {Action.WAIT: [], Action.RETRAIN: []}
    for _ in range(199):
        decided, memory = operator.predict(seen, memory)
        actions = np.where(rng.random(worlds) < stray, rng.choice(3, worlds, p=(0.4, 0.4, 0.2)), decided)
        vain = (actions == Action.RETRAIN) & np.isin(training_of(here), IN_TRAINING)
        for action, found in errors.items():
            chosen = (here == state) & (decided == action)
            found.extend(error_of(seen[chosen, OBSERVE["truth"].index("true_error")]))
        before, (seen, _, _, _, info) = here, envs.step(actions)
        here = states(seen)
        np.add.at(times, (before, np.where(vain, Action.WAIT, actions), here), 1)
        for row, weight in zip(sums, (info["terms"]["forecast"], info["terms"]["swing"], None), strict=True):
            row += np.bincount(here, weight, minlength=36)
    busy = np.isin(training_of(np.arange(36)), IN_TRAINING)
    times[busy, Action.RETRAIN] = times[busy, Action.WAIT]
    rare = times.sum(axis=2) < 30  # what the operator hardly ever tried is lent from the honest counts
    times[rare] = counts().transitions[rare]
    return Counts(times, starts, *(sums[:2] / np.maximum(sums[2], 1))), errors


logged, errors = log_of(LOGGED)
from_log = table_of(logged, Costs())
believed = policy_iteration(from_log, GAMMA).policy
promised = -evaluate_policy(from_log, believed, 1.0, horizon=200).values @ (logged.starts / LOGGED)
seeds = world_seeds("evaluation", 0, EPISODES)
paid = evaluate(UpkeepPolicy(believed), "abrupt", seeds, observe="truth").cost.mean()
honest = evaluate(UpkeepPolicy(by_policy.policy), "abrupt", seeds, observe="truth").cost.mean()
print(f"plan from the log: promises {promised:.0f}, costs {paid:.0f} (the honest optimum: {honest:.0f})")
print(grid(believed))

# %% [markdown]
# A promise of about 26, and costs of about 80. The solver made no mistake: the table is wrong. Look where the
# two tables disagree: the model is stale, nothing is in training, and one *waits*. How often is the model
# good again in the next cycle, by itself?

# %%


def healed(table):
    return sum(p for p, n, _, _ in table[state][Action.WAIT] if env.decode(n).staleness == "fresh")


print(f"waiting heals a stale model: {healed(env.P):.1%} by dice, {healed(from_log):.1%} by the log")

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
bins = np.linspace(0.5, 2.0, 31)
for (action, found), colour in zip(errors.items(), (INK, TRAIN), strict=True):
    axis.hist(found, bins, density=True, histtype="step", lw=2, color=colour, label=f"decided {action.name}")
axis.axvline(0.7, color=HIDDEN, linestyle=":")
axis.set_xlabel("true forecast error, of the target (stale from 0.5 on)")
axis.set_ylabel("density")
axis.legend(frameon=False)
axis.set_title("one state, two crowds", loc="left", fontsize=11, color=INK)
plt.show()

# %% [markdown]
# The operator retrains when the measured error exceeds 0.7 (dotted). So those who *waited* in the state
# `stale` were mostly the mild cases, whose error lay just above the border of 0.5 and soon fell below it by
# chance. In the log it looks as if waiting had cured them. The severe cases were retrained and are missing
# among those who waited. The planner concludes that stale models heal by themselves, and never retrains.
#
# This is **confounding**: a hidden cause (how severe the change was) moved both the decision and the
# outcome. It is why hospitals, where people die more often than at home, are not deadly. Two honest ways
# out: decide at random for a while (an experiment, an A/B test), as was done here in section 1; or record
# the reason for the decision and compare like with like.
#
# ### Exercise 5.6: The effect of retraining, adjusted (2 points)
#
# Suppose that the severity was recorded after all. In each group of like cases you know how many worlds
# waited and how many retrained, and their mean costs over the next 20 cycles:
#
# | group | waited | retrained | cost when waited | cost when retrained |
# | --- | --- | --- | --- | --- |
# | mild | 900 | 100 | 4 | 6 |
# | severe | 100 | 900 | 20 | 12 |
#
# Who simply compares all who retrained (mean 11.4) with all who waited (5.6) finds that retraining does
# harm. Write a function that takes the numbers of worlds and the mean costs, arrays with a row for each
# group and the columns *waited*, *retrained*, and returns the **adjusted effect**: by how much the mean
# cost of *all* worlds would change if all retrained instead of all waiting. Assume that within a group, who
# retrained was chance. (For this table it is −3: in each group take the difference, then the mean over all
# worlds.)

# %%


def adjusted_effect(worlds, costs):
    """What retraining all instead of none would change in the mean cost."""
    ...  # your answer


# %%
check("5.6", adjusted_effect)

# %%
total(5)

# %% [markdown]
# ## Take away
#
# When the transition table is known, the best policy is a matter of arithmetic: value iteration repeats
# Bellman's equation, policy iteration solves and improves, backward induction counts from the deadline. The
# optimum here reads like good practice: leave a fresh model alone, never train on a mixed window, first
# restore the metric by hand and then order the new model. A retraining pays if latency + fee / saving
# cycles are left, and more when the world may change again. A plan is as good as its table: levels forget,
# and a table counted from the log of someone who acted for a reason promises what it cannot keep. The next
# lesson learns without a table, from the big world itself.
