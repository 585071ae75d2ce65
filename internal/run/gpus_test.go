package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/ui"
)

func TestWhenFreeGivesUp(t *testing.T) {
	c := &Runner{Options: Options{Screen: ui.New(ui.Options{Out: new(strings.Builder), Now: time.Now})}}
	defer c.Screen.Close()
	busy, broken := &deploy.GPUsBusyError{}, errors.New("broken")
	for _, row := range []struct {
		why  string
		says error
	}{{"they are busy, and nobody waits", busy}, {"it cannot be told", broken}, {"they are free", nil}} {
		asked := 0
		err := c.whenFree(context.Background(), func() error {
			asked++
			return row.says
		})
		if err != row.says || asked != 1 {
			t.Errorf("%s: %v after %d tries", row.why, err, asked)
		}
	}
}
