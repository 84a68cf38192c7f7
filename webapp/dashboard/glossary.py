"""Words that stand on pages and mean something of their own here, each explained once."""

from django.utils.translation import gettext_lazy

TERMS = {
    "target": (
        gettext_lazy("Target"),
        gettext_lazy(
            "How much of its original’s accuracy a query has to keep when its model is merged. At 95 % a merge that "
            "keeps less is not accepted, and one that falls below it later opens an alert."
        ),
    ),
    "degraded": (
        gettext_lazy("Degraded"),
        gettext_lazy(
            "The box runs what it should, but not well: a query loses a tenth of its frames or more, a camera gives no "
            "pictures, or something else is wrong that the box tells. The reasons stand beside it."
        ),
    ),
    "foretold": (
        gettext_lazy("Foretold"),
        gettext_lazy(
            "Computed, not observed: the box’s scheduler goes through the queries with the run times that the box "
            "measured, for cameras that give their full rate. Real frames may fare otherwise."
        ),
    ),
    "in-doubt": (
        gettext_lazy("In doubt"),
        gettext_lazy(
            "With this run time no frame would be in time, so none has been run and nothing has confirmed it. The box "
            "believes it shorter step by step, and tries again."
        ),
    ),
}
