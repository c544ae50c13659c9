"""Which points a site keeps in the long run, as distances between each and the one before.

All of the last two hours, then one an hour to the end of the first day, one in two hours to the
end of the first week, one in four after that; what the limit on their number does not leave room
for is taken out of the oldest.
"""

_HOUR = 3600
_DAY = 24 * _HOUR
# Until this age in seconds: one point in so many seconds; 0: all there are.
_TABLE = ((2 * _HOUR, 0), (_DAY, _HOUR), (7 * _DAY, 2 * _HOUR), (15 * _DAY, 4 * _HOUR))


def kept_distances(*, interval: int, hours: int, most: int) -> list[int]:
    """In seconds, the newest first; each is a layer at the site."""
    end, age = hours * _HOUR, 0
    found: list[int] = []
    for until, distance in _TABLE:
        step = max(distance, interval)
        while age + step <= min(until, end):
            age += step
            found.append(step)
    return _within(found, most)


def _within(distances: list[int], most: int) -> list[int]:
    """As many layers as there may be; what lay in the others lies in their neighbours."""
    left = max(1, most - 1)
    if len(distances) <= left:
        return distances
    # The newest hours go first: the table says which older ones matter.
    kept = list(distances)
    while len(kept) > left:
        place = min(range(len(kept) - 1), key=lambda n: kept[n] + kept[n + 1])
        kept[place : place + 2] = [kept[place] + kept[place + 1]]
    return kept
