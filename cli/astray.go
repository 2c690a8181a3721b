package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
)

// tellAstray tells the user that a binary which stands among apps runs as it is.
func (in *invocation) tellAstray() {
	info, known := debug.ReadBuildInfo()
	self, err := in.standing()
	if in.noBuild || !known || err != nil {
		return
	}
	if why := astray(self, info); why != "" {
		in.complain("%s: running the apps compiled into it", why)
	}
}

// astray says why the binary target is not built anew although it stands among
// apps; empty for one that stands alone.
func astray(target string, info *debug.BuildInfo) string {
	root := appsAbove(filepath.Dir(target))
	if root == "" {
		return ""
	}
	switch module := modulePath(root); {
	case module == "":
		return fmt.Sprintf("%s stands among apps without a go.mod in %s (go mod init %s makes one)",
			target, root, info.Main.Path)
	case info.Main.Path == "":
		return fmt.Sprintf("%s was built from a list of files, so its apps are not built (go build "+
			"-o %s . is the way)", target, target)
	case module != info.Main.Path:
		return fmt.Sprintf("%s was built from %s, the apps in %s belong to %s", target,
			info.Main.Path, root, module)
	}
	return ""
}

// appsAbove is the nearest folder from dir upwards that has a list of apps.
func appsAbove(dir string) string {
	for {
		if _, err := os.Stat(filepath.Join(dir, "apps", "all.go")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
