package gpu

import "testing"

func TestAUserWithoutANameHasANumber(t *testing.T) {
	for uid, want := range map[uint32]string{0: "root", 3999999999: "user 3999999999"} {
		if got := userName(uid); got != want {
			t.Errorf("%d: %q, want %q", uid, got, want)
		}
	}
}
