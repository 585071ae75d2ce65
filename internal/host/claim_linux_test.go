package host

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestAClaimIsSeenAndNamesItsHolder(t *testing.T) {
	key := fmt.Sprintf("test-%d-%d", os.Getpid(), time.Now().UnixNano())
	all := []Resource{{key + "b", "port 2"}, {key + "a", "port 1"}, {key + "b", "port 2"}}
	release, err := Claim(all)
	if err != nil {
		t.Fatal(err)
	}
	holder := fmt.Sprintf(" (process %d)", os.Getpid())
	_, err = Claim([]Resource{{key + "c", "port 3"}, {key + "b", "port two"}})
	if taken, is := errors.AsType[*TakenError](err); !is || taken.Name != "port two" || taken.Holder != holder {
		t.Errorf("got %v", err)
	}
	if taken := Claimed(append(all, Resource{key + "c", "port 3"})); len(taken) != 2 || taken[0].Name != "port 1" {
		t.Errorf("claimed: %v", taken)
	}
	release()
	if taken := Claimed(all); len(taken) > 0 {
		t.Errorf("after the release: %v", taken)
	}
}
