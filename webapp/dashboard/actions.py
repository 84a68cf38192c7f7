"""What entries of the audit log say happened, in words, and where what they are about has its page."""

from django.utils.translation import gettext, gettext_noop

SUBJECT_PAGES = {  # by what the audit log calls its subjects
    "box": "dashboard:box-detail",
    "camera": "dashboard:camera-detail",
    "query": "dashboard:query-detail",
    "model": "workloads:model-detail",
    "dataset": "workloads:dataset-detail",
    "mergerun": "merges:run-detail",
    "mergedgroup": "merges:group-detail",
    "rollout": "rollouts:rollout-detail",
    "site": "people:site-detail",
    "person": "people:person-detail",
}

_VERBS = {
    "create": gettext_noop("added"),
    "update": gettext_noop("changed"),
    "delete": gettext_noop("deleted"),
    "revoke": gettext_noop("revoked"),
    "join_code": gettext_noop("made a join code for"),
    "rotate": gettext_noop("asked for a new credential of"),
    "credential": gettext_noop("gave a new credential to"),
    "renew": gettext_noop("ended the old credential of"),
    "enrol": gettext_noop("let a machine join as"),
    "probe": gettext_noop("asked for a picture of"),
    "start": gettext_noop("started"),
    "cancel": gettext_noop("cancelled"),
    "end": gettext_noop("ended"),
    "approve": gettext_noop("approved"),
    "reject": gettext_noop("rejected"),
    "revert": gettext_noop("reverted"),
    "withdraw": gettext_noop("withdrew"),
    "publish": gettext_noop("published"),
    "membership": gettext_noop("changed the roles of"),
    "password": gettext_noop("changed the password of"),
    "invite": gettext_noop("invited"),
    "refuse": gettext_noop("refused to sign in"),
    "connect": gettext_noop("connected an identity provider to"),
    "factor_add": gettext_noop("switched on a second factor of"),
    "factor_remove": gettext_noop("removed a second factor of"),
    "factor_renew": gettext_noop("renewed the recovery codes of"),
    "link": gettext_noop("made a link for a new password of"),
    "accept": gettext_noop("accepted the invitation of"),
    "activate": gettext_noop("switched on the account of"),
    "deactivate": gettext_noop("switched off the account of"),
    "superuser": gettext_noop("changed the rights of"),
    "find": gettext_noop("found"),
    "fail": gettext_noop("could not finish"),
    "retry": gettext_noop("tried again"),
    "drift": gettext_noop("changed how accuracy is watched in"),
    "open": gettext_noop("opened"),
    "close": gettext_noop("closed"),
    "acknowledge": gettext_noop("acknowledged"),
    "unacknowledge": gettext_noop("took back the acknowledgement of"),
    "test": gettext_noop("sent a test to"),
    "register": gettext_noop("uploaded"),
    "recognise": gettext_noop("recognised"),
    "describe": gettext_noop("described"),
    "pause": gettext_noop("paused"),
    "resume": gettext_noop("resumed"),
    "abort": gettext_noop("aborted"),
    "roll_back": gettext_noop("rolled back"),
    "finish": gettext_noop("finished"),
    "check": gettext_noop("checked"),
    "request": gettext_noop("requested"),
    "upload": gettext_noop("uploaded"),
    "ready": gettext_noop("completed"),
}
_NOUNS = {
    "box": gettext_noop("box"),
    "camera": gettext_noop("camera"),
    "model": gettext_noop("model"),
    "query": gettext_noop("query"),
    "site": gettext_noop("site"),
    "dataset": gettext_noop("data set"),
    "alert": gettext_noop("alert"),
    "signing_key": gettext_noop("signing key"),
    "api_token": gettext_noop("API token"),
    "receiver": gettext_noop("receiver of alerts"),
    "silence": gettext_noop("silence of"),
    "merged_group": gettext_noop("merged group"),
}
_NAMED = {  # whose names say what they are: "merge of north gate at ..."
    "person": gettext_noop("person"),
    "merge_run": gettext_noop("merge run"),
    "rollout": gettext_noop("rollout"),
    "bundle": gettext_noop("bundle"),
    "drift": gettext_noop("drift"),
}

_WHOLE = {  # where verb and noun would say something else, or name again who did it
    "person.sign_in": gettext_noop("signed in"),
    "signing_key.rotate": gettext_noop("replaced signing key"),
}


def action_words(action: str) -> str:
    """What "box.create" says happened, up to the name of its subject: "added box"."""
    noun, _, verb = action.partition(".")
    return _words(action, verb, "" if noun in _NAMED else noun)


def action_named(action: str) -> str:
    """The same where no name follows: "ended merge run"."""
    noun, _, verb = action.partition(".")
    return _words(action, verb, noun)


def _words(action: str, verb: str, noun: str) -> str:
    if whole := _WHOLE.get(action):
        return gettext(whole)
    said = [_VERBS.get(verb, verb.replace("_", " ")), (_NOUNS | _NAMED).get(noun, noun.replace("_", " "))]
    return " ".join(gettext(word) for word in said if word)
