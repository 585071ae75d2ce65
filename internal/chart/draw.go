package chart

import (
	"fmt"
	"image"
	"math"
	"strings"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// dpi makes a point of a font size one pixel.
const dpi = 72

// pen draws each shape with a complete style, so that no style carries over to the next shape.
type pen struct {
	r     gochart.Renderer
	font  gochart.Style
	spell func(string) string // makes a text fit for the renderer
	paper bool                // draw white first; the encoder of the PNG adds it at no cost
}

// draw draws a layout from back to front, on white.
func draw(p pen, l layout) {
	p.r.SetDPI(dpi)
	if p.paper {
		p.path(corners(image.Rect(0, 0, Width, Height)))
		p.r.Close()
		gochart.Style{FillColor: rgb(white)}.WriteToRenderer(p.r)
		p.r.Fill()
	}
	p.axes(l)
	for _, line := range l.lines {
		p.frontier(line.points, line.series)
	}
	for _, b := range l.bars {
		p.stroke(gochart.Style{StrokeColor: colour(b.series), StrokeWidth: 2}, b.points...)
	}
	for _, ring := range []bool{true, false} { // a ring never hides a valid point
		for _, d := range l.dots {
			if (d.hollow || d.outside) == ring {
				p.dot(d, colour(d.series))
			}
		}
	}
	for _, t := range l.texts {
		p.text(t, rgb(black))
	}
	for _, t := range l.notes {
		p.text(t, rgb(dark(t.series)))
	}
	p.r.SetTextRotation(-math.Pi / 2)
	p.text(l.yName, rgb(black))
	p.r.ClearTextRotation()
	p.legend(l)
}

// axes draws the grid, the ticks and the frame.
func (p pen) axes(l layout) {
	light := gochart.Style{StrokeColor: rgb(gridGrey), StrokeWidth: 1}
	dark := gochart.Style{StrokeColor: rgb(frameGrey), StrokeWidth: 2}
	for _, t := range l.x.ticks {
		foot := image.Pt(l.x.at(t.value), l.plot.Max.Y)
		p.stroke(light, foot, image.Pt(foot.X, l.plot.Min.Y))
		p.stroke(dark, foot, foot.Add(image.Pt(0, tickLength)))
	}
	for _, t := range l.y.ticks {
		foot := image.Pt(l.plot.Min.X, l.y.at(t.value))
		p.stroke(light, foot, image.Pt(l.plot.Max.X, foot.Y))
		p.stroke(dark, foot, foot.Sub(image.Pt(tickLength, 0)))
	}
	p.path(corners(l.plot))
	p.r.Close()
	dark.WriteToRenderer(p.r)
	p.r.Stroke()
}

// legend draws the rows beside the plot, from its top.
func (p pen) legend(l layout) {
	left := l.plot.Max.X + gap
	for i, row := range l.legend {
		y := l.plot.Min.Y + rowHeight/2 + i*rowHeight
		mark := dot{series: row.series, radius: radius(0), at: image.Pt(left+sample/2, y)}
		switch row.kind {
		case ofSeries:
			p.frontier([]image.Point{{left, y}, {left + sample, y}}, row.series)
			p.dot(mark, colour(row.series))
		case ofRings:
			mark.hollow = true
			p.dot(mark, rgb(frameGrey))
		case ofOutside:
			mark.outside = true
			p.dot(mark, rgb(frameGrey))
		case ofBars:
			grey := gochart.Style{StrokeColor: rgb(frameGrey), StrokeWidth: 2}
			p.stroke(grey, mark.at.Sub(image.Pt(sample/3, 0)), mark.at.Add(image.Pt(sample/3, 0)))
			p.stroke(grey, mark.at.Sub(image.Pt(0, rowHeight/3)), mark.at.Add(image.Pt(0, rowHeight/3)))
		}
		name := text{body: row.name, at: image.Pt(left+sample+gap, y+textSize*3/8), size: textSize}
		p.text(name, rgb(black))
	}
}

// frontier draws the dashed line.
func (p pen) frontier(points []image.Point, series int) {
	p.stroke(gochart.Style{StrokeColor: colour(series), StrokeWidth: 3, StrokeDashArray: dashes(series)}, points...)
}

// dashes of a frontier. Neighbours, and series of one colour, have unlike ones: one shows in the gaps of the other.
func dashes(series int) []float64 {
	return [][]float64{{14, 9}, {5, 7}, {22, 6, 5, 6}}[(series+series/len(scheme()))%3]
}

// dot draws a marker. One outside the SLO is crossed out.
func (p pen) dot(d dot, c drawing.Color) {
	p.marker(d, c)
	if d.outside {
		r, line := d.radius, gochart.Style{StrokeColor: c, StrokeWidth: 2}
		p.stroke(line, d.at.Add(image.Pt(-r, -r)), d.at.Add(image.Pt(r, r)))
		p.stroke(line, d.at.Add(image.Pt(-r, r)), d.at.Add(image.Pt(r, -r)))
	}
}

// marker draws a ring, or a filled shape with a white edge that separates it from its neighbours.
func (p pen) marker(d dot, c drawing.Color) {
	style := gochart.Style{FillColor: c, StrokeColor: rgb(white), StrokeWidth: 1}
	if d.hollow || d.outside {
		style = gochart.Style{FillColor: rgb(white), StrokeColor: c, StrokeWidth: 2}
	}
	outline := marker(d.series, d.radius)
	if outline == nil {
		p.circle(d, style)
		return
	}
	for i := range outline {
		outline[i] = outline[i].Add(d.at)
	}
	p.path(outline)
	p.r.Close()
	style.WriteToRenderer(p.r)
	p.r.FillStroke()
}

// circle has eight curves: the renderer's own has four, and looks like a square with round corners.
func (p pen) circle(d dot, style gochart.Style) {
	r := float64(d.radius)
	turn := func(eighths, radius float64) (x, y int) {
		sin, cos := math.Sincos(eighths * math.Pi / 4)
		return d.at.X + int(math.Round(radius*cos)), d.at.Y + int(math.Round(radius*sin))
	}
	style.WriteToRenderer(p.r)
	p.r.MoveTo(turn(0, r))
	for i := range 8 {
		cx, cy := turn(float64(i)+0.5, r/math.Cos(math.Pi/8))
		x, y := turn(float64(i)+1, r)
		p.r.QuadCurveTo(cx, cy, x, y)
	}
	p.r.Close()
	p.r.FillStroke()
}

func (p pen) stroke(style gochart.Style, points ...image.Point) {
	p.path(points)
	style.WriteToRenderer(p.r)
	p.r.Stroke()
}

func (p pen) path(points []image.Point) {
	p.r.MoveTo(points[0].X, points[0].Y)
	for _, to := range points[1:] {
		p.r.LineTo(to.X, to.Y)
	}
}

func (p pen) text(t text, c drawing.Color) {
	style := p.font
	style.FontSize, style.FontColor = t.size, c
	style.WriteTextOptionsToRenderer(p.r)
	p.r.Text(p.spell(t.body), t.at.X, t.at.Y)
}

// Colours as 0xRRGGBB.
const (
	white     = 0xffffff
	black     = 0x222222
	frameGrey = 0x666666
	gridGrey  = 0xdddddd
)

// scheme is Paul Tol's "vibrant", made for colour-blind readers, in order of contrast
// (https://sronpersonalpages.nl/~pault/).
func scheme() []uint32 { return []uint32{0x0077bb, 0xee7733, 0x009988, 0xcc3311, 0x33bbee, 0xee3377} }

func colour(series int) drawing.Color {
	colours := scheme()
	return rgb(colours[series%len(colours)])
}

// dark is a series' colour for text, which needs more contrast than a marker.
func dark(series int) uint32 {
	colours := scheme()
	c := colours[series%len(colours)]
	return c>>16*7/10<<16 | c>>8&0xff*7/10<<8 | c&0xff*7/10
}

// darks are the dark colours of the scheme.
func darks() (all []uint32) {
	for i := range scheme() {
		all = append(all, dark(i))
	}
	return all
}

// plainColours writes #rrggbb instead of the renderer's rgba(). SVG 1.1 has no rgba(), and strict editors and
// typesetters fill such a shape with black.
func plainColours() *strings.Replacer {
	pairs := []string{":" + drawing.ColorTransparent.String(), ":none"}
	for _, c := range append(append(scheme(), darks()...), white, black, frameGrey, gridGrey) {
		pairs = append(pairs, ":"+rgb(c).String(), fmt.Sprintf(":#%06x", c))
	}
	return strings.NewReplacer(pairs...)
}

func rgb(c uint32) drawing.Color {
	return drawing.Color{R: uint8(c >> 16), G: uint8(c >> 8), B: uint8(c), A: 0xff}
}

// marker is the outline of a series' marker with its centre at (0, 0), or nil for a circle. Five markers and
// six colours distinguish thirty series. The areas are about the same.
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
