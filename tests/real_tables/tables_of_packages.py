"""Tables that came with packages, and what each of their columns is."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import duckdb


class RealTable(NamedTuple):
    """A table, how it is trained, and what must come of it.

    Attributes
    ----------
    file : str
        Package and path.
    name : str
        What the file is called here.
    target : str
        Given by --target; nothing where it is the last column.
    columns : dict of str to str
        Which inputs are of which kind, in any order, divided by commas.
    least : float
        The R2 or accuracy on the test rows that every seed and machine reaches.
    rows : int
    write : callable or None
        Writes the package's file as something else that people have.
    """

    file: str
    name: str
    target: str
    columns: dict[str, str]
    least: float
    rows: int
    write: Callable[[Path, Path], None] | None = None

    @property
    def path(self) -> Path:
        """Where the package has its file; the package is not imported."""
        package, _, rest = self.file.partition("/")
        spec = find_spec(package)
        assert spec is not None, f"{package} is not installed; make test-tables installs it"
        assert spec.origin is not None
        return Path(spec.origin).parent / rest


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        names, *rows = csv.reader(file)
    return names, rows


def with_index(source: Path, path: Path) -> None:
    """As pandas writes a table with its index."""
    names, rows = read(source)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["", *names], *([i, *row] for i, row in enumerate(rows))])


def european(source: Path, path: Path) -> None:
    """As a spreadsheet in much of Europe writes it: semicolons, and decimal commas."""
    names, rows = read(source)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([names, *([*row[:-1], row[-1].replace(".", ",")] for row in rows)])


def money(source: Path, path: Path) -> None:
    """Some of the rows, with prices as in $1,326.00."""
    names, rows = read(source)
    price = names.index("price")
    for row in rows:
        row[price] = f"${int(row[price]):,}.00"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows[::18]])


def parquet(source: Path, path: Path) -> None:
    """The same with types."""
    duckdb.sql(f"copy (from read_csv('{source}')) to '{path}' (format parquet)")


TABLES = [
    RealTable(
        "vega_datasets/_data/seattle-weather.csv",
        "seattle-weather.csv",
        "",
        {"date": "date", "number": "precipitation, temp_max, temp_min, wind"},
        0.55,
        1461,
    ),
    RealTable(
        "vega_datasets/_data/cars.json",
        "cars.json",
        "Miles_per_Gallon",
        {
            "date": "Year",
            "number": "Cylinders, Displacement, Horsepower, Weight_in_lbs, Acceleration",
            "names": "Origin",
            "left out": "Name",
        },
        0.6,
        406,
    ),
    RealTable(
        "vega_datasets/_data/stocks.csv",
        "stocks.csv",
        "",
        {"date": "date", "names": "symbol"},
        0.4,
        560,
        european,
    ),
    RealTable(
        "vega_datasets/_data/airports.csv",
        "airports.csv",
        "longitude",
        {"number": "latitude", "names": "state, country", "left out": "iata, name, city"},
        0.6,
        3376,
    ),
    RealTable(
        "ISLP/data/College.csv",
        "College.csv",
        "Apps",
        {
            "names": "Private",
            "number": "Accept, Enroll, Top10perc, Top25perc, F.Undergrad, P.Undergrad, Outstate, Room.Board, Books, "
            "Personal, PhD, Terminal, S.F.Ratio, perc.alumni, Expend, Grad.Rate",
        },
        0.5,
        777,
    ),
    RealTable(
        "ISLP/data/Carseats.csv",
        "Carseats.csv",
        "Sales",
        {
            "names": "ShelveLoc, Urban, US",
            "number": "CompPrice, Income, Advertising, Population, Price, Age, Education",
        },
        0.5,
        400,
    ),
    RealTable(
        "ISLP/data/Wage.csv",
        "Wage.csv",
        "",
        {
            "names": "maritl, race, education, jobclass, health, health_ins",
            "number": "year, age, logwage",
            "left out": "region",
        },
        0.8,
        3000,
    ),
    RealTable(
        "palmerpenguins/data/penguins-raw.csv",
        "penguins.csv",
        "Species",
        {
            "date": "Date Egg",
            "number": "Sample Number, Culmen Length (mm), Culmen Depth (mm), Flipper Length (mm), Body Mass (g), "
            "Delta 15 N (o/oo), Delta 13 C (o/oo)",
            "names": "studyName, Island, Clutch Completion, Sex, Comments",
            "left out": "Region, Stage, Individual ID",
        },
        0.8,
        344,
    ),
    RealTable(
        "gapminder/gapminder.csv",
        "gapminder.csv",
        "lifeExp",
        {"names": "country, continent", "number": "year, pop, gdpPercap"},
        0.6,
        1704,
    ),
    RealTable(
        "great_tables/data/11-gibraltar.csv",
        "gibraltar.csv",
        "temp",
        {
            "date": "date",
            "time": "time",
            "number": "dew_point, humidity, wind_speed, wind_gust, pressure",
            "names": "wind_dir, condition",
        },
        0.7,
        1431,
    ),
    RealTable(
        "great_tables/data/02-sza.csv",
        "sza.csv",
        "",
        {"number": "latitude", "names": "month, tst"},
        0.7,
        816,
    ),
    RealTable(
        "great_tables/data/09-films.csv",
        "films.csv",
        "year",
        {
            "names": "languages, countries_of_origin",
            "duration": "run_time",
            "left out": "title, original_title, director, imdb_url",
        },
        -0.2,
        1851,
    ),
    RealTable(
        "bokeh_sampledata/_data/SampleSuperstore.csv.gz",
        "superstore.csv.gz",
        "Region",
        {
            "names": "Ship Mode, Segment, City, State, Category, Sub-Category",
            "number": "Postal Code, Sales, Quantity, Discount, Profit",
            "left out": "Country",
        },
        0.9,
        9994,
    ),
    RealTable(
        "bokeh_sampledata/_data/titanic_all.csv",
        "titanic.csv",
        "",
        {"names": "class, sex", "number": "age", "left out": "name"},
        0.67,
        1313,
    ),
    RealTable(
        "bokeh_sampledata/_data/cycling.csv.gz",
        "cycling.csv.gz",
        "",
        {"number": "position_lat, position_long, altitude, power, cadence, distance, speed"},
        0.8,
        4391,
    ),
    RealTable(
        "plotnine/data/economics.csv",
        "economics.parquet",
        "",
        {"date": "date", "number": "pce, pop, psavert, uempmed"},
        0.5,
        574,
        parquet,
    ),
    RealTable(
        "plotnine/data/mpg.csv",
        "mpg.csv",
        "",
        {"names": "manufacturer, model, trans, drv, fl", "number": "displ, year, cyl, cty, hwy"},
        0.6,
        234,
        with_index,
    ),
    RealTable(
        "plotnine/data/txhousing.csv",
        "txhousing.csv",
        "sales",
        {"names": "city", "number": "year, month, volume, median, listings, inventory, date"},
        0.8,
        8602,
    ),
    RealTable(
        "plotnine/data/diamonds.csv",
        "diamonds.csv",
        "price",
        {"names": "cut, color, clarity", "number": "carat, depth, table, x, y, z"},
        0.8,
        2997,
        money,
    ),
]
