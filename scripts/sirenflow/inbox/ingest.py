"""Store archived alerts in the inbox: from files, directories, tar and zip archives."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sirenflow.errors import AlertError
from sirenflow.inbox.archives import SourceItem, source_items
from sirenflow.inbox.arrival import Arrival
from sirenflow.inbox.identify_isolated import IDENTIFY_POOL
from sirenflow.inbox.receiver import Receiver
from sirenflow.processes.pool import SharedPool


@dataclass(frozen=True)
class ItemOutcome:
    """What became of an item; `reason` is set when it was rejected."""

    source: str
    result: Literal["stored", "duplicate", "rejected", "skipped"]
    reason: str | None = None


def ingest(
    sources: Iterable[Path], directory: Path, pool: SharedPool = IDENTIFY_POOL
) -> Iterator[ItemOutcome]:
    """Store every alert of the sources in an inbox; quarantine what is not a valid alert.

    Yield an outcome for each item as soon as it is safe on disk. Raise InboxError if the inbox
    cannot be written.

    Parameters
    ----------
    sources
        Alert files, directories, tar and zip archives. Below directories and in archives, files
        named ``*.avro`` and ``*.json`` are taken for alerts. Archives below directories are opened,
        archives in archives are not.
    """
    receiver = Receiver(directory, pool)
    for source in sources:
        for item in source_items(source):
            yield _accept_item(item, receiver)


def _accept_item(item: SourceItem, receiver: Receiver) -> ItemOutcome:
    if item.data is None:
        return ItemOutcome(item.source, "rejected" if item.problem else "skipped", item.problem)
    receipt = receiver.accept(Arrival.now(item.data, "ingest", source=item.source))
    if isinstance(receipt.content, AlertError):
        return ItemOutcome(item.source, "rejected", str(receipt.content))
    return ItemOutcome(item.source, "stored" if receipt.new else "duplicate")
