"""Points and tiers at the registration door: enrolled, read, redeemed, given back, passed on."""

from typing import Any

import pytest

from tests.capillary.conftest import Counter
from tests.capillary.registrations import add, codes, customer, identifier, mobile, profile


def enrolled(counter: Counter, program_id: int, points: Any = 75, **more: Any) -> tuple[int, str]:
    """A new customer with so many points, and their mobile."""
    number = str(mobile())
    enrolment = {"programId": program_id, "loyaltyPoints": points, **more}
    body = customer(profile(identifier("mobile", number)), loyaltyProgramEnrollments=[enrolment])
    status, answer = add(counter, body)
    assert (status, answer["warnings"]) == (200, [])
    return answer["createdId"], number


def read(counter: Counter, path: str) -> Any:
    reply = counter.send("GET", path)
    assert reply.status == 200, reply.body
    return reply.json


def balance(counter: Counter, id_: int) -> tuple[Any, Any]:
    """Main and promised points."""
    told = read(counter, f"/v2/customers/{id_}/points/balance?source=INSTORE")
    assert told["totalPoints"] == told["mainPoints"] + told["promisedPoints"]
    return told["mainPoints"], told["promisedPoints"]


def refused(counter: Counter, method: str, path: str, body: Any = None) -> list[int]:
    reply = counter.send(method, path, body)
    assert reply.status == 400, reply.body
    return [each["code"] for each in reply.json["errors"]]


def redeem(counter: Counter, id_: int, points: Any, **more: Any) -> Any:
    reply = counter.send("POST", f"/v2/customers/{id_}/redemptions", {"points": points, **more})
    assert reply.status == 200, reply.body
    return reply.json


def test_an_enrolment_joins_places_and_gives_points(counter: Counter, program_id: int) -> None:
    until = {"pointsExpiryDate": "2096-03-03T23:59:59+08:00"}
    id_, _ = enrolled(counter, program_id, 75, tierNumber=1, **until)
    assert balance(counter, id_) == (75, 0)
    (details,) = read(counter, f"/v2/customers/{id_}/loyaltyDetails?source=ALL")["data"]
    assert (details["loyaltyPoints"], details["lifetimePoints"], details["loyaltyId"]) == (
        75,
        75,
        id_,
    )
    assert (details["currentSlab"], details["slabSNo"]) == ("Bronze", 1)
    assert (details["nextSlab"], details["nextSlabSerialNumber"]) == ("Silver", 2)
    schedule = read(counter, f"/v2/customers/{id_}/pointsExpirySchedule?source=ALL")
    assert schedule["expirySchedules"] == [
        {
            "points": 75,
            "expiryDate": "2096-03-03",
            "programId": program_id,
            "pointsType": "customer_promotions",
            "expiryType": "fixed",
        }
    ]


def test_enough_points_raise_the_tier_at_once(counter: Counter, program_id: int) -> None:
    id_, number = enrolled(counter, program_id, 100, tierNumber=1)
    where = f"source=INSTORE&identifierName=mobile&identifierValue={number}"
    told = read(counter, f"/v2/customers/lookup/tierDetails?{where}")
    assert (told["entityId"], told["programTiers"]) == (
        id_,
        [
            {
                "programId": program_id,
                "currentTierName": "Silver",
                "currentTierSerialNumber": 2,
                "tierExpiryDate": "",
                "nextTierName": "",
                "nextTierSerialNumber": -1,
            }
        ],
    )


@pytest.mark.parametrize(
    ("enrolment", "code"),
    [
        ({"programId": 999_999}, 1213),
        ({"tierNumber": 3}, 1023),
        ({"loyaltyPoints": "0.005"}, 1010),
        ({"loyaltyPoints": 10**12}, 1010),
        ({"tierExpiryDate": "2020-03-03T23:59:59+08:00"}, 1215),
        ({"pointsExpiryDate": "9999-03-03T23:59:59+08:00"}, 1215),
    ],
)
def test_what_cannot_be_enrolled_is_a_warning_and_the_customer_is_kept(
    counter: Counter, program_id: int, enrolment: dict[str, Any], code: int
) -> None:
    wish = {"programId": program_id, "loyaltyPoints": 5, **enrolment}
    body = customer(profile(identifier("mobile", mobile())), loyaltyProgramEnrollments=[wish])
    status, answer = add(counter, body)
    assert (status, codes(answer), answer["sideEffects"]) == (200, [code], [])
    id_ = answer["createdId"]
    assert balance(counter, id_) == (0, 0)
    assert refused(counter, "GET", f"/v2/customers/{id_}/pointsExpirySchedule?source=ALL") == [1218]
    program = f"source=ALL&programId={program_id}"
    assert refused(counter, "GET", f"/v2/customers/{id_}/loyaltyDetails?{program}") == [8089]


def test_who_is_enrolled_is_not_enrolled_again(counter: Counter, program_id: int) -> None:
    id_, number = enrolled(counter, program_id)
    wish = [{"programId": program_id, "loyaltyPoints": 10}]
    app = profile(identifier("mobile", number), source="MOBILE_APP", accountId="app-1")
    _, answer = add(counter, customer(app, loyaltyProgramEnrollments=wish))
    assert (answer["createdId"], sorted(codes(answer))) == (id_, [1023, 8050])
    assert answer["sideEffects"] == []
    assert balance(counter, id_) == (75, 0)


def test_the_customers_answer_embeds_points(counter: Counter, program_id: int) -> None:
    id_, _ = enrolled(counter, program_id)
    told = read(counter, f"/v2/customers/{id_}?source=INSTORE&embed=points,mlp,expirySchedules")
    assert told["pointsSummary"]["loyaltyPoints"] == 75
    assert [each["programId"] for each in told["loyaltyProgramDetails"]] == [program_id]
    assert told["expirySchedules"] == []


def test_points_are_redeemed_once_under_a_reference(counter: Counter, program_id: int) -> None:
    id_, _ = enrolled(counter, program_id)
    checked = redeem(counter, id_, 50, commit=False)
    assert (checked["committed"], checked["balance"]) == (False, 25)
    assert "redemptionId" not in checked
    done = redeem(counter, id_, 50, externalReferenceNumber="B-10021")
    assert (done["pointsRedeemed"], done["balance"], done["committed"]) == (50, 25, True)
    again = {"points": 50, "externalReferenceNumber": "B-10021"}
    path = f"/v2/customers/{id_}/redemptions"
    assert refused(counter, "POST", path, again) == [604]
    assert refused(counter, "POST", path, {"points": 26}) == [802]
    assert refused(counter, "POST", path, {"points": 0}) == [804]
    assert refused(counter, "POST", path, {"points": 1.0001}) == [878]
    assert refused(counter, "POST", path, {"points": 1, "programId": 999_999}) == [1213]
    assert balance(counter, id_) == (25, 0)


def test_a_redemption_is_given_back_in_parts_and_never_more(
    counter: Counter, program_id: int
) -> None:
    id_, number = enrolled(counter, program_id)
    done = redeem(counter, id_, 50)
    whose = {"identifier": {"type": "mobile", "value": number}}
    wish = {**whose, "redemptionId": done["redemptionId"], "pointsToBeReversed": 20}
    reply = counter.send("POST", "/v2/points/reverse", wish).json
    assert (reply["pointsReversed"], reply["customerId"]) == (20, id_)
    assert reply["pointsReversedDetails"] == {"available": 20, "expired": 0}
    assert balance(counter, id_) == (45, 0)
    too_many = {**wish, "pointsToBeReversed": 31}
    assert refused(counter, "POST", "/v2/points/reverse", too_many) == [806]
    rest = {**whose, "redemptionId": done["redemptionId"]}
    assert counter.send("POST", "/v2/points/reverse", rest).json["pointsReversed"] == 30
    assert refused(counter, "POST", "/v2/points/reverse", rest) == [806]
    unknown = {**whose, "redemptionId": "0" * 32}
    assert refused(counter, "POST", "/v2/points/reverse", unknown) == [805]
    assert balance(counter, id_) == (75, 0)


def test_nobody_gives_back_the_redemption_of_somebody_else(
    counter: Counter, program_id: int
) -> None:
    id_, _ = enrolled(counter, program_id)
    _, other = enrolled(counter, program_id)
    done = redeem(counter, id_, 50)
    wish = {
        "identifier": {"type": "mobile", "value": other},
        "redemptionId": done["redemptionId"],
    }
    assert refused(counter, "POST", "/v2/points/reverse", wish) == [805]
    assert balance(counter, id_) == (25, 0)


def test_points_are_passed_on_in_whole_numbers(counter: Counter, program_id: int) -> None:
    giver, number = enrolled(counter, program_id)
    receiver, _ = enrolled(counter, program_id, 5)
    wish: dict[str, Any] = {
        "pointsTobeTransferred": 15,
        "fromCustomerIdentifier": {"type": "MOBILE", "value": number},
        "toCustomerIdentifier": {"type": "ID", "value": str(receiver)},
        "notes": "gift",
    }
    checked = counter.send("POST", "/v2/points/isTransferrable", wish)
    assert checked.status == 200
    assert (balance(counter, giver), balance(counter, receiver)) == ((75, 0), (5, 0))
    (told,) = counter.send("POST", "/v2/points/transfer", wish).json["data"]
    assert (told["fromEntityId"], told["toEntityId"], told["pointsTransferred"]) == (
        giver,
        receiver,
        15,
    )
    assert told["pointsTransferBreakupByEarningPrograms"] == [
        {"programId": program_id, "deductedPoints": 15, "programCurrentPoints": 60}
    ]
    assert (balance(counter, giver), balance(counter, receiver)) == ((60, 0), (20, 0))
    path = "/v2/points/transfer"
    assert refused(counter, "POST", path, {**wish, "pointsTobeTransferred": 1.5}) == [807]
    assert refused(counter, "POST", path, {**wish, "pointsTobeTransferred": 61}) == [802]
    oneself = {**wish, "toCustomerIdentifier": {"type": "ID", "value": str(giver)}}
    assert refused(counter, "POST", path, oneself) == [808]
    assert (balance(counter, giver), balance(counter, receiver)) == ((60, 0), (20, 0))


def test_staff_change_a_tier(counter: Counter, program_id: int) -> None:
    id_, number = enrolled(counter, program_id, 5, tierNumber=1)
    where = f"source=INSTORE&identifierName=mobile&identifierValue={number}"
    path = f"/v2/slab/manualSlabAdjustment?{where}"
    wish = {
        "slabAction": "UPGRADE",
        "toSlabName": "Silver",
        "manualSlabActionValidity": "SPECIFIC_DATE",
        "manualSlabActionValidityUpto": "2096-11-30",
    }
    told = counter.send("POST", path, wish).json
    assert (told["entity"], told["sideEffects"]) == (
        id_,
        [
            {
                "entityType": "USER",
                "previousSlabName": "Bronze",
                "previousSlabNumber": 1,
                "upgradedSlabName": "Silver",
                "upgradedSlabNumber": 2,
                "slabExpiryDate": "1st Dec, 2096",
                "type": "slab",
            }
        ],
    )
    for wrong in ({}, {"toSlabName": "Gold"}, {"slabAction": "DOWNGRADE"}):
        assert refused(counter, "POST", path, {**wish, **wrong}) == [8917], wrong
    past = {**wish, "slabAction": "RENEWAL", "manualSlabActionValidityUpto": "2020-01-01"}
    assert refused(counter, "POST", path, past) == [8917]
    tiers = read(counter, f"/v2/customers/{id_}/tierDetails?source=ALL")["programTiers"]
    assert [each["currentTierName"] for each in tiers] == ["Silver"]
    down = {"slabAction": "DOWNGRADE", "toSlabName": "Bronze"}
    assert counter.send("POST", path, down).status == 200


def test_the_ledger_tells_what_happened(counter: Counter, program_id: int) -> None:
    id_, _ = enrolled(counter, program_id)
    redeem(counter, id_, 50, transactionNumber="B-1")
    path = f"/v2/pointsLedger/getCustomerLedgerInfo?customerId={id_}&limit=1"
    told = read(counter, path)
    assert told["ledgerDetails"] == {
        "pageNumber": 0,
        "pageSize": 1,
        "totalEntries": 2,
        "pageCount": 2,
    }
    (entry,) = told["ledgerEntries"]
    assert (entry["eventName"], entry["netPointsOnEvent"]) == ("PointsRedemption", "-50.000")
    assert entry["transactionDetails"] == {"transactionNumber": "B-1"}
    assert entry["entryDetails"][0]["ledgerEntryType"] == "DEBIT"
    (entry,) = read(counter, f"{path}&offset=1")["ledgerEntries"]
    assert (entry["eventName"], entry["netPointsOnEvent"]) == ("CustomerRegistration", "75.000")
    balances = f"/v2/pointsLedger/getCustomerLedgerBalance?customerId={id_}"
    opening = read(counter, balances)["ledgerEntries"][-1]
    assert opening["entryDetails"][0]["ledgerEntryType"] == "OPENING_BALANCE"
    assert opening["netPointsOnEvent"] == "0.000"
    assert refused(counter, "GET", f"{balances}&limit=101") == [8102]


def test_the_older_edition_redeems_too(counter: Counter, program_id: int) -> None:
    id_, number = enrolled(counter, program_id)
    check = f"/v1.1/points/isredeemable?mobile={number}&points="
    told = read(counter, f"{check}50")["response"]
    assert told["status"]["success"] == "true"
    assert told["points"]["redeemable"]["is_redeemable"] == "true"
    told = read(counter, f"{check}76")["response"]
    assert told["status"] == {
        "success": "false",
        "code": 500,
        "message": "All requests have failed due to errors",
    }
    assert told["points"]["redeemable"]["item_status"]["code"] == 802
    wish = {
        "points_redeemed": "50",
        "transaction_number": "B-77",
        "customer": {"mobile": number},
    }
    body = {"root": {"redeem": [wish]}}
    done = counter.send("POST", "/v1.1/points/redeem", body).json["response"]
    points = done["responses"]["points"]
    assert (points["user_id"], points["points_redeemed"], points["balance"]) == (str(id_), "50", 25)
    assert points["item_status"] == {"success": "true", "code": 800, "message": "Points Redeemed"}
    again = counter.send("POST", "/v1.1/points/redeem", body).json["response"]
    assert again["responses"]["points"]["item_status"]["code"] == 604
    assert balance(counter, id_) == (25, 0)


def test_programs_are_listed(counter: Counter, program_id: int) -> None:
    assert read(counter, "/v2/organization/programs")["data"] == [
        {
            "programId": program_id,
            "programName": "OrchardDefaultProgram",
            "pointsToCurrencyRatio": 1,
            "programDescription": "",
            "partnerPrograms": [],
            "default": True,
        }
    ]
