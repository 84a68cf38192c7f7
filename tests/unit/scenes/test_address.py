import pytest

from edge_runtime.scenes import SceneError, SceneSpec, parse_scene


def test_reads_every_parameter():
    spec = parse_scene(
        "scene://bridge?view=west&seed=9&light=night&weather=fog&traffic=heavy&width=320&height=180&fps=12.5"
    )
    assert spec == SceneSpec("bridge", "west", 9, "night", "fog", "heavy", 320, 180, 12.5)


def test_takes_the_first_view_and_cycles_everything_by_default():
    spec = parse_scene("scene://crossing")
    assert (spec.view, spec.light, spec.weather, spec.traffic) == ("market", "cycle", "cycle", "cycle")


def test_reads_conditions_that_turn():
    spec = parse_scene("scene://street?light=day-night&weather=clear-rain&turn_s=20")
    assert (spec.light, spec.weather, spec.turn_s) == ("day-night", "clear-rain", 20)
    assert parse_scene(spec.address) == spec


def test_an_address_made_from_a_spec_gives_that_spec():
    spec = parse_scene("scene://street?seed=4&light=dusk")
    assert parse_scene(spec.address) == spec


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("scene://moon", 'no scene "moon"'),
        ("rtsp://crossing", "no scene"),
        ("scene://crossing?view=roof", 'no view "roof"'),
        ("scene://crossing?colour=red", 'no parameter "colour"'),
        ("scene://crossing?light=noon", 'no light "noon"'),
        ("scene://crossing?light=day-noon", 'no light "day-noon"'),
        ("scene://crossing?light=day-dusk-night", 'no light "day-dusk-night"'),
        ("scene://crossing?seed=many", 'not "many"'),
        ("scene://crossing?width=4", "between 96 and 1920"),
        ("scene://crossing?fps=nan", "between 0.5 and 60"),
        ("scene://crossing?seed", "cannot be read"),
    ],
)
def test_says_in_one_sentence_what_is_wrong(address, said):
    with pytest.raises(SceneError, match=said) as raised:
        parse_scene(address)
    assert str(raised.value).count(". ") == 0
    assert str(raised.value).endswith(".")
