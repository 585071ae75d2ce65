//go:build browser

package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/programs"
)

// browser is a headless Chromium that is driven through two pipes, in JSON that ends with a zero byte.
type browser struct {
	t       *testing.T
	to      *os.File
	from    *bufio.Reader
	session string
	calls   int
	loaded  bool
	faults  []string // refused content, errors of scripts, dialogs and requests to other places
}

// patience bounds the answer to a call, on a machine that is busy.
const patience = 60 * time.Second

// findBrowser is the Chromium of this machine, or the one that setup.sh has unpacked.
func findBrowser(t *testing.T) string {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	unpacked := filepath.Join(programs.CacheDir(os.Getenv), "debs", "browser", "chromium")
	if _, err := os.Stat(unpacked); err != nil {
		t.Skip("no Chromium is on PATH, and this system has no package chromium-headless-shell to unpack: the page " +
			"was not opened in a browser")
	}
	return unpacked
}

// startBrowser starts a browser with one empty page.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	reads, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, writes, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The sandbox needs user namespaces, which containers often forbid; the page is our own.
	cmd := exec.Command(findBrowser(t), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir())
	var output bytes.Buffer
	cmd.Stderr, cmd.ExtraFiles = &output, []*os.File{reads, writes}
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reads.Close()
	writes.Close()
	b := &browser{t: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		b.session = ""
		b.call("Browser.close", nil, nil)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the browser ended with %v: %s", err, output.String())
		}
		to.Close()
		from.Close()
	})
	if err := from.SetReadDeadline(time.Now().Add(10 * patience)); err != nil {
		t.Fatal(err)
	}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// message is an answer or an event.
type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// call makes a call and waits for its answer.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.calls++
	if params == nil {
		params = map[string]any{}
	}
	data, err := json.Marshal(map[string]any{"id": b.calls, "method": method, "params": params, "sessionId": b.session})
	if err != nil {
		b.t.Fatal(err)
	}
	if b.session == "" {
		data = bytes.ReplaceAll(data, []byte(`,"sessionId":""`), nil)
	}
	if _, err := b.to.Write(append(data, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.next()
		if m.ID != b.calls {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// next reads a message, and notes what a page must not do.
func (b *browser) next() (m message) {
	b.t.Helper()
	data, err := b.from.ReadBytes(0)
	if err == nil {
		err = json.Unmarshal(bytes.TrimSuffix(data, []byte{0}), &m)
	}
	if err != nil {
		b.t.Fatalf("cannot read from the browser: %v", err)
	}
	switch m.Method {
	case "Page.loadEventFired":
		b.loaded = true
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening":
		b.faults = append(b.faults, m.Method+" "+string(m.Params))
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		if err := json.Unmarshal(m.Params, &sent); err != nil || !strings.HasPrefix(sent.Request.URL, "file:") {
			b.faults = append(b.faults, "a request to "+sent.Request.URL)
		}
	}
	return m
}

func (b *browser) screen(width, height int) {
	b.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// open loads a page and waits until it is complete.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.loaded = false
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for !b.loaded || b.text("location.protocol") != "file:" {
		b.next()
	}
	b.await(`document.readyState === "complete"`)
}

// evaluate is the value of an expression in the page.
func (b *browser) evaluate(expression string, value any) {
	b.t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if answer.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Exception.Description)
	}
	if err := json.Unmarshal(answer.Result.Value, value); err != nil {
		b.t.Fatalf("%s: %s: %v", expression, answer.Result.Value, err)
	}
}

func (b *browser) text(expression string) (value string) {
	b.t.Helper()
	b.evaluate(expression, &value)
	return value
}

func (b *browser) number(expression string) (value float64) {
	b.t.Helper()
	b.evaluate(expression, &value)
	return value
}

// await waits until an expression is true.
func (b *browser) await(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); ; {
		var is bool
		if b.evaluate(expression, &is); is {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("after %v this is not true: %s", patience, expression)
		}
	}
}

// move puts the mouse on an element, which it scrolls into view.
func (b *browser) move(element string) (x, y float64) {
	b.t.Helper()
	var at [2]float64
	b.evaluate(fmt.Sprintf(`(e => { e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })(%s)`, element), &at)
	b.call("Input.dispatchMouseEvent", map[string]any{"type": "mouseMoved", "x": at[0], "y": at[1]}, nil)
	return at[0], at[1]
}

func (b *browser) click(element string) {
	b.t.Helper()
	x, y := b.move(element)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		b.call("Input.dispatchMouseEvent",
			map[string]any{"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}, nil)
	}
}
