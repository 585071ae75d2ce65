package artifacts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// C23: the probe finds that a real FUSE file system refuses chmod, and a run publishes there nevertheless.
func TestC23PublishingOnFUSE(t *testing.T) {
	if _, err := exec.LookPath("bindfs"); err != nil {
		t.Skip("bindfs is not installed")
	}
	inNamespace(t, "fuse")
}

// onFUSE mounts bindfs --chmod-deny, which only this process sees, and publishes a cell on it.
func onFUSE(dir string) error {
	source, root := filepath.Join(dir, "source"), filepath.Join(dir, "root")
	if err := errors.Join(os.Mkdir(source, 0o700), os.Mkdir(root, 0o700)); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("skip: cannot mount on this system: %w", err)
	}
	// It returns when the file system is mounted; its server ends with the mount.
	if out, err := exec.Command("bindfs", "--chmod-deny", "--no-allow-other", source, root).CombinedOutput(); err != nil {
		return fmt.Errorf("skip: cannot mount FUSE on this system: %w: %s", err, out)
	}
	return errors.Join(publishOn(root), syscall.Unmount(root, 0))
}

func publishOn(root string) error {
	if a := Try(root); a.Chmod == nil || a.Write != nil || a.Rename != nil {
		return fmt.Errorf("the probe found %+v", a)
	}
	dir, err := Create(root, "run")
	if err != nil {
		return err
	}
	attempt, err := dir.Attempt(CellID{"a", 1, 1}, 1)
	if err != nil {
		return err
	}
	next, err := dir.NextArtifacts()
	if err != nil {
		return err
	}
	if err := WriteFile(filepath.Join(attempt, "export.json"), []byte("{}"), 0o600); err != nil {
		return err
	}
	if err := Publish(attempt, next.Cell(1), []byte("{}")); err != nil {
		return err
	}
	for _, name := range []string{"export.json", "topobench.json"} {
		if data, err := os.ReadFile(filepath.Join(next.Cell(1), name)); err != nil || string(data) != "{}" {
			return fmt.Errorf("%s is %q (%w)", name, data, err)
		}
	}
	return nil
}
