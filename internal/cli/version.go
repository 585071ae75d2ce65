package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the Makefile (-ldflags -X); a plain go build has none.
var release = "devel"

func version() string {
	text := fmt.Sprintf("topobench %s %s %s/%s", release, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text += " " + s.Value
		}
	}
	return text
}
