"""Referral codes that come out of a file, each an advocate's.

Advocates need not be known yet: nobody is made of a line, and the code cannot be used before.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.errors import Fault, InvalidInput, NotFound
from habitue.model.limits import CODE_LENGTH_MAX, REFERRAL_CODE_LENGTH_MIN
from habitue.store.coupons import hold_campaign
from habitue.store.database import Connection
from habitue.store.referrals import NewReferral, add_referrals, codes_taken
from habitue.usecases.configure.coupon_checks import CouponPlace
from habitue.usecases.configure.referrals import ReferralFields, field_faults, new_referral
from habitue.usecases.run_import import BatchPlace


class ReferralLine(msgspec.Struct, frozen=True, kw_only=True):
    """One code."""

    line: int
    code: str
    advocate_id: str
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    usage_limit: int = 1
    attributes: Attributes = {}


class ReferralImporter:
    """Adds the codes of a campaign; those that exist are refused."""

    def __init__(self, place: CouponPlace, batch_id: str, now: datetime) -> None:
        self._place, self._batch_id, self._now = place, batch_id, now
        self._seen: Counter[str] = Counter()

    async def check(self, connection: Connection, rows: Sequence[ReferralLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        faults = [fault for row in rows for fault in self._faults(row)]
        application = self._place.application
        spelled = {row.line: application.code(row.code) for row in rows}
        taken = await codes_taken(connection, application.id, list(spelled.values()))
        for row in rows:
            code = spelled[row.line]
            self._seen[code] += 1
            if code in taken or self._seen[code] > 1:
                details = f"code: {row.code[:100]} exists already"
                faults.append(Fault("", "Duplicate", details, line=row.line))
        return faults

    async def apply(
        self, connection: Connection, rows: Sequence[ReferralLine], place: BatchPlace
    ) -> None:
        """Adds the codes of some lines."""
        if not await hold_campaign(connection, self._place.campaign.id):
            raise NotFound("Campaign", self._place.campaign.id)
        new = [self._new(row, place) for row in rows]
        if await add_referrals(connection, new) < len(rows):
            # somebody has made one of these codes since they were checked
            details = "code: that of this or one of the following lines exists already"
            raise InvalidInput(Fault("", "Duplicate", details, line=rows[0].line))

    def _new(self, row: ReferralLine, place: BatchPlace) -> NewReferral:
        fields, code = _fields(row), self._place.application.code(row.code)
        blank = new_referral(self._place, fields, row.advocate_id, self._batch_id, self._now)
        return msgspec.structs.replace(blank, code=code, import_id=place.import_id)

    def _faults(self, row: ReferralLine) -> Iterator[Fault]:
        if not REFERRAL_CODE_LENGTH_MIN <= len(row.code) <= CODE_LENGTH_MAX:
            bounds = f"{REFERRAL_CODE_LENGTH_MIN} to {CODE_LENGTH_MAX}"
            details = f"code: a code has {bounds} characters"
            yield Fault("", "Invalid length", details, line=row.line)
        for fault in field_faults(self._place, _fields(row)):
            column = _COLUMNS.get(fault.pointer, fault.pointer.strip("/"))
            yield Fault("", fault.title, f"{column}: {fault.details}", line=row.line)


def _fields(row: ReferralLine) -> ReferralFields:
    return ReferralFields(
        start_date=row.start_date,
        expiry_date=row.expiry_date,
        usage_limit=row.usage_limit,
        attributes=row.attributes,
    )


_COLUMNS = {"/usageLimit": "limitval", "/startDate": "startdate", "/expiryDate": "expirydate"}
