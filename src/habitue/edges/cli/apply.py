"""`habitue apply`: make the shop what a file says it is."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from habitue.edges.cli.keys import in_shop
from habitue.edges.shop_files import read_files
from habitue.edges.shop_files.reading import FilesRefused
from habitue.model.errors import InvalidInput
from habitue.usecases.acting import Acting, on_behalf_of
from habitue.usecases.apply import Plan, Step
from habitue.usecases.apply import apply as apply_shop
from habitue.usecases.shop import Shop


def apply(
    files: list[Path],
    /,
    *,
    dry_run: bool = False,
    data_dir: Path | None = None,
    database_url: str | None = None,
) -> None:
    """Make the shop what the files say: applications, attributes, campaigns, rules, coupons.

    Things are matched by name, so applying the same file again changes nothing. What the files do
    not mention stays as it is. Either all of it is applied or, with the reasons told, nothing.

    Parameters
    ----------
    files
        Shop files, in YAML.
    dry_run
        Only tell what would happen.
    data_dir
        Where the embedded database lives.
    database_url
        A PostgreSQL database to use instead.
    """
    try:
        shop_files = read_files(files)
    except FilesRefused as refused:
        raise SystemExit(_refused(refused.lines)) from None

    async def work(shop: Shop) -> Plan | InvalidInput:
        now = datetime.now(UTC)
        try:
            with on_behalf_of(Acting("shop file", at=now)):
                return await apply_shop(shop, shop_files.wanted, now, dry_run=dry_run)
        except InvalidInput as refusal:
            return refusal

    outcome = in_shop(data_dir, database_url, work)
    if isinstance(outcome, InvalidInput):
        raise SystemExit(_refused([shop_files.told(fault) for fault in outcome.faults]))
    for warning in outcome.warnings:
        print(f"warning: {shop_files.told(warning)}", file=sys.stderr)
    print("\n".join(plan_lines(outcome, dry_run=dry_run)))


def plan_lines(plan: Plan, *, dry_run: bool) -> list[str]:
    """A plan as it is printed: what changes, and how many things stay."""
    lines = [_line(step) for step in plan.steps if step.action != "unchanged"]
    counts = {
        word: sum(step.action == action for step in plan.steps)
        for action, word in (
            ("create", "created"),
            ("update", "updated"),
            ("unchanged", "unchanged"),
        )
    }
    summary = ", ".join(f"{count} {word}" for word, count in counts.items())
    return [*lines, f"{'would be: ' if dry_run else ''}{summary}"]


def _line(step: Step) -> str:
    changes = f": {', '.join(step.differences)}" if step.differences else ""
    return f"{step.action}  {step.kind}  {step.name}{changes}"


def _refused(lines: Sequence[str]) -> str:
    return "\n".join([*lines, "habitue: nothing was applied"])
