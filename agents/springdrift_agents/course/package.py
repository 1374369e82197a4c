"""The course in two folders: what students get, and what stays with their teachers."""

import shutil
from collections.abc import Callable
from pathlib import Path

from springdrift_agents.course import LESSONS, notebooks, variants
from springdrift_agents.files import write_text

STUDENTS, INSTRUCTORS = "students", "instructors"
GUIDE = "teachers_guide.md"
SHARED = ("databases.py", "patience.py", "rollbacks.py")  # of the judges, beside those of each lesson
README = """# springdrift: the lessons

    pip install "springdrift[cli,render,rl,notebook]" jupyterlab
    python -c "import springdrift as s; s.warm_up(); s.warm_up(s.SERIES_ID)"
    jupyter lab

The first line needs a network, the second compiles once (about two minutes). Then open the lessons
in their order. Each exercise is followed by its `check`, which says whether your answer is right, or gives
a hint.
Hand in the notebooks, with your name in front: `name_lesson1_machine.ipynb`.
"""


def build(
    tutorials: Path, out: Path, done: Callable[[Path], None] = lambda _: None, variant: int = 0
) -> list[Path]:
    """Write both folders; returns their files.

    Args:
        tutorials: the folder of the lessons, with ``solutions`` and the teacher's guide.
        out: gets a folder ``students`` (notebooks and how to begin) and a folder ``instructors`` (solutions,
            the guide, and the judges with their hidden inputs).
        done: hears of each notebook.
        variant: of the exercises: other numbers, and other hidden inputs. 0 is what the lessons say.

    Raises:
        ImportError: what notebooks need is not installed.
        ValueError: a lesson has no solutions; there is no guide; ``out`` holds such folders already.
    """
    scripts = notebooks.scripts(tutorials)
    solutions = [tutorials / "solutions" / f"{script.name.partition('_')[0]}.py" for script in scripts]
    missing = [path for path in (*solutions, tutorials / GUIDE) if not path.is_file()]
    if missing:
        raise ValueError(
            f"there is no {missing[0].name} in {missing[0].parent}: an instructor package needs it, and it "
            "comes with the repository alone: run this in a clone of it"
        )
    for name in (STUDENTS, INSTRUCTORS):
        if (out / name).exists():
            raise ValueError(f"{out / name} is there already: give another folder, or remove it")
    written = notebooks.build(scripts, out / STUDENTS, done=done, variant=variant)
    write_text(out / STUDENTS / "README.md", README)
    names = [f"lesson{number}.py" for number in range(1, LESSONS + 1)]
    judges = [Path(notebooks.__file__).with_name(name) for name in (*names, *SHARED)]
    for folder, files in (("solutions", solutions), ("judges", judges), ("", [tutorials / GUIDE])):
        place = out / INSTRUCTORS / folder
        place.mkdir(parents=True, exist_ok=True)
        written += [Path(shutil.copy(file, place)) for file in files]
    if variant:
        for file in (out / INSTRUCTORS / "solutions").iterdir():
            write_text(file, _of_variant(file.read_text(encoding="utf-8"), variant))
    return [*written, out / STUDENTS / "README.md"]


def _of_variant(solutions: str, variant: int) -> str:
    """Solutions that are those of a variant: they say so in the line behind their docstring."""
    docstring, _, rest = solutions.partition('"""\n')
    return f'{docstring}"""\n\n{variants.line_of(variant)}{rest.lstrip()}'
