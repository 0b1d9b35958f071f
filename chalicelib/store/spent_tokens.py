"""The tokens that were shown once, for the strict mode. DynamoDB forgets each when it would have expired anyway."""

from chalicelib.store.tables import ConditionFailed, Tables, conditional, stored


class SpentTokenStore:
    """In the images table, under a key with a space, which no repository's name can have."""

    def __init__(self, tables: Tables) -> None:
        self._images = tables.images

    @stored
    def spend(self, nonce: str, expiry: int) -> bool:
        """Marks a token as used, in one conditional Put. False when it was already."""
        item = self._images(f"spent token {nonce}", "spent", expires=expiry + 3600)
        try:
            with conditional():
                item.save(condition=self._images.segment.does_not_exist())
        except ConditionFailed:
            return False
        return True
