# Draws one frame of a ball that bounces through the mountains at dusk. ImageMagick.
set -eu
place=$(awk -v n=$frame -v of=$frames 'BEGIN {
    height = sin(6.2831853 * (n - 1) / of)
    printf "%d %d", 60 + 360 * (n - 1) / of, 200 - 130 * (height < 0 ? -height : height)
}')
x=${place% *}
y=${place#* }
echo "frame $frame of $frames: the ball is at $x,$y"
convert -size 480x270 gradient:#16305c-#f4b183 \
    -fill "#2f4858" -draw "polygon 0,210 90,140 170,200 260,120 360,205 430,160 480,200 480,270 0,270" \
    -fill "#22303c" -draw "rectangle 0,222 480,270" \
    -fill "#00000066" -draw "ellipse $x,232 30,5 0,360" \
    -fill "#d9480f" -draw "circle $x,$y $((x + 22)),$y" \
    -fill "#ff922b" -draw "circle $((x - 3)),$((y - 4)) $((x + 14)),$((y - 4))" \
    -fill "#ffe8cc" -draw "circle $((x - 8)),$((y - 9)) $((x - 3)),$((y - 9))" \
    -strip png24:$image
identify $image
