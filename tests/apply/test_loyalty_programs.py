"""A shop file with a loyalty program: made once, changed by name, refused with the line."""

from pathlib import Path

from habitue.store.database import Database
from tests.apply.test_apply import applied, refused, steps
from tests.configure.shops import opened

FILE = """
applications:
  - {name: Shop, timezone: Europe/Berlin, currency: EUR}
loyaltyPrograms:
  - name: club
    timezone: Europe/Berlin
    defaultValidity: 1Y_U
    applications: [Shop]
    tiers:
      - {name: Silver, minPoints: 100}
      - {name: Gold, minPoints: 300}
"""


async def test_a_program_is_made_and_changed(database: Database, tmp_path: Path) -> None:
    shop, file = await opened(database), tmp_path / "shop.yaml"
    file.write_text(FILE)
    assert ("create", "loyalty program", "club", ()) in steps(await applied(shop, file))
    (club,) = shop.configuration.loyalty_programs.values()
    (application,) = shop.configuration.applications.values()
    assert club.subscribed_application_ids == (application.id,)
    assert [(tier.name, int(tier.min_points)) for tier in club.tiers] == [
        ("Silver", 100),
        ("Gold", 300),
    ]
    assert {each.action for each in (await applied(shop, file)).steps} == {"unchanged"}
    file.write_text(FILE.replace("minPoints: 300", "minPoints: 500"))
    assert ("update", "loyalty program", "club", ("tiers",)) in steps(await applied(shop, file))
    (changed,) = shop.configuration.loyalty_programs.values()
    assert [tier.id for tier in changed.tiers] == [tier.id for tier in club.tiers]
    assert changed.tiers[1].min_points == 500


async def test_what_is_wrong_is_told_with_its_line(database: Database, tmp_path: Path) -> None:
    shop, file = await opened(database), tmp_path / "shop.yaml"
    file.write_text(FILE.replace("1Y_U", "1Y_D"))
    (line,) = await refused(shop, file)
    assert "7" in line.split(":")[1]
    assert "defaultValidity" in line
    assert shop.configuration.loyalty_programs == {}
