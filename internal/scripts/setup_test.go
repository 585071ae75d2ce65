package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pythonStub is an interpreter of one minor version; "venv" in OKAY makes it fit, and each environment it is to
// build is noted and fails.
const pythonStub = `#!/bin/sh
case "$*" in
--version) echo "Python 3.MINOR.1" ;;
*"version_info[1]"*) echo MINOR ;;
*version_info*) [ -n "OKAY" ] ;;
*venv*) echo "$0" >>"$NOTES"; exit 1 ;;
esac
`

// Ubuntu 22.04 has Python 3.10, and the pinned packages need 3.11.
func TestSetupTakesThePythonThatFits(t *testing.T) {
	for _, row := range []struct {
		why     string
		pythons map[string]string // minor version by name; with + the venv module is there
		builds  string            // name of the interpreter that builds the environments
		want    string            // of the message, where none does
	}{
		{"python3 fits", map[string]string{"python3": "12+"}, "python3", ""},
		{"Ubuntu 22.04 with the package", map[string]string{"python3": "10+", "python3.11": "11+"}, "python3.11", ""},
		{"Ubuntu 22.04", map[string]string{"python3": "10+"}, "", "(found: Python 3.10.1)\n  on Debian or Ubuntu: apt-get install -y python3.11 python3.11-venv"},
		{"without venv", map[string]string{"python3": "12"}, "", "(found: Python 3.12.1)\n  on Debian or Ubuntu: apt-get install -y python3 python3-venv"},
		{"too new", map[string]string{"python3": "14+"}, "", "apt-get install -y python3.11 python3.11-venv"},
	} {
		t.Run(row.why, func(t *testing.T) {
			dir := t.TempDir()
			bin, notes := filepath.Join(dir, "bin"), filepath.Join(dir, "notes")
			stub := func(name, text string) {
				if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(bin, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"go", "git", "gcc", "make"} {
				stub(name, "#!/bin/sh\n")
			}
			for _, name := range []string{"python3", "python3.11", "python3.12", "python3.13"} {
				minor, okay := strings.CutSuffix(row.pythons[name], "+")
				fits := map[bool]string{true: "venv"}[okay && (minor == "11" || minor == "12")]
				stub(name, strings.NewReplacer("MINOR", minor, "OKAY", fits).Replace(pythonStub))
			}
			setup := exec.Command("bash", "setup.sh", "demo")
			setup.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir, "TOPOBENCH_CACHE=" + dir + "/cache", "NOTES=" + notes}
			output, err := setup.CombinedOutput()
			if err == nil || !strings.Contains(string(output), row.want) {
				t.Errorf("%v: %s\nwant %q", err, output, row.want)
			}
			noted, _ := os.ReadFile(notes) // there is none if nothing was built
			built := ""
			if names := strings.Fields(string(noted)); len(names) > 0 {
				built = filepath.Base(names[0])
			}
			if built != row.builds {
				t.Errorf("%q builds the environments, want %q", built, row.builds)
			}
		})
	}
}
