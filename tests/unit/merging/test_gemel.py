from tests.unit.merging.outcomes import attempt, configuration, group, place, search, shares
from workers.merging.configuration import LayerPlace, SharedLayerGroup
from workers.merging.history import History, Start
from workers.merging.strategies.gemel import Gemel

BIG, MIDDLE, SMALL = (group("ab", name, size, name) for name, size in (("big", 100), ("middle", 30), ("small", 1)))
FOUR = tuple(group("abcd", f"layer{number}", 10) for number in range(4))


def always(*_: object) -> bool:
    return True


def never(*_: object) -> bool:
    return False


def added(proposals):
    """Names of the layers that each proposal shares beyond the one before it."""
    before, found = set(), []
    for proposal in proposals:
        now = {place.layer for group in proposal.configuration.groups for place in group.places}
        found.append(now - before)
        before = now
    return found


def test_adds_one_kind_of_layer_after_the_other_heaviest_first_and_down_to_the_smallest():
    history, proposals = search(Gemel(), History(configuration(SMALL, BIG, MIDDLE)), always)
    assert added(proposals) == [{"big"}, {"middle"}, {"small"}]
    assert history.attempts[-1].accepted == history.maximal


def test_orders_by_what_a_group_saves_and_not_by_the_size_of_its_layers():
    often, seldom = group("abcd", "often", 40, "often"), group("ab", "seldom", 100, "seldom")
    _, proposals = search(Gemel(), History(configuration(often, seldom)), always)
    assert added(proposals) == [{"often"}, {"seldom"}]


def test_adds_all_layers_of_one_kind_at_once():
    _, proposals = search(Gemel(), History(configuration(*FOUR)), always)
    assert [proposal.configuration for proposal in proposals] == [configuration(*FOUR)]


def test_starts_every_new_group_from_the_accepted_weights():
    _, proposals = search(Gemel(), History(configuration(BIG, MIDDLE, SMALL)), never)
    assert {proposal.start for proposal in proposals} == {Start.ACCEPTED}


def test_tries_the_first_half_of_the_layers_then_the_second():
    def judge(tried, query):
        return not {"layer0", "layer1"} & {place.layer for group in tried.groups for place in group.places}

    layers = {query: tuple(f"layer{number}" for number in range(4)) for query in "abcd"}
    history, proposals = search(Gemel(), History(configuration(*FOUR), layers=layers), judge)
    assert [set(p.configuration.groups) for p in proposals] == [set(FOUR), set(FOUR[:2]), set(FOUR[2:])]
    assert history.attempts[-1].accepted == configuration(*FOUR[2:])


def test_halves_by_the_order_of_the_network_and_not_of_names():
    ten, two = group("ab", "features.10"), group("ab", "features.2")
    layers = dict.fromkeys("ab", ("features.2", "features.10"))
    _, proposals = search(Gemel(), History(configuration(ten, two), layers=layers), never)
    assert proposals[1].configuration == configuration(two)


def test_halves_the_queries_of_a_single_layer():
    history, proposals = search(
        Gemel(), History(configuration(group("abcd", "x"))), lambda tried, query: len(tried.queries) < 4
    )
    assert [sorted(p.configuration.queries) for p in proposals] == [list("abcd"), list("ab"), list("abcd")]
    assert history.attempts[1].accepted == configuration(group("ab", "x"))


def test_shares_two_halves_of_a_single_layer_as_two_copies():
    halves = configuration(group("ab", "x"), group("cd", "x"))
    history, _ = search(Gemel(), History(configuration(group("abcd", "x"))), lambda tried, _: tried.saved_bytes < 30)
    assert history.attempts[-1].accepted == halves


def test_moves_on_when_the_next_group_saves_more_than_the_half_that_is_left():
    heavy = tuple(group("ab", f"heavy{number}", 10, "heavy") for number in range(2))
    light = group("ab", "light", 15, "light")
    _, proposals = search(Gemel(), History(configuration(*heavy, light)), never)
    assert [p.configuration for p in proposals] == [configuration(*heavy), configuration(light)]


def test_keeps_a_group_for_the_queries_that_met_their_targets_without_going_back():
    three = group("abc", "x")
    history, proposals = search(
        Gemel(), History(configuration(three)), lambda tried, query: query != "c" or not shares(tried, "c", "x")
    )
    assert [p.configuration for p in proposals] == [configuration(three), configuration(group("ab", "x"))]
    assert [p.start for p in proposals] == [Start.ACCEPTED, Start.REACHED]
    assert history.attempts[-1].accepted == configuration(group("ab", "x"))


def test_partial_success_leaves_what_was_accepted_before_as_it_was():
    """In the authors' artifact a partly successful group changes what the accepted configuration holds."""
    judge = {"b": lambda tried: not shares(tried, "b", "middle")}
    big, middle = group("abc", "big", 100, "big"), group("abc", "middle", 30, "middle")
    history, proposals = search(
        Gemel(), History(configuration(big, middle)), lambda tried, query: judge.get(query, lambda _: True)(tried)
    )
    assert history.attempts[-1].accepted == configuration(big, group("ac", "middle", 30, "middle"))
    assert all(big in proposal.configuration.groups for proposal in proposals)


def test_does_not_keep_a_group_for_a_single_query():
    history, proposals = search(Gemel(), History(configuration(BIG)), lambda _, query: query == "a")
    assert len(proposals) == 1
    assert not history.attempts[-1].accepted.groups


def test_lets_failing_queries_join_the_copy_of_those_that_kept_it_by_half_of_the_layers():
    two = tuple(group("abc", f"layer{number}") for number in range(2))

    def judge(tried, query):
        return query != "c" or not shares(tried, "c", "layer0")

    history, proposals = search(Gemel(), History(configuration(*two)), judge)
    kept = configuration(group("ab", "layer0"), group("ab", "layer1"))
    assert [p.configuration for p in proposals[:3]] == [configuration(*two), kept, kept.with_groups([two[0]])]
    assert history.attempts[-1].accepted == configuration(group("ab", "layer0"), two[1])


def test_retrains_only_queries_that_the_new_group_touches_directly_or_through_shared_layers():
    one, other = group("ab", "one", 100, "one"), group("cd", "other", 50, "other")
    between = group("be", "between", 10, "between")
    history, _ = search(Gemel(), History(configuration(one, other, between)), always)
    assert [set(tried.figures) for tried in history.attempts] == [set("ab"), set("cd"), set("abe")]


def test_keeps_queries_with_equal_weights_together_in_every_layer():
    twins = SharedLayerGroup("t", 50, (LayerPlace("a", "own", "same"), LayerPlace("b", "own", "same")))
    proposal = Gemel().next_proposal(History(configuration(group("abc", "x"), twins)))
    assert proposal is not None
    assert twins in proposal.configuration.groups


def test_ignores_groups_that_save_nothing():
    twins = SharedLayerGroup("t", 50, (LayerPlace("a", "own", "same"), LayerPlace("b", "own", "same")))
    assert Gemel().next_proposal(History(configuration(twins))) is None


def test_goes_on_after_a_kept_part_is_rejected_again():
    """What a query shared before may fail beside the new layers; the search must still end."""
    big, small = group("abc", "big", 100, "big"), group("abc", "small", 30, "small")
    history = History(configuration(big, small))
    gemel = Gemel()
    first = gemel.next_proposal(history)
    history = History(history.maximal, (attempt(first, history, always),))
    proposals = search(gemel, history, lambda _, query: query != "c")[1]
    tried = [sorted(p.configuration.group_at[place("a", "small")].queries) for p in proposals]
    assert tried == [list("abc"), list("ab")]
