"""Every page that a person can open, found in the URL configuration, so that a new one is seen without being named.

An address with arguments is opened with ids of what is there. Parts of pages and addresses that only take what is sent
are among them: only asking tells.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from webapp.accounts.models import Person
from webapp.fleets.models import Box, Camera, Site
from webapp.merges.models import MergedGroup, MergeRun
from webapp.rollouts.models import Rollout
from webapp.workloads.models import Dataset, Model, Query

SUBJECTS: dict[str, type[models.Model]] = {
    "box_id": Box,
    "camera_id": Camera,
    "dataset_id": Dataset,
    "group_id": MergedGroup,
    "model_id": Model,
    "person_id": Person,
    "query_id": Query,
    "rollout_id": Rollout,
    "run_id": MergeRun,
    "site_id": Site,
}
SIGNED_OUT = "account_login"
ACCOUNT = (
    "mfa_index",
    "mfa_activate_totp",
    "account_reauthenticate",
)  # a library's, whose others need more than a name
NO_PAGES = (".csv", ".jpg", "api/")  # downloads, pictures, and what programs ask for
VARIANTS = {
    "dashboard:box-detail": ({"history": "24h"}, {"history": "30d"}),
    "dashboard:query-detail": ({"history": "24h", "span": "7d"}, {"history": "30d", "span": "7d"}),
    "dashboard:box-list": ({"search": "box 01"}, {"order": "lost"}),
    "dashboard:query-list": ({"order": "slow"},),
}


@dataclass(frozen=True)
class Page:
    """`arguments` are names of ids; `asked`: the query string; `scopes`: names of ids that go there as well."""

    name: str
    arguments: tuple[str, ...] = ()
    asked: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name}?{urlencode(self.asked)}" if self.asked else self.name

    def address(self, ids: Mapping[str, Any]) -> str:
        asked = urlencode(self.asked | {name.removesuffix("_id"): ids[name] for name in self.scopes})
        address = reverse(self.name, kwargs={name: ids[name] for name in self.arguments})
        return f"{address}?{asked}" if asked else address


def our_pages() -> Iterator[Page]:
    """Of our apps; the pages for signing in, which are a library's, have no namespace."""
    for name, pattern in sorted(_named(get_resolver())):
        page = Page(name, tuple(pattern.pattern.converters))
        yield page
        for asked in VARIANTS.get(name, ()):
            yield Page(name, page.arguments, asked)


def page_addresses(ids: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(title, address) of all whose arguments are known, the account's and the way in included."""
    for name in (SIGNED_OUT, *ACCOUNT):
        yield name, reverse(name)
    for page in our_pages():
        if {*page.arguments} <= {*ids}:
            yield page.title, page.address(ids)


def _named(resolver: URLResolver, namespace: str = "", prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for found in resolver.url_patterns:
        path = prefix + str(found.pattern)
        if any(part in path for part in NO_PAGES):
            continue
        if isinstance(found, URLResolver):
            inner = f"{namespace}{found.namespace}:" if found.namespace else namespace
            yield from _named(found, inner, path)
        elif found.name and namespace:
            yield namespace + found.name, found
