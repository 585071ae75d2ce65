package chart

import (
	"fmt"
	"image"
	"strings"

	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Colours as 0xRRGGBB.
const (
	white     = 0xffffff
	black     = 0x222222
	frameGrey = 0x666666
	gridGrey  = 0xdddddd
)

// scheme is Paul Tol's "vibrant" one, made for colour-blind readers, in an order of contrast
// (https://sronpersonalpages.nl/~pault/).
func scheme() []uint32 { return []uint32{0x0077bb, 0xee7733, 0x009988, 0xcc3311, 0x33bbee, 0xee3377} }

func colour(series int) drawing.Color {
	colours := scheme()
	return rgb(colours[series%len(colours)])
}

// plainColours writes #rrggbb for the renderer's rgba(): SVG 1.1 does not have it, and editors and
// typesetters that go by that fill such a shape with black.
func plainColours() *strings.Replacer {
	pairs := []string{":" + drawing.ColorTransparent.String(), ":none"}
	for _, c := range append(scheme(), white, black, frameGrey, gridGrey) {
		pairs = append(pairs, ":"+rgb(c).String(), fmt.Sprintf(":#%06x", c))
	}
	return strings.NewReplacer(pairs...)
}

func rgb(c uint32) drawing.Color {
	return drawing.Color{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xff}
}

// marker is the outline of a series' marker around (0, 0), or nil for a circle. Five markers and six
// colours make thirty series that differ. The areas are about the same.
func marker(series, radius int) []image.Point {
	side, tip := radius-radius/7, radius+radius/3+1
	switch series % 5 {
	case 1:
		return []image.Point{{-side, -side}, {side, -side}, {side, side}, {-side, side}}
	case 2:
		return []image.Point{{0, -tip}, {tip, radius}, {-tip, radius}}
	case 3:
		return []image.Point{{0, -tip}, {tip, 0}, {0, tip}, {-tip, 0}}
	case 4:
		return []image.Point{{0, tip}, {-tip, -radius}, {tip, -radius}}
	}
	return nil
}

func corners(r image.Rectangle) []image.Point {
	return []image.Point{r.Min, {r.Max.X, r.Min.Y}, r.Max, {r.Min.X, r.Max.Y}}
}
