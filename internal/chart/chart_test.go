package chart

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file instead of comparing")

// sweep is two topologies at nine concurrencies, one cell of which is not valid.
func sweep() Picture {
	p := Picture{Title: "Pareto - Single Node", XName: "tokens/s/user avg", YName: "tokens/s/gpu avg",
		Series: []Series{{Name: "dynamo_vllm_disaggregated"}, {Name: "vllm_serve_aggregated"}}}
	for i := range 9 {
		f, bad := float64(i), i == 5
		note := strconv.Itoa(1 << i)
		p.Series[0].Points = append(p.Series[0].Points, Point{96 * math.Pow(.83, f), 18 * math.Pow(1.35, f), note, bad, !bad, Cross{}, false})
		p.Series[1].Points = append(p.Series[1].Points, Point{110 * math.Pow(.75, f), 12 * math.Pow(1.25, f), note, false, true, Cross{}, false})
	}
	return p
}

// crowded is n points of ten series.
func crowded(n int) Picture {
	random := rand.New(rand.NewPCG(1, 2))
	p := Picture{Title: "crowded", Series: make([]Series, 10)}
	for i := range n {
		s := &p.Series[i%10]
		s.Name = "series_" + strconv.Itoa(i%10)
		s.Points = append(s.Points, Point{random.Float64() * 1e6, random.Float64() * 1e6, strconv.Itoa(i), i%7 == 0, i%50 == 1, Cross{}, false})
	}
	return p
}

func drawn(t testing.TB, draw func(io.Writer, Picture) error, p Picture) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSVGGolden(t *testing.T) {
	path := filepath.Join("testdata", "sweep.svg")
	got := drawn(t, SVG, sweep())
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(svg []byte) []string { return strings.SplitAfter(string(svg), ">") }
	if diff := cmp.Diff(lines(want), lines(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func TestEveryPictureCanBeDrawn(t *testing.T) {
	one := func(points ...Point) Picture { return Picture{Series: []Series{{Name: "s", Points: points}}} }
	many := Picture{Series: make([]Series, 40)}
	for name, p := range map[string]Picture{
		"nothing":           {},
		"a series only":     one(),
		"one point":         one(Point{5, 7, "1", false, true, Cross{}, false}),
		"equal x":           one(Point{5, 7, "1", false, true, Cross{}, false}, Point{5, 9, "2", true, false, Cross{}, false}),
		"equal points":      one(Point{5, 7, "1", false, true, Cross{}, false}, Point{5, 7, "2", false, true, Cross{}, false}),
		"zeros":             one(Point{}, Point{}),
		"not finite":        one(Point{X: math.NaN()}, Point{Y: math.Inf(1)}, Point{X: math.MaxFloat64}, Point{1, 1, "1", false, true, Cross{}, false}),
		"millions":          one(Point{1e6, 2, "1", false, true, Cross{}, false}, Point{3, 4e6, "2", false, true, Cross{}, false}),
		"a thousand points": crowded(1000),
		"forty series":      many,
		"long texts":        {strings.Repeat("title ", 99), strings.Repeat("x ", 999), strings.Repeat("y ", 999), []Series{{strings.Repeat("W", 999), []Point{{1, 1, strings.Repeat("9", 999), false, true, Cross{}, false}}}}},
		"strange texts":     {"<&\"'>\x00\x1b\xff\ufffe", "日本\u202e", "\n\t", []Series{{"]]><script>", []Point{{1, 1, "&amp;", true, false, Cross{}, false}}}}},
	} {
		img, err := png.Decode(bytes.NewReader(drawn(t, PNG, p)))
		if err != nil || img.Bounds() != image.Rect(0, 0, Width, Height) {
			t.Errorf("%s: PNG %v, %v", name, img.Bounds(), err)
		}
		if err := wellFormed(drawn(t, SVG, p)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func wellFormed(svg []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestTextsOfTheSVG(t *testing.T) {
	for _, row := range []struct {
		why   string
		p     Picture
		has   string
		times int
	}{
		{"markup is text", Picture{Title: "a<b>&c"}, ">a&lt;b&gt;&amp;c</text>", 1},
		{"SVG 1.1 has no rgba()", crowded(50), "rgba(", 0},
		{"a picture without points has a text", Picture{}, ">no valid points</text>", 1},
		{"with points it has none", sweep(), ">no valid points</text>", 0},
		{"a ring is explained", sweep(), ">hollow: not valid</text>", 1},
		{"a picture of rings only explains them too", crowded(1), ">hollow: not valid</text>", 1},
		{"without rings there is nothing to explain", Picture{Series: []Series{{Points: []Point{{X: 1}}}}}, "hollow", 0},
		{"every concurrency is beside its point", sweep(), ">64</text>", 2},
		{"series that do not fit are counted", Picture{Series: make([]Series, 40)}, ">and 25 more</text>", 1},
	} {
		if n := strings.Count(string(drawn(t, SVG, row.p)), row.has); n != row.times {
			t.Errorf("%s: %d of %q, want %d", row.why, n, row.has, row.times)
		}
	}
}

func TestSameBytesEveryTime(t *testing.T) {
	for _, draw := range []func(io.Writer, Picture) error{PNG, SVG} {
		if !bytes.Equal(drawn(t, draw, crowded(300)), drawn(t, draw, crowded(300))) {
			t.Error("two drawings of one picture differ")
		}
	}
}

// A reader compares colours with the legend.
func TestPNGHasTheColoursOfTheScheme(t *testing.T) {
	p := crowded(60)
	img, err := png.Decode(bytes.NewReader(drawn(t, PNG, p)))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[color.RGBA]bool{}
	for y := range Height {
		for x := range Width {
			seen[color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)] = true
		}
	}
	for _, c := range append(scheme(), white, black) {
		want := rgb(c)
		if !seen[color.RGBA{want.R, want.G, want.B, 255}] {
			t.Errorf("no pixel has colour %06x", c)
		}
	}
}

func TestAFailingWriterIsReported(t *testing.T) {
	full := errors.New("disk full")
	for _, draw := range []func(io.Writer, Picture) error{PNG, SVG} {
		if err := draw(failing{full}, sweep()); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func benchmark(b *testing.B, draw func(io.Writer, Picture) error, points int) {
	p := crowded(points)
	for b.Loop() {
		drawn(b, draw, p)
	}
}

func BenchmarkPNG8(b *testing.B)    { benchmark(b, PNG, 8) }
func BenchmarkSVG8(b *testing.B)    { benchmark(b, SVG, 8) }
func BenchmarkPNG1000(b *testing.B) { benchmark(b, PNG, 1000) }
func BenchmarkSVG1000(b *testing.B) { benchmark(b, SVG, 1000) }
