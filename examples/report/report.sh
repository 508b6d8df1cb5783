# Writes a page about the orders in a SQLite database.
set -eu
ask() { sqlite3 -readonly -html -header $database "$1"; }
{
    cat <<'PAGE'
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Orders of 2025</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; border-bottom: 1px solid #ccc; padding: .25rem .5rem }
</style>
</head>
<body>
<h1>Orders of 2025</h1>
PAGE
    echo '<h2>By region</h2><table>'
    ask "SELECT region AS Region, count(*) AS Orders, sum(pieces) AS Pieces,
                printf('%d.%02d', sum(pieces * cents) / 100, sum(pieces * cents) % 100) AS Euro
         FROM orders GROUP BY region ORDER BY sum(pieces * cents) DESC"
    echo '</table><h2>By month</h2><table>'
    ask "SELECT strftime('%Y-%m', day) AS Month, count(*) AS Orders,
                printf('%d.%02d', sum(pieces * cents) / 100, sum(pieces * cents) % 100) AS Euro
         FROM orders GROUP BY Month ORDER BY Month"
    echo '</table><h2>The three best days</h2><table>'
    ask "SELECT day AS Day, printf('%d.%02d', sum(pieces * cents) / 100, sum(pieces * cents) % 100) AS Euro
         FROM orders GROUP BY day ORDER BY sum(pieces * cents) DESC, day LIMIT 3"
    echo '</table></body></html>'
} > $report
sqlite3 -readonly $database "SELECT count(*) || ' orders, ' || sum(pieces * cents) || ' cents' FROM orders"
