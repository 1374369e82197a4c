# %% [markdown]
# # Lesson 6: Learning
#
# **Goal.** Train a policy by reinforcement learning, read its learning curve, find out what it does and
# why, and keep it in a file that a stranger may open.
#
# **You need** lessons 3 to 5 (detection, costs, discount), NumPy, and
# `pip install "springdrift[cli,render,rl]"`,
# which brings PyTorch and Stable-Baselines3.
#
# **Time** about 80 minutes: 40 to read and run it, 40 for the exercises. Nothing here trains for more than
# some seconds: the longest runs come with the course, and one line makes them anew.

# %%
import pickle
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

try:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import VecFrameStack

    from springdrift_agents.policies.sb3 import export
    from springdrift_agents.training.train import config_of, train
except ModuleNotFoundError as missing:
    raise SystemExit(
        f'this lesson trains networks and needs {missing.name}: pip install "springdrift[cli,render,rl]"'
    ) from None

from springdrift import TERMS, Action, Costs, InclinedMassVectorEnv
from springdrift.incline.observation import OBSERVE
from springdrift.render.view import FAINT, GOOD, HAND, HIDDEN, INK, LINE, MODEL, TRAIN
from springdrift_agents import load
from springdrift_agents.course import FAST, check, total
from springdrift_agents.course.materials import runs
from springdrift_agents.evaluation.evaluate import evaluate, world_seeds
from springdrift_agents.play.inline import inline
from springdrift_agents.policies import learned
from springdrift_agents.policies.learned import Card
from springdrift_agents.policies.registry import policy, policy_names
from springdrift_agents.training.vec_env import SpringdriftVecEnv

torch.set_num_threads(1)  # for networks this small more threads only get in each other's way
EPISODES = 256 if FAST else 1000  # worlds in a comparison
scratch = tempfile.TemporaryDirectory()  # goes when this session ends
FOLDER = Path(scratch.name)

# %% [markdown]
# ## 1. Learning without a table
#
# In lesson 5 a table told us what every decision leads to. The real machine has no table, only itself. One
# can still try, see what it costs, and do more of what went well. That is **reinforcement learning**.
#
# - The **policy** is a small neural network. It takes the 18 numbers of the operator's dashboard and gives
#   a probability for each of the three actions. At first it knows nothing, so it tries all three.
# - The **critic** is a second network that guesses the value of a situation: the discounted reward to come,
#   as in lesson 5.
# - **PPO** (proximal policy optimization) repeats two steps. *Play* some cycles in many worlds. Then
#   *adjust*: a decision that turned out better than the critic had guessed becomes a bit likelier, one that
#   turned out worse becomes a bit less likely. "Proximal" means that one round may change the probabilities
#   only a little.
#
# We begin with the scenario `poc`, a proof of concept: 40 cycles, and no model at the start. The right
# order is to gather some data, to train once, and then to leave the machine alone. Nobody tells the network
# so.
#
# `SpringdriftVecEnv` steps 64 worlds in one call and speaks the language of **Stable-Baselines3** (SB3),
# the library that brings PPO. `evaluate` from lesson 4 then runs the policy on worlds it has never
# seen: the seeds of `world_seeds("evaluation", …)` and those of training never meet.

# %%
envs = SpringdriftVecEnv(64, scenario="poc")
envs.seed(0)
settings = {
    "n_steps": 40,  # cycles of play between two adjustments, in each of the 64 worlds
    "batch_size": 512,
    "n_epochs": 8,  # times that each adjustment goes through what was played
    "learning_rate": 1.5e-3,
    "ent_coef": 0.003,  # a small reward for staying undecided, so that it goes on trying
    "policy_kwargs": {"net_arch": [64, 64], "activation_fn": torch.nn.ReLU},
    "device": "cpu",
}
model = PPO("MlpPolicy", envs, gamma=0.97, seed=0, **settings)
worlds = world_seeds("evaluation", 0, EPISODES)


def cost_of(policy, scenario="poc"):
    return evaluate(policy, scenario, worlds).cost.mean()


print(f"untrained: {cost_of(export(model, Card('ppo'))):5.1f}")
model.learn(20_480)  # 8 rounds of 40 cycles in 64 worlds
print(f"trained:   {cost_of(export(model, Card('ppo'))):5.1f}")
for rule in ("never", "swing", "threshold"):
    print(f"{rule + ':':10} {cost_of(policy(rule)):5.1f}")

# %% [markdown]
# Some seconds of training, and it costs as little as the rule `threshold`, which people wrote and tuned.
# (`export` takes the policy's network out of SB3's model as plain arrays. `Card` says how to run it.)
#
# What does it do? Let us look at its decisions in 64 worlds, cycle by cycle.

# %%


def decisions_of(policy, scenario="poc", cycles=40, number=64):
    """Decisions (cycles, number) of a policy in some evaluation worlds."""
    envs, memory, taken = InclinedMassVectorEnv(number, scenario=scenario), None, []
    seen, _ = envs.reset(seed=worlds[:number].tolist())
    for _ in range(cycles):
        actions, memory = policy.predict(seen, memory)
        taken.append(actions)
        seen, *_ = envs.step(actions)
    return np.array(taken)


first = export(model, Card("ppo"))
SHADES = {Action.WAIT: LINE, Action.INTERVENE: HAND, Action.RETRAIN: TRAIN}
operators = {"learned": first, "threshold": policy("threshold"), "swing": policy("swing")}
shown = {name: decisions_of(one) for name, one in operators.items()}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(3, 1, figsize=(9, 3.4), sharex=True, layout="constrained")
for axis, (name, taken) in zip(axes, shown.items(), strict=True):
    bottom = np.zeros(40)
    for action, shade in SHADES.items():
        share = (taken == action).mean(axis=1)
        axis.bar(range(40), share, bottom=bottom, width=0.9, color=shade, label=action.name)
        bottom += share
    axis.set_yticks([])
    axis.set_ylabel(name, rotation=0, ha="right", va="center")
axes[0].set_title("share of 64 worlds in which each decision is taken", loc="left", fontsize=11, color=INK)
axes[-1].set_xlabel("cycle")
figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, ncols=3, loc="outside lower center")
plt.show()

# %% [markdown]
# The network found the right order by itself: one push by hand, so that there is a swing to learn from,
# then the order for a model, and from then on it only waits. `threshold` hesitates longer, and
# `swing`, which never trains, pushes again and again to the end.
#
# ## 2. Learning curves
#
# How much of this is luck? A run depends on its **seed**: the first weights of the network, the worlds it
# meets, the dice of its decisions. So never show one curve. Train with several seeds and show them all.

# %%


def learn(scenario, steps, seed, *, observe="monitor", stack=1, gamma=0.97, costs=None, parts=8):
    """Train with PPO; returns the best policy and the learning curve, (steps, costs) on validation worlds."""
    envs = SpringdriftVecEnv(64, scenario=scenario, observe=observe, costs=costs)
    envs.seed(seed)
    model = PPO(
        "MlpPolicy", VecFrameStack(envs, stack) if stack > 1 else envs, gamma=gamma, seed=seed, **settings
    )
    held_out, policies, curve = world_seeds("validation", 0, 256), [], []
    for _ in range(parts):
        model.learn(steps // parts, reset_num_timesteps=False)
        policies.append(export(model, Card("ppo", observe=observe, stack=stack)))
        curve.append((model.num_timesteps, evaluate(policies[-1], scenario, held_out).cost.mean()))
    steps_done, costs_found = np.array(curve).T
    return policies[costs_found.argmin()], (steps_done, costs_found)


def draw(axis, curves, colour, label=None, style="-"):
    for curve in curves:
        axis.plot(*curve, color=colour, linestyle=style, marker="o", markersize=3, label=label)
        label = None


poc_runs = [learn("poc", 20_480, seed) for seed in (1, 2, 3)]
by_rule = {rule: cost_of(policy(rule)) for rule in ("never", "swing", "threshold")}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
draw(axis, [curve for _, curve in poc_runs], MODEL, "PPO, three seeds")
for (rule, cost), style in zip(by_rule.items(), (":", "--", "-"), strict=True):
    axis.axhline(cost, color=FAINT, linestyle=style, lw=1, label=rule)
axis.set_yscale("log")
axis.set_yticks([10, 30, 100], ["10", "30", "100"])
axis.set_xlabel("steps (cycles played)")
axis.set_ylabel("cost of an episode")
figure.legend(frameon=False, loc="outside right upper")
axis.set_title("poc: how soon does it learn?", loc="left", fontsize=11, color=INK)
plt.show()

# %% [markdown]
# Look at the way down. A curve often rests for a while at the cost of `never` or of `swing`: these are
# simple habits that pay at once, and the network learns them first. The step down to the rule's cost comes
# when it discovers that a retraining pays, which it does sooner with one seed than with another. Curves
# also go up and down: a policy can be good now and worse after the next adjustment. That is why one
# validates on held-out worlds after each part and keeps the best.
#
# ### Exercise 6.1: When a curve has arrived (2 points)
#
# "It reaches the rule after n steps" should mean that it *stays* there. Write a function that takes the
# steps and costs of a curve (arrays) and a goal, and returns the number of steps of the first point from
# which on *all* costs are at or below the goal, or `float("inf")` if the curve ends above it.

# %%


def steps_to(steps, costs, goal):
    """Steps from which on the curve stays at or below the goal."""
    ...  # your answer


# %%
check("6.1", steps_to)

# %% [markdown]
# ## 3. Patience and scale: two settings that decide everything
#
# **Patience.** γ says how much the future counts (lesson 5). A network that does not look far enough ahead
# will never pay 3 now for a model that saves a little in every cycle later. **Scale.** Costs could be in
# euros or in cents. The best policy is the same, but is the learning? We train with γ = 0 and 0.8, and once
# with γ = 0.97 and all prices times 100, and evaluate all of them at the usual prices.

# %%
usual = Costs()
hundredfold = {term: 100 * getattr(usual, term) for term in TERMS}
variants = {
    "γ = 0.97": ({}, MODEL),
    "γ = 0.8": ({"gamma": 0.8}, GOOD),
    "γ = 0": ({"gamma": 0.0}, HIDDEN),
    "γ = 0.97, prices × 100": ({"costs": hundredfold}, HAND),
}
curves, judged = {}, {}
for name, (options, _) in variants.items():
    one, curves[name] = learn("poc", 20_480, 0, **options)
    judged[name] = found = evaluate(one, "poc", worlds)
    print(
        f"{name:24} cost {found.cost.mean():6.1f}, retrainings {found.finding('retrains').mean():.1f}, "
        f"pushes {found.finding('interventions').mean():.1f}"
    )

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
for name, (_, colour) in variants.items():
    draw(axis, [curves[name]], colour, name)
axis.set_yscale("log")
axis.set_yticks([10, 30, 100], ["10", "30", "100"])
axis.set_xlabel("steps (cycles played)")
axis.set_ylabel("cost of an episode")
figure.legend(frameon=False, loc="outside right upper")
plt.show()

# %% [markdown]
# The impatient ones learn to push, which pays at once, and never order a model. And with prices times 100
# nothing is learned at all: the critic's errors become so large that its gradient is far larger than the
# policy's (SB3 scales both down together). Keep the rewards of a cycle at about 1. When a run fails, look
# at the scale of the rewards and at γ before you change the algorithm.
#
# Could you have told beforehand that γ = 0.8 is too small? Living without a model costs about 0.65 a cycle
# in `poc` (see `swing`: 26 in 40 cycles), with a good one next to nothing. The model costs 3 and starts to
# save about 4 cycles after the request. A saving in every cycle from now on would be worth
#
# saving · (1 + γ + γ² + …) = saving / (1 − γ).
#
# ### Exercise 6.2: What patience is worth (2 points)
#
# Write a function that returns the discounted gain of a retraining: the fee is paid now, the first saving
# comes `latency` cycles from now, and then one in each cycle, for ever. Then look at its sign for γ = 0.8
# and 0.97.

# %%


def gain_of_retraining(fee, saving, latency, gamma):
    """Discounted gain of a retraining, seen from now."""
    ...  # your answer


# %%
check("6.2", gain_of_retraining)

# %% [markdown]
# ## 4. Memory
#
# Now a harder scenario: `abrupt`. The stiffness jumps, again and again, at times nobody knows. A network of
# this kind has no memory: it decides from the numbers it is shown *now*. The dashboard helps with averages
# and with counters ("cycles since the last retraining"), which are a memory that people built in. Can a
# network use more?
#
# The simplest memory is **frame stacking**: show it the last four dashboards side by side, 72 numbers.
#
# `abrupt` takes longer to learn than `poc`: 160,000 steps, half a minute or more for each run. You need not
# wait for them: three runs with one frame and three with four come with the course. The `learn` above made
# them.

# %%
plain, stacked = runs("one"), runs("four")  # three seeds each
# to train one of them anew, in half a minute or more:
# again = learn("abrupt", 160_000, 0, stack=4, parts=8)

usual_rules = {rule: cost_of(policy(rule), "abrupt") for rule in ("threshold", "page-hinkley")}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
draw(axis, [curve for _, curve in plain], MODEL, "one frame")
draw(axis, [curve for _, curve in stacked], GOOD, "four frames")
for (rule, cost), style in zip(usual_rules.items(), ("-", "--"), strict=True):
    axis.axhline(cost, color=FAINT, linestyle=style, lw=1, label=rule)
axis.set_ylim(30, 70)
axis.set_xlabel("steps (cycles played)")
axis.set_ylabel("cost of an episode")
figure.legend(frameon=False, loc="outside right upper")
axis.set_title("abrupt: with memory and without", loc="left", fontsize=11, color=INK)
plt.show()


# %%
class Forgetful:
    """A policy whose memory is wiped before every decision."""

    def __init__(self, inner):
        self.inner = inner

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return self.inner.predict(observation)[0], None


over_seeds = {
    "one frame": [cost_of(one, "abrupt") for one, _ in plain],
    "four frames": [cost_of(one, "abrupt") for one, _ in stacked],
    "the same, memory wiped": [cost_of(Forgetful(one), "abrupt") for one, _ in stacked],
}
print("a column for each seed:")
for name, costs in over_seeds.items():
    print(f"{name:22}", "  ".join(f"{cost:6.1f}" for cost in costs))

# %% [markdown]
# Both beat the rule `threshold`, and with this many steps four frames are a little better than one. It is
# not much, because the dashboard's own averages and counters hold most of what a memory can give. But a
# network that was trained with a memory relies on it: wipe it, and the same network does worse, with some
# seeds a lot.
#
# Memory has a trap. When one episode ends and the next begins, the old frames must go, or the network would
# see the past of another world.
#
# ### Exercise 6.3: A memory of frames (2 points)
#
# Write the memory yourself, for n worlds side by side. `memory` holds the last k frames of D numbers, shape
# (n, k·D), the oldest first; `observation` is the new frame, (n, D); `start` (n,) is True where an episode
# has just begun. Return the new memory: without the oldest frame, with the new one last, and with zeros for
# all old frames where an episode has begun.

# %%


def remember(memory, observation, start):
    """The new memory, (n, k·D)."""
    ...  # your answer


# %%
check("6.3", remember)

# %% [markdown]
# ## 5. Leaks
#
# What if the network could see the truth: the true stiffness, and how long ago it changed?
# `observe="truth"` adds such columns to the dashboard. No operator has them, so a policy that reads them is
# no candidate. It is a **reference**: it tells how much better information could help at best.

# %%
over_seeds["sees the truth"] = [cost_of(one, "abrupt") for one, _ in runs("truth")]
without, with_memory = plain[0].policy, stacked[0].policy
for name in ("one frame", "four frames", "sees the truth"):
    print(f"{name + ':':15} {np.mean(over_seeds[name]):6.1f}, the mean of three seeds")
print("the dashboard:", ", ".join(sense.name for sense in OBSERVE["monitor"]))

# %% [markdown]
# Those that see the truth cost about 2 less than those with one frame, but *no less* than those with four.
# How can that be? They have eight more numbers to learn about, and after 160,000 steps they have not finished
# learning. So these runs do not tell what the truth is worth: **a ceiling holds only for runs that have
# converged**. Before somebody spends a year on better monitoring, or decides against it, such a run must go
# on until its curve is flat.
#
# In production nobody calls a column `true_…`. A **leak** is a feature that is known in the training data
# and not yet, or never, at the moment of the decision: a label that arrives next week, a corrected value,
# the reason for a change. Two other leaks are kept out for you here: worlds of training, validation and
# evaluation never overlap, and each policy is shown what it was trained on and nothing else.
#
# ### Exercise 6.4: Columns that no operator has (1 point)
#
# Which columns of `observe="truth"` are leaks? Give the set of their names. (`OBSERVE` holds all tables.)

# %%
leaks = ...  # your answer

# %%
check("6.4", leaks)

# %% [markdown]
# ## 6. Compare, watch, diagnose
#
# A policy is judged on **common worlds**: the same 1000 worlds for all (256 in the fast mode), worlds that
# no training has met. The difference of two policies is taken world by world, which cancels the luck of the
# worlds.

# %%
table = {"never": policy("never"), "threshold": policy("threshold"), "page-hinkley": policy("page-hinkley")}
table |= {"one frame": without, "four frames": with_memory}
table |= {name: policy(name) for name in ("ppo-mix",) if name in policy_names()}  # if the package has one
found = {name: evaluate(one, "abrupt", worlds) for name, one in table.items()}

print(f"{'':14}{'cost':>14} {'less threshold':>16} {'retrainings':>12} {'mixed':>6} {'needless':>9}")
for name, one in found.items():
    difference = one.cost - found["threshold"].cost
    half, apart = (1.96 * values.std(ddof=1) / np.sqrt(len(worlds)) for values in (one.cost, difference))
    print(
        f"{name:14}{one.cost.mean():7.1f} ± {half:4.1f} {difference.mean():+9.1f} ± {apart:4.1f} "
        f"{one.finding('retrains').mean():12.1f} {one.finding('mixed_retrains').mean():6.1f} "
        f"{one.finding('needless_retrains').mean():9.2f}"
    )

# %% [markdown]
# The last columns are **findings**: what a policy did, told from the truth afterwards. A *needless*
# retraining is one where nothing had changed. A *mixed* one learned from a window that held the old world
# and the new one: less than six cycles after a change. (`ppo-mix`, if your table has it, comes with the
# package: it was trained for much longer, and on all scenarios.)
#
# Now a surprise: the policies that learned have many mixed retrainings, and yet they cost less. Do they
# make the beginner's mistake? Look closer: *how many* cycles after a change does each policy ask for its
# model?

# %%


def cycles_after_change(policy, number=256):
    """For each paid retraining after a change: the cycles between them."""
    envs, memory, gaps = InclinedMassVectorEnv(number, scenario="abrupt"), None, []
    seen, info = envs.reset(seed=worlds[:number].tolist())
    for _ in range(199):
        actions, memory = policy.predict(seen, memory)
        paid = (actions == Action.RETRAIN) & envs.action_masks()[:, Action.RETRAIN]
        changed, now = info["truth"]["last_change"], info["truth"]["cycle"]
        gaps.extend((now - changed)[paid & (changed >= 0)])
        seen, _, _, _, info = envs.step(actions)
    return np.array(gaps)


waits = {name: cycles_after_change(table[name]) for name in ("threshold", "page-hinkley", "four frames")}

# %% tags=["hide-input"] jupyter={"source_hidden": true}
figure, axes = plt.subplots(1, 3, figsize=(10, 2.6), sharey=True, layout="constrained")
for axis, (name, gaps) in zip(axes, waits.items(), strict=True):
    axis.hist(gaps, np.arange(-0.5, 21), weights=np.ones(len(gaps)) / max(len(gaps), 1), color=TRAIN)
    axis.axvline(5.5, color=HIDDEN, linestyle=":")
    axis.set_title(f"{name}: {len(gaps) / 256:.1f} an episode", loc="left", fontsize=10, color=INK)
    axis.set_xlabel("cycles after the change")
axes[0].set_ylabel("share of its retrainings")
plt.show()

# %% [markdown]
# `threshold` asks at once, in the first three cycles, when the window is still almost all old world. Then
# it must ask a second time, eight or nine cycles after the change, and pays twice. `page-hinkley` and the
# network wait until most of the window is new: left of the dotted line, but close to it. A window with one
# or two old cycles in six is "mixed" by definition and good enough in practice. **A finding is a question,
# not a verdict**: look at what is behind it before you forbid it.
#
# And watch it. In this world the stiffness jumps in cycle 30. On the left the network, on the right
# `threshold`: who asks for the new model sooner, and who pays for it twice? A policy in a file can be named
# wherever a policy is named:

# %%
learned.save(with_memory, FOLDER / "four-frames")
mine = str(FOLDER / "four-frames.safetensors")
inline(mine, "abrupt", versus="threshold", seed=1, cycles=(26, 46), size=(480, 304), frames=8)

# %% [markdown]
# ### Exercise 6.5: Retrainings on a mixed window (2 points)
#
# `found["threshold"].finding("mixed_retrains")` holds a number for each episode, and so does
# `finding("retrains")`. Write a function that takes these two arrays and returns the share of *all
# retrainings* that were mixed. Mind the episodes without any retraining. If there is none at all, return
# 0.0.

# %%


def share_mixed(mixed, retrains):
    """Share of all retrainings that saw a mixed window."""
    ...  # your answer


# %%
check("6.5", share_mixed)

# %% [markdown]
# ## 7. With a checkpoint: `springdrift train`
#
# A serious run takes minutes or hours, and computers stop in the middle. springdrift trains in **chunks**.
# After each chunk it writes a checkpoint, and validates the policy on 256 worlds that are neither for
# training nor for the final comparison. The hyperparameters are data: a YAML file that you can read, copy
# and change.

# %%
changes = ["n_envs=64", "n_steps=40", "batch_size=512", "frame_stack=1", "learning_rate=1.5e-3"]
config = config_of("ppo", scenario="poc", steps=20_480, chunk=5_120, changes=changes)
print({name: config.hyper[name] for name in ("n_envs", "n_steps", "frame_stack", "gamma", "learning_rate")})


def tell(steps, cost):
    print(f"{steps:6} steps, validation cost {cost:6.1f}")
    return True  # False would end the run


whole = train(config, FOLDER / "whole", validated=tell)

# now the same run, stopped after the first chunk as if the power had failed, and then started again
train(config, FOLDER / "broken", validated=lambda steps, cost: False)
resumed = train(config, FOLDER / "broken")
print("files:", *sorted(path.name for path in (FOLDER / "broken").iterdir()))
print("equal, bit for bit:", all(np.array_equal(whole.weights[n], resumed.weights[n]) for n in whole.weights))

# %% [markdown]
# On the command line the same is
#
# ```sh
# springdrift train ppo -s poc --steps 20480 --out runs/poc    # run it again, and it goes on
# springdrift compare -s poc -p threshold,runs/poc/best.safetensors
# ```
#
# The folder keeps the last policy and the *best* one on the validation worlds. Its validation cost is a
# little too good to be true, because it was chosen for it: the best of many numbers is partly lucky. Report
# the cost on evaluation worlds instead, which had no say in the choice.
#
# ## 8. Whose policy do you load?
#
# A trained policy is a file, and people share files. SB3 saves a zip that holds **pickles**. A pickle is
# not data but a small program that rebuilds Python objects, and the one who wrote it decides what it runs:


# %%
class Harmless:
    def __reduce__(self):
        return (print, ("I ran although you only wanted to read a file. I could have read your keys.",))


data = pickle.dumps(Harmless())
pickle.loads(data)

try:
    load("gift-from-a-stranger.zip")
except ValueError as refused:
    print("refused:", refused)
print("safetensors + JSON:", {name: value.shape for name, value in load(mine).weights.items()})

# %% [markdown]
# springdrift keeps policies as **safetensors**, plain arrays with names, next to a small JSON file that says
# what the network sees, where it was trained, and the checksum of the weights. Reading them runs nothing.
# It loads and runs without PyTorch, too. Only for a zip of your own say `trust=True`.
#
# ### Exercise 6.6: A file from a stranger (1 point)
#
# Somebody offers you a policy as `policy.zip` (SB3), `policy.pkl` (pickle), `policy.pt` (torch.save) or
# `policy.safetensors`. Which of them can hold nothing but numbers, whoever made it? Answer with its name.

# %%
safe_file = ...  # your answer

# %%
check("6.6", safe_file)

# %%
total(6)

# %% [markdown]
# ## Take away
#
# Reinforcement learning needs no table: it tries, compares with what the critic expected, and shifts its
# probabilities. Show several seeds, validate on held-out worlds, and when a run fails look at γ and at the
# scale of the rewards first. Frames give a network a memory, and the truth gives a ceiling that no
# candidate may use. Before you trust a policy, ask what it does: compare it on common worlds, read the
# findings, watch it. And open only files that hold numbers. The next lesson asks when a difference between
# two policies is real.
