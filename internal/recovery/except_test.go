package recovery

import "testing"

// The agent of a run cleans its machine without its own run.
func TestCleanLeavesItsOwnRunAlone(t *testing.T) {
	temp := t.TempDir()
	own, err := Create(t.TempDir(), temp, "run-own")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Cleaner{Temp: temp}.Clean(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "run-own" {
		t.Fatalf("the run is not found at all: %+v, %v", all, err)
	}
	if all, err := (Cleaner{Temp: temp, Except: "run-own"}).Clean(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := own.Close(); err != nil {
		t.Error(err)
	}
}
