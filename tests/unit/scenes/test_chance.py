from edge_runtime.scenes.chance import chance, pick


def test_is_the_same_on_every_machine():
    assert chance(1, 2, 3) == chance(1, 2, 3) == 0.2844133471870658


def test_is_spread_evenly():
    numbers = [chance(7, index) for index in range(4000)]
    tenths = [sum(low <= 10 * number < low + 1 for number in numbers) for low in range(10)]
    assert min(tenths) > 340
    assert max(tenths) < 460


def test_depends_on_every_key_and_their_order():
    assert len({chance(1, 2), chance(2, 1), chance(1, 3), chance(1), chance(1, 2, 0), chance(-1, 2)}) == 6


def test_picks_words_by_their_weight():
    words = [pick((("often", 0.9), ("seldom", 0.1)), 3, index) for index in range(2000)]
    assert 150 < words.count("seldom") < 250
