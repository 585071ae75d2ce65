// Package chart draws the Pareto picture as PNG and as SVG.
//
// It promises a picture that can stand in a publication without retouching: round ticks, a legend
// that hides no point, concurrency numbers that avoid points and each other, and the same bytes for
// the same Picture. Any Picture can be drawn: no points, one point, equal values, thousands.
//
// go-chart supplies the two renderers and the font. The layout is ours: go-chart's own legend lies on
// the data, its annotations overlap, its ticks are not round and it refuses a range of zero width.
//
// Pictures may be drawn at the same time once Load has returned.
package chart

import (
	"fmt"
	"html"
	"io"
	"strings"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// Size of the picture: the guide's 14 x 6 inches at 150 dots per inch (pixels, and SVG user units).
const (
	Width  = 2100
	Height = 900
)

// Picture is everything that is drawn. Texts may hold any character; what cannot be printed is dropped, and what the
// PNG's font lacks is a box in it.
type Picture struct {
	Title, XName, YName string
	Series              []Series
}

// Series is one colour, one marker and one legend entry. Points may come in any order.
type Series struct {
	Name   string
	Points []Point
}

// Point is one measured cell. Note stands beside it (the concurrency), unless the picture is too
// crowded there. Hollow is a ring: measured but not valid. The Frontier points of a series are joined
// by its dashed line, sorted by X. A point that is not finite is not drawn.
type Point struct {
	X, Y             float64
	Note             string
	Hollow, Frontier bool
}

// Load parses the font. Without it that happens at the first picture, and go-chart's check whether it
// is done takes no lock.
func Load() error {
	if _, err := gochart.GetDefaultFont(); err != nil {
		return fmt.Errorf("cannot load the font: %w", err)
	}
	return nil
}

// PNG writes the picture in Width x Height pixels.
func PNG(w io.Writer, p Picture) error {
	var raster gochart.ImageWriter
	if err := (format{start: gochart.PNG, spell: printable}).render(&raster, p); err != nil {
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
	if err := (format{start: gochart.SVG, spell: escaped, paper: true}).render(&svg, p); err != nil {
		return fmt.Errorf("cannot draw the SVG: %w", err)
	}
	if _, err := plainColours().WriteString(w, svg.String()); err != nil {
		return fmt.Errorf("cannot write the SVG: %w", err)
	}
	return nil
}

// format is what PNG and SVG differ in.
type format struct {
	start gochart.RendererProvider
	spell func(string) string // what the renderer may be given for a text
	paper bool                // draw white first; under a PNG encode puts it, which costs nothing
}

// render lays the picture out and draws it.
func (f format) render(w io.Writer, p Picture) error {
	font, err := gochart.GetDefaultFont()
	if err != nil {
		return err
	}
	style := gochart.Style{Font: font}
	// Both formats measure text with the raster renderer: one layout for both, and the vector
	// renderer would build a font face of a megabyte for every text it measures.
	ruler, err := gochart.PNG(1, 1)
	if err != nil {
		return err
	}
	r, err := f.start(Width, Height)
	if err != nil {
		return err
	}
	draw(pen{r, style, f}, arrange(p, newMeter(ruler, style)))
	return r.Save(w)
}
