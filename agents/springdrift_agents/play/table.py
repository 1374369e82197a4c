"""The game on a screen: pictures out, keys, buttons and pads in."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from springdrift import Action
from springdrift.render.frame import MachineFrame
from springdrift.render.view import FAINT, FPS, FRAMES, INK, PAPER, View
from springdrift.render.window import Window
from springdrift_agents.play.card import Row, draw_card
from springdrift_agents.play.game import RIVAL, Game
from springdrift_agents.play.guide import draw_hint, draw_title, hindsight_told, hint
from springdrift_agents.play.scores import Score, append, now

BAR = 60  # pixels under the picture
LABELS = {  # what stands on a button, and its key
    Action.WAIT: ("WAIT", "␣"),
    Action.INTERVENE: ("PUSH", "↑"),
    Action.RETRAIN: ("RETRAIN", "→"),
    Action.FINE_TUNE: ("TUNE", "F"),
    Action.ROLLBACK: ("BACK", "←"),
}
TEMPOS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
HELP = (
    "P pause · S step · +/− tempo · TAB waits or flows · H truth · G hints · T same world · N new world · "
    "ESC quit"
)


class Table:
    """The game on a screen: keys, buttons and pads in, pictures out.

    On a gamepad a button for each decision, in their order, and the cross decide; the next one pauses.

    Args:
        game: the game to play.
        player: the name on the score.
        scores: file that finished games are appended to; None keeps none.
        waiting: each cycle waits for the player; else it goes on by itself.
        title: show the goal, the prices and the keys before the first game.
        guided: hints in the first game.
        tempo: speed of the picture; 1 plays two cycles a second.
        truth: show what no operator can see; the score tells that it was shown.
        scenario: tell the scenario's name before the end.
        font_scale: size of the letters, from 0.7 to 1.4.
    """

    def __init__(
        self,
        game: Game,
        player: str = "player",
        scores: Path | None = None,
        waiting: bool = True,
        tempo: float = 1.0,
        truth: bool = False,
        scenario: bool = True,
        font_scale: float = 1.0,
        title: bool = True,
        guided: bool = True,
    ) -> None:
        self.game, self.player, self.scores = game, player, scores
        self.title, self.guided = title, guided
        self.view = View(truth=truth, font_scale=font_scale, scenario=scenario)
        self.pygame = self.view.pygame
        self.window = Window(self.view, "springdrift", below=BAR)
        self.bar = View(font_scale=font_scale)  # letters and strokes for the buttons
        self.waiting, self.tempo, self.paused = waiting, tempo, False
        self.quit = False
        self._asked: int | None = None  # the decision for the next cycle
        self._step = False  # while paused: go on to the end of the cycle
        self._told = False  # the truth was shown in this game
        self._rival_cost, self._hinted = 0.0, ""
        self._again: int | None = None  # seed of the next game
        self.pygame.joystick.init()
        self._pads: dict[int, Any] = {}  # the system tells of those that are there, and of each that comes

    def run(self) -> None:
        """Play games until the player leaves."""
        while self.title and not self.quit:
            frame = self.game.recorder.now()
            self.view.draw(frame)
            name = frame.scenario if self.view.scenario else "a world without a name"
            draw_title(self.view, name, frame.cycles, self.game.prices, self.game.world.latency)
            self._flip(FPS)
        self._asked = None
        while not self.quit:
            self._play()
            self.guided = self.guided and not self.game.over
            if self._again is None and not self.quit:
                self._finish()
            if self._again is not None:
                self.game.begin(self._again)
                self._again = None
        self.window.close()

    def _left(self) -> bool:
        return self.quit or self._again is not None

    def _play(self) -> None:
        game = self.game
        self._asked, self._told = None, False
        self._show(game.recorder.now())
        while not (game.over or self._left()):
            if self._held() or (self.waiting and self._asked is None and not self._step):
                self._show(game.recorder.now())
                continue
            action, self._asked = self._asked or Action.WAIT, None
            game.decide(action)
            self._cycle(game.recorder.frames(FRAMES))

    def _held(self) -> bool:
        return self.paused and not self._step

    def _cycle(self, frames: Sequence[MachineFrame]) -> None:
        """Show a cycle; a pause holds it where it is, and a step goes on to its end."""
        for frame in frames:
            self._show(frame)
            while self._held() and not self._left():
                self._show(frame)
            if self._left():
                return
        self._step = False

    def _finish(self) -> None:
        """The score card, until the player chooses."""
        game = self.game
        card, said = self._count(), game.lesson()
        frame = game.recorder.now()
        if self.scores:
            costs = {name: round(cost, 4) for name, cost, _ in card}
            append(
                Score(
                    now(), self.player, game.name, game.seed, costs["you"], costs["never"],
                    costs["threshold"], frame.cycles, self._told,
                ),
                self.scores,
            )  # fmt: skip
        said = f"{said} {hindsight_told(game.plan)}"
        about = f"{frame.scenario} · world {game.seed} · {frame.cycles} cycles"
        if frame.drawn != frame.scenario:
            about += f" · it was {frame.drawn}"
        if self._told:
            about += " · the truth was shown"
        while not self._left():
            self.view.draw(frame)
            draw_card(self.view, card, about, said, game.world.terms)
            self._flip(FPS)

    def _count(self) -> list[Row]:
        """The card. The window lives while others play the same world; closing it loses no score."""
        with ThreadPoolExecutor(1) as pool:
            counting = pool.submit(self.game.card)
            while not (counting.done() or self.quit):
                self.view.draw(self.game.recorder.now())
                self._note("the deadline: counting")
                self._flip(FPS)
            if self.quit:
                self.window.close()
        return counting.result()

    def _show(self, frame: MachineFrame) -> None:
        self._told = self._told or self.view.truth
        if frame.time == int(frame.time):
            self._rival_cost = self.game.rival_cost
        frame = replace(frame, rival=RIVAL, rival_cost=self._rival_cost)
        self.view.draw(frame)
        if self.guided and self.waiting:
            draw_hint(self.view, self._hint(frame))
        if self._held():
            self._note("paused")
        elif self.waiting and self._asked is None and frame.time == int(frame.time):
            self._note("your decision?")
        self._flip(FPS * self.tempo)

    def _hint(self, frame: MachineFrame) -> str:
        """The hint of the moment; within a cycle that of its beginning stays."""
        if frame.time == int(frame.time):
            self._hinted = hint(frame, self.game.prices, self.game.world.latency)
        return self._hinted

    def _note(self, text: str) -> None:
        self.view.text(text, 230, 50, 22, FAINT, bold=True, align=0.5, fit=390)

    def _flip(self, fps: float) -> None:
        """Buttons under the picture, all of it on the screen, and what the player did meanwhile."""
        if not self.window.closed:
            self._buttons()
        self._listen(self.window.flip(fps))

    # ------------------------------------------------------------ buttons and keys

    def buttons(self) -> list[tuple[str, str, int, tuple[int, int, int, int]]]:
        """Label, colour, decision and place on the window of each button."""
        actions, prices = self.game.world.actions, self.game.prices
        wide = 133 if actions.n == 3 else 92
        made = []
        for one in actions:
            name, key = LABELS[one.action]
            price = f"{prices[one.fee]:g}" if one.fee else "free"
            place = (12 + int(one.action) * (wide + 7), 606, wide, 34)
            made.append((f"{name}  {key}  {price}", one.colour, int(one.action), place))
        return made

    def _buttons(self) -> None:
        bar, screen, buttons = self.bar, self.window.screen, self.buttons()
        bar.surface.fill(PAPER)
        size = bar.fitting([label for label, *_ in buttons], buttons[0][3][2] - 10, 14, bold=True)
        for label, colour, action, (x, y, w, h) in buttons:
            chosen, ink = self._asked == action, "#ffffff" if self._asked == action else colour
            bar.box(x, y - 600, w, h, colour if chosen else "#ffffff", colour, 6)
            top = y - 600 + (h - bar.height(size)) / 2
            bar.text(label, x + w / 2, top, size, ink, bold=True, align=0.5)
        mode = "waits for you" if self.waiting else f"tempo {self.tempo:g}"
        bar.text(mode, 948, 5, 13, INK, align=1)
        top, size = 8 + bar.height(13), 10.5
        room = 940 - sum(buttons[-1][3][::2])  # beside the last button
        while len(bar.wrap(HELP, room, size, " · ")) * bar.height(size) > BAR - top - 2 and size > 7:
            size -= 0.25
        bar.paragraph(HELP, 948, top, room, size, FAINT, align=1, between=" · ")
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
            elif event.type == pygame.JOYDEVICEADDED:
                pad = pygame.joystick.Joystick(event.device_index)  # it speaks while it is held
                self._pads[pad.get_instance_id()] = pad
            elif event.type == pygame.JOYDEVICEREMOVED:
                self._pads.pop(event.instance_id, None)
            elif event.type == pygame.JOYBUTTONDOWN and event.button < self.game.world.actions.n:
                self._asked = event.button
            elif event.type == pygame.JOYBUTTONDOWN and event.button == self.game.world.actions.n:
                self.paused = not self.paused
            elif event.type == pygame.JOYHATMOTION:
                cross = {
                    **{(0, -1): Action.WAIT, (0, 1): Action.INTERVENE},
                    **{(1, 0): Action.RETRAIN, (-1, 0): Action.ROLLBACK},
                }
                self._ask(cross.get(tuple(event.value)))

    def _ask(self, action: int | None) -> None:
        """Take a decision that this world offers for the next cycle."""
        if action is not None and action < self.game.world.actions.n:
            self._asked = int(action)

    def _key(self, key: int) -> None:
        k = self.pygame
        if key == k.K_g:
            self.guided = not self.guided
        if self.title:
            if key in (k.K_RETURN, k.K_KP_ENTER, k.K_SPACE):
                self.title = False
            elif key == k.K_ESCAPE:
                self.quit = True
            return
        decisions = {
            Action.WAIT: (k.K_SPACE, k.K_DOWN, k.K_w),
            Action.INTERVENE: (k.K_UP, k.K_i),
            Action.RETRAIN: (k.K_RIGHT, k.K_r),
            Action.FINE_TUNE: (k.K_f,),
            Action.ROLLBACK: (k.K_LEFT, k.K_b),
        }
        for action, keys in decisions.items():
            if key in keys:
                self._ask(action)
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
        if self.title:
            self.title = False
            return
        for _, _, action, (x, y, w, h) in self.buttons():
            if x <= place[0] < x + w and y <= place[1] < y + h:
                self._asked = int(action)
                return
        if place[1] < 600:  # on the picture the buttons of the mouse decide by themselves
            self._asked = {1: int(Action.INTERVENE), 2: int(Action.WAIT), 3: int(Action.RETRAIN)}.get(button)
