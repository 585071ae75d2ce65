package chart

import (
	"image"
	"strings"
	"unicode"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// meter measures texts and remembers: the same concurrency stands beside many points.
type meter struct {
	ruler gochart.Renderer
	known map[measured]int
}

type measured struct {
	body string
	size float64
}

func newMeter(ruler gochart.Renderer, font gochart.Style) meter {
	ruler.SetDPI(dpi)
	font.WriteToRenderer(ruler)
	return meter{ruler, map[measured]int{}}
}

// width of a text in pixels.
func (m meter) width(body string, size float64) int {
	key := measured{body, size}
	if _, ok := m.known[key]; !ok {
		m.known[key] = 0 // which the ruler does not say of a text without ink
		if ink := printable(body); strings.TrimSpace(ink) != "" {
			m.ruler.SetFontSize(size)
			m.known[key] = m.ruler.MeasureText(ink).Width()
		}
	}
	return m.known[key]
}

// fit cuts the end off a text that is wider than most pixels.
func (m meter) fit(body string, size float64, most int) string {
	return m.cut(body, size, most, func(runes []rune, kept int) string { return string(runes[:kept]) + "…" })
}

// squeeze cuts the middle out of one: names of series differ at either end.
func (m meter) squeeze(body string, size float64, most int) string {
	return m.cut(body, size, most, func(runes []rune, kept int) string {
		return string(runes[:kept-kept/2]) + "…" + string(runes[len(runes)-kept/2:])
	})
}

// cut keeps as many runes of a text as fit.
func (m meter) cut(body string, size float64, most int, keep func(runes []rune, kept int) string) string {
	if m.width(body, size) <= most {
		return body
	}
	runes := []rune(body)
	fits, not := 0, len(runes) // so many runes fit, so many do not
	for not-fits > 1 {
		mid := (fits + not) / 2
		if m.width(keep(runes, mid), size) <= most {
			fits = mid
		} else {
			not = mid
		}
	}
	return keep(runes, fits)
}

// centred puts a text in the middle of the plot's width.
func (m meter) centred(body string, plot image.Rectangle, baseline int, size float64) text {
	mid := (plot.Min.X + plot.Max.X) / 2
	body = m.fit(body, size, 2*min(mid, Width-mid)-2*gap)
	return text{body, image.Pt(mid-m.width(body, size)/2, baseline), size}
}

// upright is the text that reads upwards along the y axis.
func (m meter) upright(body string, plot image.Rectangle) text {
	body = m.fit(body, nameSize, plot.Dy())
	mid := (plot.Min.Y + plot.Max.Y) / 2
	return text{body, image.Pt(margin+nameSize, mid+m.width(body, nameSize)/2), nameSize}
}

// tickTexts stands below the x axis and left of the y axis.
func (m meter) tickTexts(l layout) []text {
	var texts []text
	for _, t := range l.x.ticks {
		at := image.Pt(l.x.at(t.value)-m.width(t.text, textSize)/2, l.plot.Max.Y+tickLength+gap/2+textSize)
		texts = append(texts, text{t.text, at, textSize})
	}
	for _, t := range l.y.ticks {
		at := image.Pt(l.plot.Min.X-tickLength-gap/2-m.width(t.text, textSize), l.y.at(t.value)+textSize*3/8)
		texts = append(texts, text{t.text, at, textSize})
	}
	return texts
}

// printable drops what has no glyph and what XML forbids.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r) && r != unicode.ReplacementChar:
			return r
		}
		return -1
	}, s)
}
