"""Pages of a list whose length nobody has to know: counting a hundred thousand rows takes longer than showing fifty."""

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    RowPaginator = Paginator[Any]
else:
    RowPaginator = Paginator

AHEAD = 5  # pages that are counted beyond the one that is shown


class NearbyPaginator(RowPaginator):
    """Knows the pages around `number` (from 1), and whether there are more; every page can be walked to."""

    def __init__(self, object_list: Any, per_page: int, *args: Any, number: int = 1, **kwargs: Any) -> None:
        super().__init__(object_list, per_page, *args, **kwargs)
        self.known = per_page * (number + AHEAD)

    @cached_property
    def count(self) -> int:
        """How many rows there are, as far as that was counted."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.known + 1].count())

    @property
    def more(self) -> bool:
        """Whether there are rows beyond those that were counted."""
        return self.count > self.known
