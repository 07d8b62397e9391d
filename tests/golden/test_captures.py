"""The captures of cases/ are what the scripts in scenarios/ make; every case says what it shows."""
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from captures import capture_of, capture_path, recipes, split_text, strays, text_path  # noqa: E402

RECIPES = recipes()
REMEDY = "run tests/golden/captures.py"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_capture_is_what_its_script_makes(recipe):
    made = recipe.make()
    assert capture_path(made.name).read_bytes() == capture_of(made), REMEDY
    assert split_text(text_path(made.name).read_text())[0] == made.header, REMEDY


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_case_cites_the_clause_that_it_shows(recipe):
    assert re.search(r"\b(RFC \d+|IEEE 802)", recipe.make().header)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_case_tells_what_the_server_answers(recipe):
    body = split_text(text_path(recipe.name).read_text())[1]
    assert body.startswith("\n+0.000000 < "), "run the program with MAYFLY_GOLDEN=update"


def test_no_case_is_without_a_script():
    assert not strays({recipe.name for recipe in RECIPES}), REMEDY


def test_the_measure_finds_scenarios():
    """Guards the guard: an empty list would let everything pass."""
    assert len(RECIPES) >= 40
