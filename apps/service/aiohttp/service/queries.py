"""What is asked of the database, as it is sent."""

ITEM = "SELECT id, name, category, price FROM item WHERE id = $1"
FIRST_ITEMS = "SELECT id, name, category, price FROM item ORDER BY id LIMIT 20"
CATEGORY = "SELECT count(*) AS items, sum(price) AS total FROM item WHERE category = $1"
SLOW = "SELECT count(*) AS items FROM item, pg_sleep(0.05)"

CATEGORIES = range(1, 11)
