package plan

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"topobench/internal/programs"
)

const nobody = 65534

// The real nginx must take both renderings, as this user and as one who owns
// nothing but the prefix.
func TestNginxTakesTheFile(t *testing.T) {
	found, err := programs.Search{Getenv: os.Getenv}.Find(programs.Nginx)
	if err != nil {
		t.Skipf("nginx is not here (make tools): %v", err)
	}
	users := map[string]*syscall.Credential{"as oneself": nil}
	if os.Geteuid() == 0 {
		users["as nobody"] = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	for user, credential := range users {
		for _, config := range []string{"guide", "tuned"} {
			t.Run(config+" "+user, func(t *testing.T) {
				prefix := publicDir(t)
				nginx := filepath.Join(prefix, "nginx") // its own directory may be closed to nobody
				copyProgram(t, found[programs.Nginx].Path, nginx)
				v := values()
				v.Prefix, v.Spool, v.Listen = prefix, prefix, "127.0.0.1:21690"
				text, err := nginxConf(config, v)
				if err != nil {
					t.Fatal(err)
				}
				conf := filepath.Join(prefix, "nginx.conf")
				if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				if credential != nil {
					give(t, prefix)
				}
				globals := "daemon off; pid " + prefix + "/nginx.pid;"
				for _, args := range [][]string{{"-e", "stderr", "-g", globals}, {"-g", "error_log stderr; " + globals}} {
					check := exec.Command(nginx, append([]string{"-t", "-p", prefix + "/", "-c", conf}, args...)...)
					check.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
					if out, err := check.CombinedOutput(); err != nil {
						t.Errorf("%q: %v\n%s\n%s", args, err, out, text)
					}
				}
			})
		}
	}
}

// publicDir is a directory that every user can reach; t.TempDir is not.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "topobench-nginx-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// give makes nobody the owner of a directory and what is in it.
func give(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}
