package agent

import (
	"strings"
	"testing"
	"time"
)

// A login may have a TMPDIR of its own: the agent of a recovery looks where the lost one had its record.
func TestARecoveryLooksWhereTheLostAgentWas(t *testing.T) {
	for temp, want := range map[string]string{
		"/scratch/of me/tb-1": `agent --run r-node1 --grace 30s --recover --temp "/scratch/of me"`,
		"/a$(id)/tb-1":        "agent --run r-node1 --grace 30s --recover", // the shell would change it
	} {
		d := Dial{Run: "r-node1", Grace: 30 * time.Second}.After(Hello{Temp: temp})
		d.Recover = true
		if got := strings.Join(d.args(), " "); got != want {
			t.Errorf("%s: got %s, want %s", temp, got, want)
		}
	}
}
