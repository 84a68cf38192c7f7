"""Icons as a page has them: the same lines, of as few elements as can be."""

import re

import pytest

from webapp.common.templatetags.icons import icon, joined


def test_lines_that_are_drawn_alike_become_one():
    assert joined('<path d="M1 2h3" /> <path d="M4 5l6 7" />') == '<path d="M1 2h3 M4 5l6 7"/>'


@pytest.mark.parametrize(
    "shapes",
    [
        '<path d="M1 2h3" /> <circle cx="1" cy="2" r="3" />',
        '<path d="M1 2h3" /> <path d="m4 5l6 7" />',  # begins where the line before it ends, if they are one
        '<path d="M1 2h3" fill="red" /> <path d="M4 5l6 7" />',
    ],
)
def test_other_shapes_stay_as_they_are(shapes):
    assert joined(shapes) == shapes


def test_an_icon_has_one_line_and_no_frame():
    assert re.fullmatch(r'<svg class="icon me-1" [^>]*><path d="M[^"]*"/></svg>', icon("camera", "me-1"))
    assert "M0 0h24v24H0z" not in icon("camera")
