"""Visit every folder listing below some roots once, loading several at a time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED as FIRST
from concurrent.futures import Future, ThreadPoolExecutor, wait

from holdfast.base.errors import HoldfastError
from holdfast.base.ids import TreeId
from holdfast.vault.tree import Node

Listing = list[Node] | HoldfastError


def walk_trees(
    roots: Iterable[TreeId], load: Callable[[TreeId], list[Node]], *, parallel: int
) -> Iterator[tuple[TreeId, Listing]]:
    """Yield each tree once, or the error it was loaded with, in no particular order.

    The newest found goes first: so few are waiting even where folders are wide and deep.
    """
    waiting = list(dict.fromkeys(roots))
    seen = set(waiting)
    loading: dict[Future[list[Node]], TreeId] = {}
    with ThreadPoolExecutor(parallel) as pool:
        while waiting or loading:
            while waiting and len(loading) < 2 * parallel:
                tree = waiting.pop()
                loading[pool.submit(load, tree)] = tree
            for future in wait(loading, return_when=FIRST).done:
                tree, listing = loading.pop(future), _listing(future)
                for subtree in subtrees(listing):
                    if subtree not in seen:
                        seen.add(subtree)
                        waiting.append(subtree)
                yield tree, listing


def subtrees(listing: Listing) -> Iterator[TreeId]:
    if not isinstance(listing, HoldfastError):
        for node in listing:
            if node.type == "dir" and node.subtree is not None:
                yield node.subtree_id


def _listing(future: Future[list[Node]]) -> Listing:
    try:
        return future.result()
    except HoldfastError as err:
        return err
