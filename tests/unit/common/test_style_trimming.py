"""What stays of a style sheet, and what no page can use."""

import pytest

from webapp.common.style_trimming import UsedClasses, trimmed

USED = UsedClasses.of(['<div class="card wide"><i class="status-{{ colour }}"></i>', "row.className = `bg-${tint}`;"])


@pytest.mark.parametrize(
    "rule",
    [
        "body{margin:0}",
        ".card{color:red}",
        ".card.wide>p:first-child{color:red}",
        ".status-green{color:green}",
        ".bg-azure{color:azure}",
        ".card:not(.unheard){color:red}",
        ":where(.unheard,.card){color:red}",
        ".py-1\\.5{padding:0}",
        '[data-theme=dark] .card{content:"}"}',
        "@font-face{font-family:x}",
        "@keyframes unheard{from{opacity:0}to{opacity:1}}",
        '@charset "utf-8";',
    ],
)
def test_what_a_page_may_use_stays(rule):
    assert trimmed(rule + "p{margin:0}", USED) == rule + "p{margin:0}"


@pytest.mark.parametrize(
    "rule", [".unheard{color:red}", ".card .unheard{color:red}", "@media print{.unheard{color:red}}"]
)
def test_what_no_page_can_use_goes(rule):
    assert trimmed(rule + "p{margin:0}", USED) == "p{margin:0}"


def test_of_several_selectors_the_used_ones_stay():
    assert trimmed(".unheard,.card,.card .other{color:red}", USED) == ".card{color:red}"


def test_rules_inside_a_condition_are_looked_at_one_by_one():
    css = "@media (min-width:1px){.card{color:red}.unheard{color:red}}"

    assert trimmed(css, USED) == "@media (min-width:1px){.card{color:red}}"
