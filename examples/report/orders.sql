-- 20,000 orders of a year that never was. No chance is in it: each number follows from the one before,
-- so the database is the same wherever it is made.
CREATE TABLE orders (id INTEGER PRIMARY KEY, day TEXT NOT NULL, region TEXT NOT NULL,
                     pieces INTEGER NOT NULL, cents INTEGER NOT NULL);

WITH RECURSIVE drawn (id, number) AS (
    SELECT 1, 42
    UNION ALL
    SELECT id + 1, (number * 1103515245 + 12345) % 2147483648 FROM drawn WHERE id < 20000
)
INSERT INTO orders (id, day, region, pieces, cents)
SELECT id,
       date('2025-01-01', '+' || (number / 65536 % 365) || ' days'),
       CASE (number / 1024 % 7) WHEN 0 THEN 'north' WHEN 1 THEN 'south' WHEN 2 THEN 'west' ELSE 'east' END,
       1 + number / 4096 % 9,
       199 + number / 16384 % 9800
FROM drawn;
