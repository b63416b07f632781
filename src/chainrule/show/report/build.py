"""The report beside a model: one page on what was trained, how well it does, and how it came about."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from chainrule.data.columns import count, name_list
from chainrule.files import write_whole
from chainrule.models.model import Model
from chainrule.show.markup import Html, element, text
from chainrule.show.network_drawing import sizes_in_words
from chainrule.show.report.advice import advice_section, findings_about
from chainrule.show.report.curves import curves_section
from chainrule.show.report.headline import Judged, headline, judge
from chainrule.show.report.page import page, paragraph
from chainrule.show.report.results import results_section
from chainrule.show.report.structure import columns_section, network_section
from chainrule.show.report.training import training_section


def report_html(model: Model, command: str = "") -> str:
    """Describe a model as a page that needs no network, no script and no other file.

    Parameters
    ----------
    model : Model
        Just trained, or loaded from a file: then what needs the rows is left out, and the page says so.
    command : str
        What repeats the training; shown as it is.

    Returns
    -------
    str
        An HTML document. Whatever comes from the data is escaped, and a Content-Security-Policy lets a browser run
        and load nothing.

    Examples
    --------
    >>> import chainrule as cr
    >>> page = report_html(cr.train("xor", hidden=2, epochs=5), "chainrule train xor --hidden 2 --epochs 5")
    >>> page.startswith("<!DOCTYPE html>"), "<script" in page
    (True, False)
    """
    judged, findings = judge(model), findings_about(model)
    title = f"{PurePath(model.provenance.source).name}: {name_list(model.encoding.target_names, 4)}"
    body = [
        _head(model, judged, title),
        curves_section(model, over_trained=any(found.check == "over-training" for found in findings)),
        results_section(model, judged),
        advice_section(findings),
        network_section(model),
        columns_section(model),
        training_section(model, command),
    ]
    return page(title, body)


def write_report(model: Model, path: str | os.PathLike[str], command: str = "") -> Path:
    """Write `report_html` to a file, whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        If it cannot be written there.
    """
    return write_whole(path, report_html(model, command))


def _head(model: Model, judged: Judged | None, title: str) -> Html:
    sizes = sizes_in_words(model.network.sizes)
    numbers = count(model.network.n_parameters, "weight and bias", "weights and biases")
    lead = (
        f"A {sizes} network with {numbers}, trained on {count(model.provenance.rows[0], 'row')} "
        f"for {count(len(model.history), 'epoch')}."
    )
    diverged = model.provenance.stopped == "diverged"
    return element(
        "header",
        paragraph(f"chainrule report · {model.task}", "above"),
        element("h1", text(title)),
        paragraph(lead, "lead"),
        paragraph("The training diverged: these are the last good weights." if diverged else ""),
        headline(judged),
    )
