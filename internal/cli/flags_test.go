package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// --set PROFILE:KEY=VALUE names a profile as the command does, by its file, or by the name in it.
func TestSettingsFindTheirProfile(t *testing.T) {
	names := map[string]string{"dir/a.yaml": "fake-agg", "b.yaml": "b", "dir/b.yaml": "other", "demo-agg": "demo-agg", "broken.yaml": ""}
	nameOf := func(arg string) string { return names[arg] }
	for _, row := range []struct {
		args, set string
		want      map[string][]string
		fault     string
	}{
		{"dir/a.yaml b.yaml", "nice=1", map[string][]string{"dir/a.yaml": {"nice=1"}, "b.yaml": {"nice=1"}}, ""},
		{"dir/a.yaml b.yaml", "dir/a.yaml:nice=1", map[string][]string{"dir/a.yaml": {"nice=1"}}, ""},
		{"dir/a.yaml b.yaml", "a.yaml:nice=1", map[string][]string{"dir/a.yaml": {"nice=1"}}, ""},
		{"dir/a.yaml b.yaml", "fake-agg:nice=1", map[string][]string{"dir/a.yaml": {"nice=1"}}, ""},
		{"demo-agg b.yaml", "demo-agg:env.A=b:c", map[string][]string{"demo-agg": {"env.A=b:c"}}, ""},
		{"b.yaml dir/b.yaml", "b.yaml:nice=1", map[string][]string{"b.yaml": {"nice=1"}}, ""}, // as the command has it
		{"b.yaml b.yaml", "b:nice=1", map[string][]string{"b.yaml": {"nice=1"}}, ""},
		{"x/b.yaml dir/b.yaml", "b.yaml:nice=1", map[string][]string{},
			"--set b.yaml:...: the command names x/b.yaml and dir/b.yaml by that: write the path before the colon"},
		{"dir/a.yaml broken.yaml demo-agg", "typo:nice=1", map[string][]string{},
			"--set typo:...: the command names no profile typo, but dir/a.yaml (fake-agg) and broken.yaml and demo-agg"},
	} {
		got, err := setFlag{[]string{row.set}}.by(strings.Fields(row.args), nameOf)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, %s (-want +got): %s", row.args, row.set, diff)
		}
		if err == nil != (row.fault == "") || err != nil && err.Error() != row.fault {
			t.Errorf("%s, %s: %v, want %s", row.args, row.set, err, row.fault)
		}
	}
}
