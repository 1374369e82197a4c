"""A game: a person is the operator, on the same worlds as every policy."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from springdrift import SCENARIOS, TERMS, Action, World
from springdrift.frame import Frame
from springdrift.recorder import Recorder
from springdrift.view import COLOURS, FAINT, FPS, FRAMES, HAND, INK, LINE, PAPER, TRAIN, View, Window
from springdrift_agents.evaluate import REFERENCE, Script, evaluate, world_seeds
from springdrift_agents.hindsight import Planner
from springdrift_agents.lesson import lesson
from springdrift_agents.rules import policy
from springdrift_agents.scores import Score, append, now

RIVALS = ("never", "periodic", "swing", "threshold")
SEARCH = 30  # rounds of hindsight's search for the score card
BAR = 60  # pixels under the picture
TEMPOS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
HELP = "P pause · S step · +/− tempo · TAB wait for me · H truth · T same world · N new world · ESC quit"


class Game:
    """One game, without a screen: a world, the player's decisions, and the score at the deadline.

    >>> game = Game("stationary", seed=1, cycles=5)
    >>> while not game.over:
    ...     game.decide(Action.WAIT)
    >>> game.card()[0][0]
    'you'
    """

    def __init__(self, scenario: str, seed: int, cycles: int | None = None) -> None:
        self.scenario, self.cycles = scenario, cycles
        self.world = World(1, scenario, cycles=cycles)
        self.recorder = Recorder(self.world, policy="you")
        self.begin(seed)

    def begin(self, seed: int) -> None:
        """Start anew in the world of ``seed``."""
        self.seed, self.over = seed, False
        self.world.seed(np.zeros(1, np.int64), world_seeds("evaluation", seed, 1))
        self.world.begin(np.ones(1, np.bool_))
        self.recorder.begin()

    def decide(self, action: int) -> None:
        """Play one cycle.

        Raises:
            RuntimeError: the game is over.
        """
        if self.over:
            raise RuntimeError("the game is over: begin() a new one")
        self.recorder.before(int(action))
        self.over = self.world.advance(np.array([action], np.int64)) > 0
        self.recorder.after()

    def card(self) -> list[tuple[str, float, list[float]]]:
        """Name, cost and cost by term: the player's first, then the others' on the same world, best first.

        The others are rules, and hindsight: a plan that knew the future, searched for a second or two.
        """
        frame = self.recorder.now()
        mine, rows = frame.bills.sum(axis=0).tolist(), []
        seeds = world_seeds("evaluation", self.seed, 1)
        planner = Planner(self.scenario, int(seeds[0]), cycles=self.cycles)
        plan = planner.search(rounds=SEARCH, start=[frame.decisions])
        terms = evaluate(Script(plan.decisions[None]), self.scenario, seeds, cycles=self.cycles).terms[0]
        rows.append((REFERENCE, plan.cost, terms.tolist()))
        for name in RIVALS:
            terms = evaluate(policy(name), self.scenario, seeds, cycles=self.cycles).terms[0].tolist()
            rows.append((name, sum(terms), terms))
        return [("you", sum(mine), mine), *sorted(rows, key=lambda row: row[1])]

    def lesson(self) -> str:
        """The one sentence under the card."""
        frame = self.recorder.now()
        cold = SCENARIOS[frame.drawn].cold_start if frame.drawn in SCENARIOS else False
        return lesson(frame.decisions.tolist(), frame.changed, frame.swings, frame.target, cold)


class Table:
    """The game on a screen: keys, buttons and pads in, pictures out.

    Args:
        game: the game to play.
        player: the name on the score.
        scores: file that finished games are appended to; None keeps none.
        waiting: each cycle waits for the player instead of going on by itself.
        tempo: speed of the picture; 1 plays two cycles a second.
        truth: show what no operator can see.
        font_scale: size of the letters.
    """

    def __init__(
        self,
        game: Game,
        player: str = "player",
        scores: Path | None = None,
        waiting: bool = False,
        tempo: float = 1.0,
        truth: bool = False,
        font_scale: float = 1.0,
    ) -> None:
        self.game, self.player, self.scores = game, player, scores
        self.view = View(truth=truth, font_scale=font_scale)
        self.pygame = self.view.pygame
        self.window = Window(self.view, "springdrift", below=BAR)
        self.bar = View(font_scale=font_scale)  # letters and strokes for the buttons
        self.waiting, self.tempo, self.paused = waiting, tempo, False
        self.quit = False
        self._asked: int | None = None  # the decision for the next cycle
        self._step = False
        self._again: int | None = None  # seed of the next game
        self.pygame.joystick.init()
        self._pads = [self.pygame.joystick.Joystick(n) for n in range(self.pygame.joystick.get_count())]

    def run(self) -> None:
        """Play games until the player leaves."""
        while not self.quit:
            self._play()
            if self.quit:
                break
            self._finish()
            seed = self._again
            self._again = None
            if seed is not None:
                self.game.begin(seed)
        self.window.close()

    def _play(self) -> None:
        game = self.game
        self._asked = None
        self._show(game.recorder.now())
        while not (game.over or self.quit or self._again is not None):
            if self.paused and not self._step:
                self._show(game.recorder.now())
                continue
            if self.waiting and self._asked is None and not self._step:
                self._show(game.recorder.now())
                continue
            action, self._asked, self._step = self._asked or Action.WAIT, None, False
            game.decide(action)
            for frame in game.recorder.frames(FRAMES):
                self._show(frame)
                if self.quit or self._again is not None:
                    break

    def _finish(self) -> None:
        """The score card, until the player chooses."""
        game = self.game
        if self._again is None:
            with ThreadPoolExecutor(1) as pool:  # the window stays alive while hindsight is searched
                counting = pool.submit(game.card)
                while not counting.done():
                    self.view.draw(game.recorder.now())
                    self.view.text("the deadline: counting", 322, 60, 22, FAINT, bold=True, align=0.5)
                    self._buttons()
                    self._listen(self.window.flip(FPS))
            card, said = counting.result(), game.lesson()
            if self.scores:
                costs = {name: cost for name, cost, _ in card}
                append(
                    Score(
                        now(), self.player, game.scenario, game.seed,
                        *(round(costs[name], 4) for name in ("you", "never", "threshold")),
                    ),
                    self.scores,
                )  # fmt: skip
            while not (self.quit or self._again is not None):
                frame = game.recorder.now()
                self.view.draw(frame)
                draw_card(self.view, card, said)
                self._buttons()
                self._listen(self.window.flip(FPS))

    def _show(self, frame: Frame) -> None:
        self.view.draw(frame)
        if self.paused:
            self.view.text("paused", 322, 60, 22, FAINT, bold=True, align=0.5)
        elif self.waiting and self._asked is None and frame.time == int(frame.time):
            self.view.text("your decision?", 322, 60, 22, FAINT, bold=True, align=0.5)
        self._buttons()
        self._listen(self.window.flip(FPS * self.tempo))

    # ------------------------------------------------------------ buttons and keys

    def buttons(self) -> list[tuple[str, str, int, tuple[int, int, int, int]]]:
        """Label, colour, decision and place on the window of each button."""
        return [
            ("WAIT  ␣", INK, Action.WAIT, (12, 606, 120, 34)),
            ("PUSH  ↑", HAND, Action.INTERVENE, (142, 606, 120, 34)),
            ("RETRAIN  →", TRAIN, Action.RETRAIN, (272, 606, 140, 34)),
        ]

    def _buttons(self) -> None:
        bar, screen = self.bar, self.window.screen
        bar.surface.fill(PAPER)
        for label, colour, action, (x, y, w, h) in self.buttons():
            chosen = self._asked == action
            bar.box(x, y - 600, w, h, colour if chosen else "#ffffff", colour, 6)
            bar.text(label, x + w / 2, y - 600 + 8, 14, "#ffffff" if chosen else colour, bold=True, align=0.5)
        mode = "waits for you" if self.waiting else f"tempo {self.tempo:g}"
        bar.text(mode, 948, 8, 13, INK, align=1)
        bar.text(HELP, 948, 30, 10.5, FAINT, align=1)
        screen.blit(bar.surface, (0, 600), (0, 0, 960, BAR))

    def _listen(self, events: Sequence[Any]) -> None:
        pygame = self.pygame
        for event in events:
            if event.type == pygame.QUIT:
                self.quit = True
            elif event.type == pygame.KEYDOWN:
                self._key(event.key)
            elif event.type == pygame.MOUSEBUTTONDOWN:
                self._mouse(event.button, event.pos)
            elif event.type == pygame.JOYBUTTONDOWN and event.button < len(Action):
                self._asked = event.button

    def _key(self, key: int) -> None:
        k = self.pygame
        decisions = {
            Action.WAIT: (k.K_SPACE, k.K_DOWN, k.K_w),
            Action.INTERVENE: (k.K_UP, k.K_i),
            Action.RETRAIN: (k.K_RIGHT, k.K_r),
        }
        for action, keys in decisions.items():
            if key in keys:
                self._asked = int(action)
        if key == k.K_ESCAPE:
            self.quit = True
        elif key == k.K_p:
            self.paused = not self.paused
        elif key == k.K_s:
            self._step = self.paused = True
        elif key == k.K_TAB:
            self.waiting = not self.waiting
        elif key in (k.K_PLUS, k.K_KP_PLUS, k.K_EQUALS):
            self.tempo = TEMPOS[min(TEMPOS.index(self.tempo) + 1, len(TEMPOS) - 1)]
        elif key in (k.K_MINUS, k.K_KP_MINUS):
            self.tempo = TEMPOS[max(TEMPOS.index(self.tempo) - 1, 0)]
        elif key == k.K_t:
            self._again, self.paused = self.game.seed, False
        elif key == k.K_n:
            self._again, self.paused = self.game.seed + 1, False

    def _mouse(self, button: int, place: tuple[int, int]) -> None:
        for _, _, action, (x, y, w, h) in self.buttons():
            if x <= place[0] < x + w and y <= place[1] < y + h:
                self._asked = int(action)
                return
        if place[1] < 600:  # on the picture the buttons of the mouse decide by themselves
            self._asked = {1: int(Action.INTERVENE), 2: int(Action.WAIT), 3: int(Action.RETRAIN)}.get(button)


def draw_card(view: View, card: Sequence[tuple[str, float, list[float]]], said: str) -> None:
    """The score card over the picture."""
    view.box(150, 110, 660, 112 + 34 * len(card), "#ffffff", INK, 8)
    mine, best = card[0][1], min(cost for name, cost, _ in card[1:] if name != REFERENCE)
    title = "You beat every rule!" if mine < best else "The deadline is here"
    view.text(title, 174, 124, 22, INK, bold=True)
    full = max(cost for _, cost, _ in card)
    for n, (name, cost, terms) in enumerate(card):
        y = 166 + 34 * n
        view.text(name, 174, y, 15, INK, bold=name == "you")
        x = 290.0
        for term, value in zip(TERMS, terms, strict=True):
            view.box(x, y, 400 * value / full, 20, COLOURS[term])
            x += 400 * value / full
        view.text(f"{cost:.1f}", 786, y, 15, INK, bold=name == "you", align=1)
    y = 172 + 34 * len(card)
    view.box(174, y, 612, 1, LINE)
    for n, line in enumerate(_wrap(said, 88)):
        view.text(line, 174, y + 6 + 15 * n, 12, FAINT)


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
