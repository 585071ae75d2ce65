package gpu

import (
	"strings"
	"testing"
	"time"
)

func TestParseReadingsSkipsWhatIsNoSample(t *testing.T) {
	text := "2026/11/30 11:35:35.123, 0, 97, 4096, 512.30, 1980, 2619, 0x0000000000000004\n" +
		"WARNING: infoROM is corrupted at gpu 0000:01:00.0\n" +
		strings.Repeat("\x00", 40) + "\n" +
		"2026/11/30 11:35:35.124, 1, [N/A], 4096, [Not Supported], 1980, 2619\n" +
		"2026/11/30 11:35:36.124, 1, 5, 40" // cut off by the end
	got := ParseReadings(text)
	if len(got) != 2 {
		t.Fatalf("%d samples: %+v", len(got), got)
	}
	first, second := got[0], got[1]
	if want := time.Date(2026, 11, 30, 11, 35, 35, 123e6, time.UTC); !first.At.Equal(want) || first.Index != 0 {
		t.Errorf("got %v of GPU %d, want %v", first.At, first.Index, want)
	}
	if *first.Watts != 512.3 || *first.Busy != 97 || *first.Used != 4096 || *first.SM != 1980 || *first.Memory != 2619 {
		t.Errorf("got %+v", first)
	}
	if strings.Join(first.Slowed, " ") != "power cap" {
		t.Errorf("the mask is read as %q", first.Slowed)
	}
	if second.Watts != nil || second.Busy != nil || second.Slowed != nil {
		t.Errorf("open values are no numbers: %+v", second)
	}
}
