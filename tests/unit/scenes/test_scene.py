import math
from dataclasses import replace

import numpy as np
import pytest

from edge_runtime.scenes import Scene, parse_scene
from edge_runtime.scenes.layouts import LAYOUTS
from edge_runtime.scenes.traffic import Actor

ADDRESS = "scene://crossing?width=320&height=180&seed=2&light=day&weather=fog&traffic=heavy"
VEHICLES = ("car", "truck", "bus")


@pytest.fixture(scope="module")
def scene():
    return Scene(parse_scene(ADDRESS))


def _with(monkeypatch, scene, *actors):
    monkeypatch.setattr(scene._traffic, "at", lambda time_s: list(actors))
    return scene.render(3)


def _person(x, y):
    return Actor("person", x, y, math.pi / 2, key=5, step=0.3)


def test_the_same_index_gives_the_same_frame_whatever_came_before(scene):
    first = scene.render(40)
    scene.render(41)
    again = Scene(parse_scene(ADDRESS)).render(40)
    assert np.array_equal(first.image, again.image)
    assert first.objects == again.objects
    assert first.tags == again.tags


def test_another_seed_gives_another_frame(scene):
    other = Scene(replace(scene.spec, seed=3))
    assert other.render(40).objects != scene.render(40).objects


def test_frames_have_the_size_of_the_address(scene):
    frame = scene.render(0)
    assert frame.image.shape == (scene.height, scene.width, 3) == (180, 320, 3)
    assert frame.image.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_every_place_shows_vehicles_and_people_inside_the_picture(name):
    scene = Scene(parse_scene(f"scene://{name}?width=160&height=90&seed=2&traffic=heavy&light=night&weather=rain"))
    names = set()
    for index in range(0, 400, 40):
        for item in scene.render(index).objects:
            names.add(item.name)
            left, top, right, bottom = item.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
            assert 0 <= item.occluded <= 0.9
    assert names >= {"car", "person", "bicycle"}


def test_the_box_of_a_person_is_where_the_picture_changes(monkeypatch, scene):
    empty = _with(monkeypatch, scene).image.astype(int)
    frame = _with(monkeypatch, scene, _person(0.0, -3.0))
    changed = np.abs(frame.image.astype(int) - empty).max(axis=2) > 24
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    (person,) = frame.objects
    box = np.array(person.box) * (scene.width, scene.height, scene.width, scene.height)
    drawn = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert person.occluded == 0
    assert np.abs(box - drawn).max() <= 2


def test_the_hidden_share_grows_as_a_bus_passes_before_a_person(monkeypatch, scene):
    person = _person(0.0, 10.5)
    shares = []
    for x in (-14.0, -7.35, 0.0):
        frame = _with(monkeypatch, scene, person, Actor("bus", x, 2.2, 0.0, key=1, step=0.0))
        found = [item.occluded for item in frame.objects if item.name == "person"]
        shares.append(found[0] if found else 1.0)
    assert shares[0] == 0.0
    assert shares[0] < shares[1] < shares[2] == 1.0


def test_hiding_is_counted_in_pixels(monkeypatch, scene):
    """The share equals what a comparison of the person drawn last and the person drawn first says."""
    person, car = _person(0.0, 5.3), Actor("car", 0.0, 2.6, 0.0, key=1, step=0.0)
    frame = _with(monkeypatch, scene, person, car)
    alone = _with(monkeypatch, scene, person)
    (whole,) = alone.objects
    hidden = next(item for item in frame.objects if item.name == "person")
    assert hidden.box == whole.box
    left, top, right, bottom = (round(v * s) for v, s in zip(whole.box, (320, 180) * 2, strict=True))
    empty = _with(monkeypatch, scene).image.astype(int)
    only_car = _with(monkeypatch, scene, car).image.astype(int)
    area = (slice(top, bottom), slice(left, right))
    drawn = (np.abs(alone.image.astype(int) - empty)[area].max(axis=2) > 20).sum()
    left_over = (np.abs(frame.image.astype(int) - only_car)[area].max(axis=2) > 20).sum()
    assert 0.1 < hidden.occluded < 0.9
    assert hidden.occluded == pytest.approx(1 - left_over / drawn, abs=0.12)


def test_a_tree_hides_who_walks_behind_it(monkeypatch, scene):
    tree = next(post for post in LAYOUTS["crossing"].posts if post.kind == "tree" and post.x == 11.0)
    before = _with(monkeypatch, scene, _person(tree.x, tree.y - 0.8)).objects
    behind = _with(monkeypatch, scene, _person(tree.x + 1.0, tree.y + 1.55)).objects
    assert before[0].occluded == 0
    assert not behind or behind[0].occluded > 0.2


def test_who_is_nearly_out_of_the_picture_is_not_in_the_truth(monkeypatch, scene):
    bus = Actor("bus", 0.0, 2.2, 0.0, key=1, step=0.0)
    inside = _with(monkeypatch, scene, bus)
    assert [item.name for item in inside.objects] == ["bus"]
    gone = _with(monkeypatch, scene, replace(bus, x=-16.5))
    assert gone.objects == ()


def test_tags_say_what_the_frame_shows(scene):
    low, high = LAYOUTS["crossing"].traffic_from
    seen = set()
    for index in range(0, 900, 30):
        frame = scene.render(index)
        vehicles = sum(item.name in VEHICLES for item in frame.objects)
        assert frame.tags[:2] == ("day", "fog")
        assert frame.tags[2] == ("heavy" if vehicles >= high else "moderate" if vehicles >= low else "quiet")
        seen.add(frame.tags[3])
    assert seen == {"crossing_free", "crossing_occupied"}


def test_a_person_on_the_stripes_occupies_the_crossing(monkeypatch, scene):
    walker = replace(_person(2.0, 4.0), on_crossing=True)
    assert _with(monkeypatch, scene, walker).tags[3] == "crossing_occupied"
    assert _with(monkeypatch, scene, _person(2.0, -3.0)).tags[3] == "crossing_free"


def test_night_is_darker_and_fog_is_flatter():
    def picture(light, weather):
        address = f"scene://crossing?width=160&height=90&light={light}&weather={weather}&traffic=quiet"
        return Scene(parse_scene(address)).render(0).image.astype(float)

    assert picture("night", "clear").mean() < 0.85 * picture("dusk", "clear").mean()
    assert picture("dusk", "clear").mean() < 0.95 * picture("day", "clear").mean()
    assert picture("day", "fog").std() < 0.7 * picture("day", "clear").std()
