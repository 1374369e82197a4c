"""The command about a series of one's own; its parameters are its help."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from springdrift.series import gradient_boosting
from springdrift_agents.cli.shell import Json, app, err, out, writable_file
from springdrift_agents.files import write_text

if TYPE_CHECKING:
    from springdrift_agents.advise.advice import Advice

MODELS = ("ridge", "gradient-boosting")


@app.command(rich_help_panel="Measure")
def advise(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or SQLite.")],
    time: Annotated[str, typer.Option(help="Column with the times.")],
    value: Annotated[str, typer.Option(help="Column with the measurements.")],
    period: Annotated[int | None, typer.Option(min=2, help="Measurements of a season. [found]")] = None,
    error_cost: Annotated[
        float | None, typer.Option(min=0, help="What one unit of error of one measurement costs.")
    ] = None,
    retrain_cost: Annotated[float | None, typer.Option(min=0, help="What a retraining costs.")] = None,
    intervene_cost: Annotated[
        float | None, typer.Option(min=0, help="What serving the safe baseline costs a cycle.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Of the costs.")] = "",
    latency: Annotated[int, typer.Option(min=1, help="Cycles from a request to its deployment.")] = 1,
    label_delay: Annotated[int, typer.Option(min=0, help="Cycles until a measurement is known.")] = 0,
    window: Annotated[int | None, typer.Option(min=3, help="Cycles that a fit looks back. [tried]")] = None,
    model: Annotated[str, typer.Option(help=f"{' or '.join(MODELS)}.")] = "ridge",
    driver: Annotated[
        list[str] | None, typer.Option(help="Column known in advance; may be repeated.")
    ] = None,
    false_alarm: Annotated[int, typer.Option(min=10, help="Cycles between a detector's false alarms.")] = 100,
    table: Annotated[str | None, typer.Option(help="Of a SQLite file that has several.")] = None,
    dates: Annotated[str | None, typer.Option(help="day-first or month-first. [found]")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of times without an offset.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark. [found]")] = None,
    report: Annotated[Path | None, typer.Option("--out", "-o", help="HTML report.")] = None,
    policy: Annotated[Path | None, typer.Option(help="File for the policy that production runs.")] = None,
    as_json: Json = False,
) -> None:
    """How often to retrain the forecast of a series of your own, what it saves, and how sure that is."""
    from springdrift_agents.advise.advice import advise as work_out

    for path in filter(None, (report, policy)):
        writable_file(path)
    found = work_out(
        file,
        time,
        value,
        period=period,
        error_cost=error_cost,
        retrain_cost=retrain_cost,
        intervene_cost=intervene_cost,
        currency=currency,
        latency=latency,
        label_delay=label_delay,
        window=window,
        model=_model(model),
        drivers=driver or (),
        false_alarm=false_alarm,
        table=table,
        dates=dates,
        zone=zone,
        decimal=decimal,
        tell=lambda what: err.print(f"[dim]{what}[/]"),
    )
    _deliver(found, as_json, report, policy)


def _deliver(found: "Advice", as_json: bool, report: Path | None, policy: Path | None) -> None:
    from springdrift_agents.advise.report import as_html
    from springdrift_agents.advise.summary import as_data, as_text

    if as_json:
        out.print_json(json.dumps(as_data(found), allow_nan=False))
    else:
        out.print(as_text(found), markup=False, highlight=False, soft_wrap=True, end="")
    if report is not None:
        write_text(report, as_html(found))
        err.print(f"written: {report}", markup=False)
    if policy is not None:
        write_text(policy, json.dumps(found.policy, indent=2, ensure_ascii=False) + "\n")
        err.print(f"written: {policy}", markup=False)


def _model(name: str) -> Any:
    if name == "ridge":
        return name
    if name != "gradient-boosting":
        raise ValueError(f"unknown model {name!r}; allowed: {', '.join(MODELS)}")
    gradient_boosting()  # known before any work begins
    return gradient_boosting
