package chart

import (
	"image"
	"math"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// dpi at which a point of a font size is a pixel.
const dpi = 72

// pen draws each shape with a whole style, so that nothing is left over from the shape before.
type pen struct {
	r    gochart.Renderer
	font gochart.Style
	format
}

// draw carries a layout out, from the back to the front.
func draw(p pen, l layout) {
	p.r.SetDPI(dpi)
	if p.paper {
		p.white()
	}
	p.axes(l)
	for _, line := range l.lines {
		p.frontier(line.points, colour(line.series))
	}
	for _, hollow := range []bool{true, false} { // a ring never hides a valid point
		for _, d := range l.dots {
			if d.hollow == hollow {
				p.dot(d, colour(d.series))
			}
		}
	}
	for _, t := range l.texts {
		p.text(t)
	}
	p.r.SetTextRotation(-math.Pi / 2)
	p.text(l.yName)
	p.r.ClearTextRotation()
	p.legend(l)
}

// white covers everything.
func (p pen) white() {
	p.path(corners(image.Rect(0, 0, Width, Height)))
	p.r.Close()
	gochart.Style{FillColor: rgb(white)}.WriteToRenderer(p.r)
	p.r.Fill()
}

// axes draws the grid, the ticks and the frame.
func (p pen) axes(l layout) {
	light := gochart.Style{StrokeColor: rgb(gridGrey), StrokeWidth: 1}
	dark := gochart.Style{StrokeColor: rgb(frameGrey), StrokeWidth: 2}
	for _, t := range l.x.ticks {
		foot := image.Pt(l.x.at(t.value), l.plot.Max.Y)
		p.line(foot, image.Pt(foot.X, l.plot.Min.Y), light)
		p.line(foot, foot.Add(image.Pt(0, tickLength)), dark)
	}
	for _, t := range l.y.ticks {
		foot := image.Pt(l.plot.Min.X, l.y.at(t.value))
		p.line(foot, image.Pt(l.plot.Max.X, foot.Y), light)
		p.line(foot, foot.Sub(image.Pt(tickLength, 0)), dark)
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
			p.frontier([]image.Point{{left, y}, {left + sample, y}}, colour(row.series))
			p.dot(mark, colour(row.series))
		case ofRings:
			mark.hollow = true
			p.dot(mark, rgb(frameGrey))
		}
		p.text(text{row.name, image.Pt(left+sample+gap, y+textSize*3/8), textSize})
	}
}

// frontier draws the dashed line.
func (p pen) frontier(points []image.Point, c drawing.Color) {
	p.path(points)
	gochart.Style{StrokeColor: c, StrokeWidth: 3, StrokeDashArray: []float64{14, 9}}.WriteToRenderer(p.r)
	p.r.Stroke()
}

// dot draws a marker: filled with a white edge, so that neighbours stay apart, or as a ring.
func (p pen) dot(d dot, c drawing.Color) {
	style := gochart.Style{FillColor: c, StrokeColor: rgb(white), StrokeWidth: 1}
	if d.hollow {
		style = gochart.Style{FillColor: rgb(white), StrokeColor: c, StrokeWidth: 2}
	}
	if outline := marker(d.series, d.radius); outline != nil {
		for i := range outline {
			outline[i] = outline[i].Add(d.at)
		}
		p.polygon(outline, style)
		return
	}
	p.circle(d, style)
}

// circle is drawn as eight curves: the renderer's own, of four, looks like a square with round corners.
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

func (p pen) line(from, to image.Point, style gochart.Style) {
	p.path([]image.Point{from, to})
	style.WriteToRenderer(p.r)
	p.r.Stroke()
}

func (p pen) polygon(points []image.Point, style gochart.Style) {
	p.path(points)
	p.r.Close()
	style.WriteToRenderer(p.r)
	p.r.FillStroke()
}

func (p pen) path(points []image.Point) {
	p.r.MoveTo(points[0].X, points[0].Y)
	for _, to := range points[1:] {
		p.r.LineTo(to.X, to.Y)
	}
}

func (p pen) text(t text) {
	style := p.font
	style.FontSize, style.FontColor = t.size, rgb(black)
	style.WriteTextOptionsToRenderer(p.r)
	p.r.Text(p.spell(t.body), t.at.X, t.at.Y)
}
