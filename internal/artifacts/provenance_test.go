package artifacts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every launch has a file of its own, also one that goes on in the directory of another.
func TestEachLaunchHasItsProvenance(t *testing.T) {
	dir := t.TempDir()
	if all, err := ReadProvenance(dir); len(all) > 0 || err != nil {
		t.Errorf("a tree of others: %v, %v", all, err)
	}
	for launch := 1; launch <= 3; launch++ {
		if err := WriteProvenance(dir, Provenance{Name: "a", Launch: launch, Facts: Values{"CUDA": "13.0"}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ReadProvenance(dir)
	if err != nil || len(all) != 3 || all[0].Schema != ProvenanceSchema || all[2].Launch != 3 || all[1].Facts["CUDA"] != "13.0" {
		t.Errorf("%v, %+v", err, all)
	}
	if _, err := os.Stat(filepath.Join(dir, "provenance-2.json")); err != nil {
		t.Error(err)
	}
	newer := []byte(`{"schema": 99, "name": "a"}`)
	if err := os.WriteFile(filepath.Join(dir, ProvenanceName(1)), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadProvenance(dir); err == nil || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("a newer schema: %v", err)
	}
}

// The facts of launches are compared as settings of the machine; those of two launches in one directory are both named.
func TestFactsAreCompared(t *testing.T) {
	dir := t.TempDir()
	for _, kernel := range []string{"6.8", "6.11", "6.8"} {
		facts := Values{"kernel": kernel, "CUDA": "13.0", "driver": "of the provenance"}
		if err := WriteProvenance(dir, Provenance{Facts: facts}); err != nil {
			t.Fatal(err)
		}
	}
	d := Deployment{Name: "a", Settings: Values{"dtype": "auto"}, Machine: Values{"driver": "580"}}
	if err := d.addFacts(dir); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Values{"driver": "580", "kernel": "6.8 or 6.11", "CUDA": "13.0"}, d.Machine); diff != "" {
		t.Error(diff)
	}
	other := Deployment{Name: "b", Settings: Values{"dtype": "auto"}, Machine: Values{"driver": "580", "kernel": "6.8"}}
	if diff := cmp.Diff([]string{"kernel"}, CompareSettings([]Deployment{d, other}).Differ); diff != "" {
		t.Error(diff)
	}
}
