"""States and choices as pages say them: stored, and said by the API, are English words; a reader is told their own."""

from django.utils.translation import gettext, gettext_noop

STORED = frozenset(
    (
        gettext_noop("aborted"),
        gettext_noop("acknowledged"),
        gettext_noop("active"),
        gettext_noop("approved"),
        gettext_noop("cancelled"),
        gettext_noop("checking"),
        gettext_noop("being recognised"),
        gettext_noop("collecting"),
        gettext_noop("connected"),
        gettext_noop("degraded"),
        gettext_noop("ended"),
        gettext_noop("expired"),
        gettext_noop("failed"),
        gettext_noop("finished"),
        gettext_noop("found"),
        gettext_noop("invited"),
        gettext_noop("merging"),
        gettext_noop("needs your word"),
        gettext_noop("not at target"),
        gettext_noop("not enrolled"),
        gettext_noop("nothing found"),
        gettext_noop("offline"),
        gettext_noop("open"),
        gettext_noop("over"),
        gettext_noop("paused"),
        gettext_noop("queued"),
        gettext_noop("ready"),
        gettext_noop("rejected"),
        gettext_noop("reverted"),
        gettext_noop("rolled back"),
        gettext_noop("running"),
        gettext_noop("stale"),
        gettext_noop("succeeded"),
        gettext_noop("superseded"),
        gettext_noop("switched off"),
        gettext_noop("unknown"),
        gettext_noop("updating"),
        gettext_noop("waiting"),
        gettext_noop("waiting to join"),
        # bases of an accuracy
        gettext_noop("agreement"),
        gettext_noop("relative accuracy"),
        # privacy of a camera
        gettext_noop("blurred"),
        gettext_noop("full"),
        gettext_noop("off"),
        # roles
        gettext_noop("administrator"),
        gettext_noop("approver"),
        gettext_noop("operator"),
        gettext_noop("viewer"),
    )
)


def in_words(words: str) -> str:
    """Unchanged where it is none of them."""
    return gettext(words) if words in STORED else words
