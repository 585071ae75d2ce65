// Package chart draws the Pareto picture as PNG and as SVG.
//
// The picture needs no retouching for a publication: round ticks, a legend that hides no point, concurrency
// numbers that avoid points and each other, and the same bytes for the same Picture. Any Picture can be
// drawn: no points, one point, equal values, thousands.
//
// go-chart supplies the two renderers and the font, and this package the layout: go-chart's own legend
// covers the data, its annotations overlap, its ticks are not round and it refuses a range of zero width.
package chart

import (
	"fmt"
	"html"
	"io"
	"strings"
	"sync"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// Size of the picture: the guide's 14 x 6 inches at 150 dots per inch (pixels, and SVG user units).
const (
	Width  = 2100
	Height = 900
)

// Picture is the content. Texts may contain any character: unprintable ones are dropped, and the PNG shows a
// box for those that its font lacks.
type Picture struct {
	Title, XName, YName string
	Series              []Series
}

// Series is one colour, one marker and one legend entry. Points may come in any order.
type Series struct {
	Name   string
	Points []Point
}

// Point is one measured cell, or the mean of its repeats. Note, the concurrency, is drawn beside it if there
// is room. Hollow draws a ring: measured but not valid. A dashed line joins the Frontier points of a series
// in order of X. A point Outside the SLO is a ring with a cross in it. A point that is not finite is not drawn.
type Point struct {
	X, Y             float64
	Note             string
	Hollow, Frontier bool
	Cross            Cross
	Outside          bool
}

// Cross is the intervals of a point, drawn as bars that end at the edge of the plot. Equal ends are no interval. The
// axes do not reach out for them: an interval over two launches may be ten times its mean.
type Cross struct{ Left, Right, Low, High float64 }

// PNG writes the picture in Width x Height pixels.
func PNG(w io.Writer, p Picture) error {
	var raster gochart.ImageWriter
	if err := render(&raster, p, pen{spell: printable}, gochart.PNG); err != nil {
		return fmt.Errorf("cannot draw the PNG: %w", err)
	}
	img, err := raster.Image()
	if err != nil {
		return fmt.Errorf("cannot draw the PNG: %w", err)
	}
	return encode(w, img)
}

// SVG writes the picture in a viewBox of Width x Height, so that it scales to the page.
func SVG(w io.Writer, p Picture) error {
	escaped := func(s string) string { return html.EscapeString(printable(s)) }
	var svg strings.Builder
	if err := render(&svg, p, pen{spell: escaped, paper: true}, gochart.SVG); err != nil {
		return fmt.Errorf("cannot draw the SVG: %w", err)
	}
	if _, err := plainColours().WriteString(w, svg.String()); err != nil {
		return fmt.Errorf("cannot write the SVG: %w", err)
	}
	return nil
}

// font parses the font, once also if two pictures are drawn at the same time: go-chart looks for it without its lock.
var font = sync.OnceValues(gochart.GetDefaultFont) // constant

// render lays the picture out and draws it.
func render(w io.Writer, p Picture, to pen, start gochart.RendererProvider) error {
	font, err := font()
	if err != nil {
		return err
	}
	style := gochart.Style{Font: font}
	// Both formats measure text with the raster renderer, so that both have one layout. The vector renderer
	// would build a font face of a megabyte for every text it measures.
	ruler, err := gochart.PNG(1, 1)
	if err != nil {
		return err
	}
	r, err := start(Width, Height)
	if err != nil {
		return err
	}
	to.r, to.font = r, style
	draw(to, arrange(p, newMeter(ruler, style)))
	return r.Save(w)
}
