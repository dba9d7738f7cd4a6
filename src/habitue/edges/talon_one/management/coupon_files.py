"""Coupons in files and in great numbers: imports, exports, and jobs beside requests."""

import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from habitue.edges.csv_files.fields import RowReader
from habitue.edges.csv_files.reading import Column
from habitue.edges.csv_files.writing import DateFormat, csv_answer, moment_text, number_text
from habitue.edges.http.numbers import ENCODER, Integer
from habitue.edges.http.operation import Answer, CsvFile, Operation
from habitue.edges.talon_one.management.coupon_wire import (
    ApplicationCouponCriteria,
    CouponCriteria,
    CouponIn,
    coupon_fields,
    filter_of,
)
from habitue.edges.talon_one.management.imports import (
    Importing,
    imported,
    importing_operation,
)
from habitue.edges.talon_one.management.paging import PageWithoutTotal, ShortPageQuery
from habitue.edges.talon_one.management.shared import (
    ACCOUNT_ID,
    CodeSettingsIn,
    Id,
    ManagementCall,
    limits_out,
    managed,
)
from habitue.model.limits import CODE_LENGTH_MAX, INTEGRATION_ID_LENGTH_MAX
from habitue.promotions.coupon import Coupon
from habitue.store.coupon_jobs import CouponJobRow, JobKind
from habitue.usecases.configure.campaign_search import CampaignFilter, find_campaigns
from habitue.usecases.configure.coupon_checks import CouponOrder
from habitue.usecases.configure.coupons import coupon_place, every_coupon
from habitue.usecases.coupon_jobs import order_coupons, order_deletion, read_coupon_jobs
from habitue.usecases.import_coupons import CouponImporter, CouponLine

_COLUMNS = (
    Column("value", required=True),
    *map(Column, ("expirydate", "startdate", "recipientintegrationid", "limitval")),
    *map(Column, ("discountlimit", "attributes")),
)
_HEADER = (
    *("id", "created", "campaignid", "value", "expirydate", "startdate", "attributes"),
    *("applicationid", "deleted", "deleted_changelogid", "accountid", "referralid"),
    *("recipientintegrationid", "importid", "batchid", "reservation", "limits", "limitval"),
    *("counter", "discount_counter", "discount_limitval", "reservation_counter"),
    *("reservation_limitval", "is_reservation_mandatory"),
)


class ImportQuery(msgspec.Struct, rename="camel", kw_only=True):
    """Whether codes that exist are left as they are, instead of refused."""

    skip_duplicates: bool = False


class ExportQuery(ApplicationCouponCriteria, rename="camel", kw_only=True):
    """Which coupons, and how; without a campaign those of all."""

    campaign_id: Id | None = None
    date_format: DateFormat | None = None
    values_only: bool = False


class CouponsJobIn(CouponIn, rename="camel", kw_only=True):
    """So many coupons, by the campaign's pattern or another one."""

    number_of_coupons: Integer
    coupon_settings: CodeSettingsIn | UnsetType | None = UNSET


class BatchOut(msgspec.Struct, rename="camel"):
    """The batch that the coupons will belong to."""

    batch_id: str


class DeletionFilters(CouponCriteria, rename="camel", kw_only=True):
    """Which coupons to delete."""


class DeletionIn(msgspec.Struct):
    """An order to delete."""

    filters: DeletionFilters


class JobOut(msgspec.Struct, rename="camel", kw_only=True):
    """A job: how many coupons it is about, and how many are made or deleted already."""

    id: int
    kind: JobKind
    status: str
    created: datetime
    application_id: int
    campaign_id: int
    account_id: int
    batch_id: str | UnsetType = UNSET
    number_of_coupons: int
    done: int
    finished: datetime | UnsetType = UNSET
    failure: str | UnsetType = UNSET


async def post_import(call: ManagementCall[ImportQuery, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    place = await coupon_place(call.services.shop, *ids)
    batch_id = f"{secrets.randbits(64):016x}"
    skips = call.query.skip_duplicates
    importer = CouponImporter(place, batch_id, skips_duplicates=skips, now=call.now)
    where = f"campaign {place.campaign.id} {'skip' if skips else ''}"
    importing = Importing("Coupon", where, _COLUMNS, _line, importer, batch=1_000)
    return await imported(call, importing)


def _line(row: RowReader) -> CouponLine:
    limit = row.whole("limitval")
    return CouponLine(
        line=row.line,
        code=row.required("value", CODE_LENGTH_MAX),
        start_date=row.moment("startdate"),
        expiry_date=row.moment("expirydate"),
        recipient=row.text("recipientintegrationid", INTEGRATION_ID_LENGTH_MAX),
        usage_limit=1 if limit is None else limit,
        discount_limit=row.amount("discountlimit") or _LINE.discount_limit,
        attributes=dict(row.json_object("attributes")),
    )


_LINE = CouponLine(line=0, code="")


async def get_export(call: ManagementCall[ExportQuery, None]) -> Answer:
    query, shop = call.query, call.services.shop
    application_id = call.integer("applicationId")
    chosen = CampaignFilter(state=query.campaign_state)
    campaigns = find_campaigns(shop.configuration, application_id, chosen, call.now)
    ids = tuple(each.id for each in campaigns if query.campaign_id in (None, each.id))
    wanted = filter_of(query, application_id, ids, call.now)
    coupons = every_coupon(shop, wanted)
    zone = shop.configuration.application(application_id).zone
    moment = partial(moment_text, date_format=query.date_format, zone=zone)
    if query.values_only:
        return csv_answer("coupons.csv", ["value"], _values(coupons))
    return csv_answer("coupons.csv", _HEADER, _rows(coupons, moment))


async def _values(coupons: AsyncIterator[Coupon]) -> AsyncIterator[Sequence[Any]]:
    async for coupon in coupons:
        yield [coupon.code]


async def _rows(coupons: AsyncIterator[Coupon], moment: Any) -> AsyncIterator[Sequence[Any]]:
    async for coupon in coupons:
        yield [
            coupon.id,
            moment(coupon.created),
            coupon.campaign_id,
            coupon.code,
            moment(coupon.expiry_date),
            moment(coupon.start_date),
            ENCODER.encode(coupon.attributes).decode(),
            coupon.application_id,
            "",
            0,
            ACCOUNT_ID,
            "",
            coupon.recipient_integration_id,
            coupon.import_id or "",
            coupon.batch_id,
            "" if coupon.recipient_integration_id else "true",
            ENCODER.encode(limits_out(coupon.limits)).decode(),
            coupon.usage_limit,
            coupon.usage_counter,
            number_text(coupon.discount_counter),
            number_text(coupon.discount_limit),
            coupon.reservation_counter,
            coupon.reservation_limit,
            "true" if coupon.is_reservation_mandatory else "false",
        ]


async def post_coupons_async(call: ManagementCall[None, CouponsJobIn]) -> Answer:
    body, ids = call.body, (call.integer("applicationId"), call.integer("campaignId"))
    settings = body.coupon_settings if isinstance(body.coupon_settings, CodeSettingsIn) else None
    order = CouponOrder(
        fields=coupon_fields(body),
        recipients=(body.recipient_integration_id or "",),
        pattern=settings.coupon_pattern if settings else None,
        valid_characters=settings.valid_characters if settings else None,
    )
    shop, count = call.services.shop, body.number_of_coupons
    job = await order_coupons(shop, *ids, order, count, secrets.randbelow, call.now)
    return Answer(200, BatchOut(job.batch_id))


async def post_deletion_job(call: ManagementCall[None, DeletionIn]) -> Answer:
    application_id, campaign_id = call.integer("applicationId"), call.integer("campaignId")
    wanted = filter_of(call.body.filters, application_id, (campaign_id,), call.now)
    shop = call.services.shop
    job = await order_deletion(shop, application_id, campaign_id, wanted, call.now)
    return Answer(202, _job(job))


async def get_jobs(call: ManagementCall[ShortPageQuery, None]) -> Answer:
    ids = call.integer("applicationId"), call.integer("campaignId")
    query, shop = call.query, call.services.shop
    jobs, more = await read_coupon_jobs(shop, *ids, query.skip, query.page_size)
    return Answer(200, PageWithoutTotal(more, [_job(each) for each in jobs]))


def _job(job: CouponJobRow) -> JobOut:
    status = "failed" if job.failure else "completed" if job.finished else "pending"
    return JobOut(
        id=job.id,
        kind=job.kind,
        status=status,
        created=job.created,
        application_id=job.application_id,
        campaign_id=job.campaign_id,
        account_id=ACCOUNT_ID,
        batch_id=job.batch_id or UNSET,
        number_of_coupons=job.total,
        done=job.done,
        finished=job.finished or UNSET,
        failure=job.failure or UNSET,
    )


def operations() -> list[Operation]:
    """The operations on files and jobs of coupons."""
    application = "/v1/applications/{applicationId:int}"
    campaign = f"{application}/campaigns/{{campaignId:int}}"
    operation = partial(managed, group="Coupons")
    return [
        importing_operation(
            "importCoupons",
            "POST",
            f"{campaign}/import_coupons",
            post_import,
            "Import coupons",
            query=ImportQuery,
            group="Coupons",
        ),
        operation(
            "exportCoupons",
            "GET",
            f"{application}/export_coupons",
            get_export,
            "Export coupons",
            {200: CsvFile},
            query=ExportQuery,
        ),
        operation(
            "createCouponsAsync",
            "POST",
            f"{campaign}/coupons_async",
            post_coupons_async,
            "Create many coupons beside requests",
            {200: BatchOut},
            body=CouponsJobIn,
            description="How far it has come is told by the jobs of the campaign.",
        ),
        operation(
            "createCouponsDeletionJob",
            "POST",
            f"{campaign}/coupons_deletion_jobs",
            post_deletion_job,
            "Delete many coupons beside requests",
            {202: JobOut},
            body=DeletionIn,
        ),
        operation(
            "getCouponJobs",
            "GET",
            f"{campaign}/coupon_jobs",
            get_jobs,
            "List jobs on coupons, the newest first, with how far they have come",
            {200: PageWithoutTotal[JobOut]},
            query=ShortPageQuery,
        ),
    ]
