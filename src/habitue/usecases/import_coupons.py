"""Coupons that come out of a file, each with a code of its own."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import msgspec

from habitue.model.attributes import Attributes
from habitue.model.errors import Fault, InvalidInput, NotFound
from habitue.model.limits import CODE_LENGTH_MAX, COUPON_PATTERN_LENGTH_MIN
from habitue.promotions.coupon import Coupon
from habitue.store.coupons import add_coupons, codes_taken, hold_campaign
from habitue.store.database import Connection
from habitue.usecases.configure.coupon_checks import CouponFields, CouponPlace, change_faults
from habitue.usecases.configure.coupons import coupon_with, shared_by
from habitue.usecases.run_import import BatchPlace


class CouponLine(msgspec.Struct, frozen=True, kw_only=True):
    """One coupon."""

    line: int
    code: str
    start_date: datetime | None = None
    expiry_date: datetime | None = None
    recipient: str = ""
    usage_limit: int = 1
    discount_limit: Decimal = Decimal(0)
    attributes: Attributes = {}


class CouponImporter:
    """Adds the coupons of a campaign; codes that exist are refused, or with `skips_duplicates`
    left as they are."""

    def __init__(
        self, place: CouponPlace, batch_id: str, *, skips_duplicates: bool, now: datetime
    ) -> None:
        self._place = place
        self._batch_id = batch_id
        self._skips_duplicates = skips_duplicates
        self._now = now
        self._seen: Counter[str] = Counter()

    async def check(self, connection: Connection, rows: Sequence[CouponLine]) -> Sequence[Fault]:
        """What is wrong with some lines."""
        faults = [fault for row in rows for fault in self._faults(row)]
        if self._skips_duplicates:
            return faults
        spelled = {row.line: self._place.application.code(row.code) for row in rows}
        application_id = self._place.application.id
        taken = await codes_taken(connection, application_id, list(spelled.values()))
        for row in rows:
            code = spelled[row.line]
            self._seen[code] += 1
            if code in taken or self._seen[code] > 1:
                details = f"value: the code {row.code[:100]} exists already"
                faults.append(Fault("", "Duplicate", details, line=row.line))
        return faults

    async def apply(
        self, connection: Connection, rows: Sequence[CouponLine], place: BatchPlace
    ) -> None:
        """Adds the coupons of some lines."""
        if not await hold_campaign(connection, self._place.campaign.id):
            raise NotFound("Campaign", self._place.campaign.id)
        for _, alike in groupby(rows, _likeness):
            lines = list(alike)
            coupon = coupon_with(self._blank(place), _fields(lines[0]))
            codes = [(self._place.application.code(each.code), each.recipient) for each in lines]
            added = await add_coupons(connection, shared_by(coupon), codes)
            if added < len(lines) and not self._skips_duplicates:
                # somebody has made one of these codes since they were checked
                details = "value: a code of this or one of the following lines exists already"
                raise InvalidInput(Fault("", "Duplicate", details, line=lines[0].line))

    def _blank(self, place: BatchPlace) -> Coupon:
        return Coupon(
            id=0,
            application_id=self._place.application.id,
            campaign_id=self._place.campaign.id,
            code="",
            created=self._now,
            batch_id=self._batch_id,
            import_id=place.import_id,
        )

    def _faults(self, row: CouponLine) -> Iterator[Fault]:
        if not COUPON_PATTERN_LENGTH_MIN <= len(row.code) <= CODE_LENGTH_MAX:
            bounds = f"{COUPON_PATTERN_LENGTH_MIN} to {CODE_LENGTH_MAX}"
            yield Fault(
                "", "Invalid length", f"value: a code has {bounds} characters", line=row.line
            )
        for fault in change_faults(self._place, _fields(row)):
            place = _COLUMNS.get(fault.pointer, fault.pointer.strip("/"))
            yield Fault("", fault.title, f"{place}: {fault.details}", line=row.line)


def _likeness(row: CouponLine) -> CouponLine:
    """What lines have in common that differ in nothing but code and recipient."""
    return msgspec.structs.replace(row, line=0, code="", recipient="")


def _fields(row: CouponLine) -> CouponFields:
    return CouponFields(
        usage_limit=row.usage_limit,
        discount_limit=row.discount_limit,
        start_date=row.start_date,
        expiry_date=row.expiry_date,
        attributes=row.attributes,
        recipient_integration_id=row.recipient,
    )


_COLUMNS = {
    "/usageLimit": "limitval",
    "/discountLimit": "discountlimit",
    "/startDate": "startdate",
    "/expiryDate": "expirydate",
    "/recipientIntegrationId": "recipientintegrationid",
}
