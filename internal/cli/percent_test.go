package cli

import "testing"

func TestPercent(t *testing.T) {
	for text, want := range map[string]percent{"3%": 0.03, "3 %": 0.03, " 2.5% ": 0.025, "0.03": 0.03, "50%": 0.5} {
		var p percent
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want || p.check("precision") != nil {
			t.Errorf("%q: got %v, %v, %v, want %v", text, p, err, p.check("precision"), want)
		}
	}
	for _, text := range []string{"", "%", "three", "3%%", "3 percent"} {
		if err := new(percent).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for a percentage", text)
		}
	}
	for _, text := range []string{"0", "0%", "3", "51%", "-3%", "nan%", "inf"} { // 3 would be 300 %
		var p percent
		if err := p.UnmarshalText([]byte(text)); err != nil || p.check("precision") == nil {
			t.Errorf("%q: got %v, %v, want a fault of the range", text, p, err)
		}
	}
}
