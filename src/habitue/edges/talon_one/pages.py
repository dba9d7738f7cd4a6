"""Parts of lists that both APIs of the protocol answer with."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from habitue.edges.http.numbers import INTEGER_MAX
from habitue.model.limits import PAGE_SIZE_MAX

Row = TypeVar("Row")
PageSize = Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)]
Skip = Annotated[int, Meta(ge=0, le=INTEGER_MAX)]


class PageWithoutTotal(msgspec.Struct, Generic[Row], rename="camel"):
    """One page, and whether there are more."""

    has_more: bool
    data: list[Row]
