package chart

import (
	"image"
	"sort"
	"strconv"
	"strings"
	"unicode"

	gochart "github.com/wcharczuk/go-chart/v2"
)

// meter measures texts, each once: many points have the same concurrency beside them.
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
		m.known[key] = 0 // the ruler fails on a text of spaces
		if ink := printable(body); strings.TrimSpace(ink) != "" {
			m.ruler.SetFontSize(size)
			m.known[key] = m.ruler.MeasureText(ink).Width()
		}
	}
	return m.known[key]
}

// fit shortens a text to at most most pixels, at its end.
func (m meter) fit(body string, size float64, most int) string {
	return m.cut(body, size, most, func(runes []rune, kept int) string { return string(runes[:kept]) + "…" })
}

// squeeze shortens a text in the middle: names of series differ at either end.
func (m meter) squeeze(body string, size float64, most int) string {
	return m.cut(body, size, most, func(runes []rune, kept int) string {
		return string(runes[:kept-kept/2]) + "…" + string(runes[len(runes)-kept/2:])
	})
}

// names cuts the long names of series such that unlike ones stay unlike: in the middle, at the front, or at the end; or
// they get numbers.
func (m meter) names(all []Series) []string {
	tail := func(runes []rune, kept int) string { return "…" + string(runes[len(runes)-kept:]) }
	shorten := []func(name string) string{
		func(name string) string { return m.squeeze(name, textSize, maxName) },
		func(name string) string { return m.cut(name, textSize, maxName, tail) },
		func(name string) string { return m.fit(name, textSize, maxName) },
	}
	for _, short := range shorten {
		names, seen := []string{}, map[string]string{} // the name behind a cut one
		for _, s := range all {
			cut := short(s.Name)
			if before, twice := seen[cut]; twice && before != s.Name {
				break
			}
			names, seen[cut] = append(names, cut), s.Name
		}
		if len(names) == len(all) {
			return names
		}
	}
	var names []string
	for i, s := range all {
		names = append(names, m.squeeze(strconv.Itoa(i+1)+": "+s.Name, textSize, maxName))
	}
	return names
}

// cut keeps as many runes of a text as fit; keep(runes, n) is the text with n runes kept.
func (m meter) cut(body string, size float64, most int, keep func(runes []rune, kept int) string) string {
	if m.width(body, size) <= most {
		return body
	}
	runes := []rune(body)
	tooMany := func(less int) bool { return m.width(keep(runes, less+1), size) > most }
	return keep(runes, sort.Search(len(runes)-1, tooMany))
}

// centred puts a text in the middle of the plot's width.
func (m meter) centred(body string, plot image.Rectangle, baseline int, size float64) text {
	mid := (plot.Min.X + plot.Max.X) / 2
	body = m.fit(body, size, 2*min(mid, Width-mid)-2*gap)
	return text{body: body, at: image.Pt(mid-m.width(body, size)/2, baseline), size: size}
}

// upright is a text along the y axis, which reads upwards.
func (m meter) upright(body string, plot image.Rectangle) text {
	body = m.fit(body, nameSize, plot.Dy())
	mid := (plot.Min.Y + plot.Max.Y) / 2
	return text{body: body, at: image.Pt(margin+nameSize, mid+m.width(body, nameSize)/2), size: nameSize}
}

// tickTexts are the labels below the x axis and left of the y axis.
func (m meter) tickTexts(l layout) []text {
	var texts []text
	for _, t := range l.x.ticks {
		at := image.Pt(l.x.at(t.value)-m.width(t.text, textSize)/2, l.plot.Max.Y+tickLength+gap/2+textSize)
		texts = append(texts, text{body: t.text, at: at, size: textSize})
	}
	for _, t := range l.y.ticks {
		at := image.Pt(l.plot.Min.X-tickLength-gap/2-m.width(t.text, textSize), l.y.at(t.value)+textSize*3/8)
		texts = append(texts, text{body: t.text, at: at, size: textSize})
	}
	return texts
}

// printable drops characters without a glyph and those that XML forbids.
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
