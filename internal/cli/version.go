package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version returns the release of this program, its Go version and its system.
func version() string {
	info, _ := debug.ReadBuildInfo() // nil: built without modules
	return fmt.Sprintf("topobench %s %s %s/%s", release(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// currentRelease is that of this program.
func currentRelease() string {
	info, _ := debug.ReadBuildInfo()
	return release(info)
}

// release returns the git tag, or time and commit ("v0.0.0-20261124171004-299e6ceccecc"), with "+dirty" for
// uncommitted changes. go build takes it from the checkout. Without a checkout, or with -buildvcs=false, it is "devel".
func release(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
