package chart

import (
	"fmt"
	"io"
	"math"
	"math/rand"
	"os"
	"testing"
)

func small() Picture {
	a := Series{Name: "dynamo_vllm_disaggregated"}
	b := Series{Name: "vllm_serve_aggregated"}
	for i, c := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256} {
		f := float64(i)
		a.Points = append(a.Points, Point{X: 96.3 * math.Pow(.83, f), Y: 18 * math.Pow(1.5, f) / (1 + .03*f*f), Note: fmt.Sprint(c), Frontier: i != 5, Hollow: i == 5})
		b.Points = append(b.Points, Point{X: 110 * math.Pow(.75, f), Y: 12 * math.Pow(1.45, f) / (1 + .03*f*f), Note: fmt.Sprint(c), Frontier: true})
	}
	return Picture{"Pareto - Single Node (simulated)", "tokens/s/user avg", "tokens/s/gpu avg", []Series{a, b}}
}
func big(n int) Picture {
	r := rand.New(rand.NewSource(1))
	p := Picture{Title: "Pareto - 1000 cells", XName: "tokens/s/user avg", YName: "tokens/s/gpu avg"}
	for s := range 12 {
		q := Series{Name: fmt.Sprintf("series_%d_with_a_name_aggregated", s)}
		for i := range n / 12 {
			x := r.Float64() * 1e6
			q.Points = append(q.Points, Point{X: x, Y: (1e6 - x) * (1 + r.Float64()), Note: fmt.Sprint(1 << (i % 9)), Frontier: i%10 == 0, Hollow: i%7 == 3})
		}
		p.Series = append(p.Series, q)
	}
	return p
}
func TestLook(t *testing.T) {
	dir := os.Getenv("LOOK")
	if dir == "" {
		t.Skip()
	}
	for n, p := range map[string]Picture{"small": small(), "big": big(1000), "empty": {Title: "Pareto - Single Node", XName: "tokens/s/user avg", YName: "tokens/s/gpu avg"}, "one": {Title: "One", XName: "x", YName: "y", Series: []Series{{Name: "one <&> 日本", Points: []Point{{X: 5, Y: 7, Note: "4"}}}}}} {
		f, _ := os.Create(dir + "/" + n + ".png")
		if err := PNG(f, p); err != nil {
			t.Fatal(err)
		}
		f.Close()
		f, _ = os.Create(dir + "/" + n + ".svg")
		if err := SVG(f, p); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}
func bench(b *testing.B, p Picture, f func(io.Writer, Picture) error) {
	for b.Loop() {
		f(io.Discard, p)
	}
}
func BenchmarkPNG8(b *testing.B)    { bench(b, small(), PNG) }
func BenchmarkSVG8(b *testing.B)    { bench(b, small(), SVG) }
func BenchmarkPNG1000(b *testing.B) { bench(b, big(1000), PNG) }
func BenchmarkSVG1000(b *testing.B) { bench(b, big(1000), SVG) }
