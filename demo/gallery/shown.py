"""What the gallery shows: which box, camera, query and so on, and the page that lays the pictures side by side."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from demo.gallery.pages import SUBJECTS
from webapp.merges.models import MergedGroup
from webapp.workloads.models import Query

WALKED = "walked.jsonl"


@dataclass(frozen=True)
class Shown:
    """`pictures` are names of files beside the index."""

    name: str
    address: str
    pictures: Sequence[str]
    problems: Sequence[str]


def newest() -> dict[str, Any]:
    """Ids by argument: the newest of every kind, and of a merged group the run, box and query that belong to it."""
    found = {}
    for name, kind in SUBJECTS.items():
        fields = {field.name for field in kind._meta.fields}
        order = "-created_at" if "created_at" in fields else "date_joined"
        subject = kind._default_manager.order_by(order).first()
        if subject is not None:
            found[name] = subject.pk
    group = MergedGroup.objects.order_by("-created_at").select_related("run").first()
    if group is None:
        return found
    found |= {"group_id": group.pk, "run_id": group.run_id, "box_id": group.run.box_id}
    query = Query.objects.filter(camera__box=group.run.box_id).order_by("created_at").first()
    if query is not None:
        found |= {"query_id": query.pk, "camera_id": query.camera_id}
    return found


def remember(folder: Path, page: Shown) -> None:
    """Beside the pictures, so that a walk that was ended can be resumed."""
    with (folder / WALKED).open("a") as lines:
        lines.write(json.dumps(asdict(page)) + "\n")


def walked(folder: Path) -> dict[str, Shown]:
    """What was remembered, by name."""
    path = folder / WALKED
    lines = path.read_text().splitlines() if path.exists() else ()
    return {page.name: page for page in (Shown(**json.loads(line)) for line in lines)}


def write_index(folder: Path, pages: Sequence[Shown]) -> Path:
    template = Engine().from_string(Path(__file__).with_name("index.html").read_text())
    path = folder / "index.html"
    path.write_text(template.render(Context({"pages": pages})))
    return path
