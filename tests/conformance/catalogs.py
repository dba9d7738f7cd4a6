"""Checks of the operations on catalogs and on prior prices."""

from datetime import UTC, datetime
from typing import Any

from talon_one.models import BestPriorPriceRequest, CatalogSyncRequest

from tests.conformance.scene import Answer, Scene


def _catalog(scene: Scene, name: str) -> int:
    body = {"name": name, "description": "of the shop"}
    subscribed = {"subscribedApplicationsIds": [scene.front.application_id]}
    id_: int = scene.staff("POST", "/v1/catalogs", {**body, **subscribed})["id"]
    return id_


def _adds(scene: Scene, catalog: int, sku: str, price: float) -> Any:
    action = {"type": "ADD", "payload": {"sku": sku, "price": price, "product": {"name": sku}}}
    sent = CatalogSyncRequest.from_dict({"actions": [action]})
    return scene.api.sync_catalog(catalog, sent)


def sync_catalog(scene: Scene) -> Answer:
    catalog = _catalog(scene, "synchronised")
    return _adds(scene, catalog, "synchronised-tea", 3.5), {
        "id": catalog, "created": "?", "accountId": 1, "modified": "?", "name": "synchronised",
        "description": "of the shop", "version": 2, "createdBy": 1,
        "subscribedApplicationsIds": [scene.front.application_id],
    }  # fmt: skip


def best_prior_price(scene: Scene) -> Answer:
    settings = {"bestPriorPriceSettings": {"enableBestPriorPrice": True}}
    path = f"/v1/applications/{scene.front.application_id}"
    shown = scene.staff("GET", path)
    named = {name: shown[name] for name in ("name", "timezone", "currency")}
    scene.staff("PUT", path, {**named, **settings})
    _adds(scene, _catalog(scene, "priced"), "priced-tea", 3.5)
    body = {
        "skus": ["priced-tea"],
        "timeframeEndDate": datetime.now(UTC).isoformat(),
        "timeframe": "30",
        "strictEndDate": True,
    }
    answer = scene.api.best_prior_price(BestPriorPriceRequest.from_dict(body))
    # The client's release reads the older name of the contexts alone, and no id.
    best = {
        "sku": "priced-tea", "observedAt": "?", "contextId": "", "price": 3.5,
        "metadata": {"influencingCampaignIDs": []}, "target": {"type": "NONE"},
    }  # fmt: skip
    return answer, [best]


CHECKS = {"syncCatalog": sync_catalog, "bestPriorPrice": best_prior_price}
