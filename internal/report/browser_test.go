//go:build browser

package report

import (
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
)

var screenshots = flag.String("screenshots", "", "directory for pictures of the page, for a person to look at")

// shoot keeps a picture of what the browser shows.
func (b *browser) shoot(name string) {
	b.t.Helper()
	if *screenshots == "" {
		return
	}
	var picture struct{ Data string }
	b.call("Page.captureScreenshot", nil, &picture)
	data, err := base64.StdEncoding.DecodeString(picture.Data)
	if err == nil {
		err = os.MkdirAll(*screenshots, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), data, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A person reads the page on a wide and on a narrow screen, takes another axis, looks at a point and clicks it.
func TestBrowserReadsThePage(t *testing.T) {
	b := startBrowser(t)
	many := func(s int) string { return fmt.Sprint(hostile, s) }
	for _, row := range []struct {
		name  string
		cells []artifacts.Cell
	}{
		{"one", pageCells(1, 6, 1, plainName)}, {"two", pageCells(2, 7, 4, plainName)},
		{"twelve", pageCells(12, 9, 1, plainName)}, {"hostile", pageCells(2, 5, 1, many)},
	} {
		x := pageExtras(row.cells, row.cells[0].Deployment.Name)
		page := written(t, func(w io.Writer) error { return pageFacts(t, row.cells).HTML(w, x) })
		path := filepath.Join(t.TempDir(), "report.html")
		if err := os.WriteFile(path, page, 0o644); err != nil {
			t.Fatal(err)
		}
		for _, screen := range []struct {
			name          string
			width, height int
		}{{"desktop", 1280, 900}, {"narrow", 390, 844}} {
			name := row.name + "-" + screen.name
			b.screen(screen.width, screen.height)
			b.open("file://" + path)
			b.shoot(name)
			if over := b.number("document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("%s: the page is %g pixels wider than the screen", name, over)
			}
			b.readAs(name)
		}
	}
	for _, fault := range b.faults {
		t.Errorf("the browser reports: %s", fault)
	}
}

// readAs takes another axis, looks at a point and clicks it.
func (b *browser) readAs(name string) {
	b.t.Helper()
	const shown = `[...document.querySelectorAll("[data-axis]")].filter(p => p.checkVisibility()).map(p => p.dataset.axis).join()`
	if axes := b.text(shown); axes != "user" {
		b.t.Errorf("%s: the page opens with the axes %s", name, axes)
	}
	b.click(`document.querySelector("input[value=e2e]")`)
	if axes := b.text(shown); axes != "e2e" {
		b.t.Errorf("%s: the switch shows the axes %s", name, axes)
	}
	const point = `[...document.querySelectorAll("#axis-e2e a.point")].pop()`
	b.move(point)
	label := b.text(point + `.getAttribute("aria-label")`)
	if tip := b.text(`document.querySelector(".tip:not([hidden])").textContent`); tip != label || !strings.Contains(tip, "on the frontier") {
		b.t.Errorf("%s: the facts beside the point are %q, want %q", name, tip, label)
	}
	b.shoot(name + "-point")
	b.click(point)
	target := `document.getElementById(` + point + `.getAttribute("href").slice(1))`
	b.await(target + `.checkVisibility()`)
	b.await(`(r => r.top >= 0 && r.top <= innerHeight / 2)(` + target + `.getBoundingClientRect())`)
	b.shoot(name + "-cell")
}

// Without JavaScript every axis is on the page, and a point still leads to its cells.
func TestBrowserWithoutScriptsReadsThePage(t *testing.T) {
	b := startBrowser(t)
	cells := pageCells(2, 7, 4, plainName)
	page := written(t, func(w io.Writer) error { return pageFacts(t, cells).HTML(w, pageExtras(cells, "dynamo")) })
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, page, 0o644); err != nil {
		t.Fatal(err)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": true}, nil)
	b.screen(1280, 900)
	b.open("file://" + path)
	b.shoot("no-script")
	if panels := b.number(`[...document.querySelectorAll("[data-axis]")].filter(p => p.checkVisibility()).length`); panels != 3 {
		t.Errorf("%g axes are shown, want 3", panels)
	}
	if b.number(`document.getElementById("switch").checkVisibility() ? 1 : 0`) != 0 {
		t.Error("a switch is shown that does nothing")
	}
	const point = `document.querySelector("#axis-user a.point")`
	b.click(point)
	b.await(`document.getElementById(` + point + `.getAttribute("href").slice(1)).checkVisibility()`)
	b.await(`scrollY > 1000`)
	b.shoot("no-script-cell")
}
