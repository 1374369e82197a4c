"""What a teacher hands on: totals, files for Moodle and Canvas, feedback; inert in a spreadsheet."""

import csv
import io

import pytest

from faults import COURSE
from springdrift_agents.course import gradebook
from springdrift_agents.course.grade import NOT_GRADED, Report, Row
from springdrift_agents.text import FORMULA, inert


def report(student, points, account="", lesson=1, broken="", verdicts=("right: Period", "look again")):
    rows = [
        Row(student, lesson, one.id, got, one.points, verdict)
        for one, got, verdict in zip(COURSE, points, verdicts, strict=False)
    ]
    return Report(student, lesson, "lesson1.py", rows, ["a note"], 1.0, broken, account)


REPORTS = [
    report("Doe Jane", (1, 0), "moodle 4711"),
    report("=cmd", (1, 2), "canvas 12"),
    report("roe", (1, None), "moodle 5", broken="x", verdicts=("right", f"{NOT_GRADED}: x")),
    report("sam", (0, 2)),
]


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_totals_have_a_line_for_each_student():
    assert rows_of(gradebook.totals_csv(REPORTS)) == [
        {"student": "Doe Jane", "points": "1", "of": "3", "percent": "33.3", "lesson 1": "1"},
        {"student": "'=cmd", "points": "3", "of": "3", "percent": "100.0", "lesson 1": "3"},
        {"student": "roe", "points": "", "of": "3", "percent": "", "lesson 1": ""},
        {"student": "sam", "points": "2", "of": "3", "percent": "66.7", "lesson 1": "2"},
    ]


def test_moodle_finds_its_participants_and_columns():
    """Identifier, Grade and Last modified (grade) are what its import looks for."""
    jane, roe = rows_of(gradebook.moodle_csv(REPORTS))
    assert (jane["Identifier"], jane["Grade"], jane["Maximum grade"]) == ("Participant 4711", "1", "3")
    assert jane["Feedback comments"] == "1.1: right: Period; 1.2: look again"
    assert jane["Last modified (grade)"].endswith("UTC")
    assert (roe["Identifier"], roe["Grade"]) == ("Participant 5", "")  # never a zero for the grader's failure


@pytest.mark.attack
def test_a_verdict_cannot_shift_the_columns_of_moodle():
    """PHP takes a backslash and the quote behind it for text: lines would be lost, or all refused."""
    said = ('bad, "x", \\" (called with 1, 2)', "a, b\\", '\\\\"', "C:\\new, old", "plain")
    reports = [
        report(f"st{n}", (0, 1), f"moodle {n}", verdicts=("right", text)) for n, text in enumerate(said, 1)
    ]
    text = gradebook.moodle_csv(reports)
    php = list(csv.reader(io.StringIO(text), escapechar="\\"))  # its rules: escapes within quotes
    assert [len(row) for row in php] == [6] * 6
    assert [(row[0], row[2]) for row in php[1:]] == [(f"Participant {n}", "1") for n in range(1, 6)]
    assert [row["Feedback comments"].replace("\\ ", "\\") for row in rows_of(text)] == [
        f"1.1: right; 1.2: {one}" for one in said
    ]


def test_names_with_commas_quotes_and_letters_of_any_language_come_back(tmp_path):
    names = ('Doe, Jane "JD"', "Müller Zoë", "Nguyễn Văn", "陳大文")
    reports = [report(name, (1, 2), f"moodle {n}") for n, name in enumerate(names)]
    reports += [report(f"{name}.", (1, 2), f"canvas {n}") for n, name in enumerate(names)]
    gradebook.write(tmp_path, reports, COURSE)
    moodle, canvas, totals = (
        rows_of((tmp_path / f"{file}.csv").read_text(encoding="utf-8"))
        for file in ("moodle", "canvas", "totals")
    )
    assert [(row["Full name"], row["Grade"]) for row in moodle] == [(name, "3") for name in names]
    assert [row["Student"] for row in canvas[1:]] == [f"{name}." for name in names]
    assert {row["student"] for row in totals} == {*names, *(f"{name}." for name in names)}
    assert not (tmp_path / "moodle.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_canvas_finds_its_users_and_the_points_possible():
    most, student = rows_of(gradebook.canvas_csv(REPORTS))
    assert (most["Student"], most["springdrift lesson 1"]) == ("Points Possible", "3")
    assert (student["Student"], student["ID"], student["springdrift lesson 1"]) == ("'=cmd", "12", "3")


def test_feedback_lies_where_moodle_takes_it_back(tmp_path):
    written = gradebook.write(tmp_path, REPORTS, COURSE)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "totals.csv",
        "moodle.csv",
        "canvas.csv",
        "feedback/Doe Jane_4711_assignsubmission_file/feedback.md",
        "feedback/=cmd/feedback.md",
        "feedback/roe_5_assignsubmission_file/feedback.md",
        "feedback/sam/feedback.md",
    }
    text = (tmp_path / "feedback/Doe Jane_4711_assignsubmission_file/feedback.md").read_text()
    assert "## Lesson 1: 1 of 3 points" in text
    assert "- ✗ **1.2 Mean** (2): look again" in text
    assert "a note" in text
    assert "not graded" in (tmp_path / "feedback/roe_5_assignsubmission_file/feedback.md").read_text()


@pytest.mark.attack
def test_nothing_in_a_table_begins_like_a_formula():
    for text in (
        "=1",
        ";=1+1",
        "a;=1+1",
        "＝1+1",
        " =1",
        "x;\t@SUM",
        "-1+cmd",
        "a|+1",
        "one\n=1",
        "＋1",
        "－1",
    ):
        for cell in inert(text).replace("|", ";").replace("\t", ";").replace("\n", ";").split(";"):
            assert cell.strip()[:1] not in tuple("=+-@＝＋－＠"), text
        assert inert(text) != text
        assert inert(inert(text)) == inert(text)
    for harmless in ("4 - 2", "right: a = 2", "a@b", "x; y", 3, -3, None, ""):
        assert inert(harmless) == harmless
    assert FORMULA.search("=")
