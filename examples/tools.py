"""Tools of a small shop, for an agent that can look up and cancel orders.

    stretto serve --tools examples.tools

Then ask, in a second terminal: ``stretto talk --text "what is the status of order 7"``, or with your voice. The
offline brain finds these tools by their names; a language model (``--llm``) also reads what they say about themselves.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from think_loop.tools import ToolFault, tool

OrderNumber = Annotated[int, Field(description="the number of the order", ge=1)]


class Order(BaseModel):
    number: int
    item: str
    status: Literal["packed", "on its way", "delivered", "cancelled"]


ORDERS = {
    7: Order(number=7, item="two litres of blue paint", status="on its way"),
    12: Order(number=12, item="a paint roller", status="packed"),
}


@tool(read_only=True, progress="checking your order", timeout_seconds=10)
async def order_status(number: OrderNumber) -> Order:
    """Look up what was ordered and where it is now."""
    await asyncio.sleep(1.5)  # stands for a slow database
    return _find(number)


@tool(progress="cancelling your order")
async def cancel_order(
    number: OrderNumber, reason: Annotated[str | None, Field(description="in the caller's words")] = None
) -> str:
    """Cancel an order that has not been sent yet."""
    order = _find(number)
    if order.status != "packed":
        raise ToolFault(f"order {number} is {order.status}, so it can't be cancelled any more.")
    ORDERS[number] = order.model_copy(update={"status": "cancelled"})
    return f"Order {number} ({order.item}) is cancelled."


def _find(number: int) -> Order:
    if number not in ORDERS:
        raise ToolFault(f"there is no order {number}.")
    return ORDERS[number]
