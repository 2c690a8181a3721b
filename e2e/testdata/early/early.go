// Package early is added to the web app by the build whose package init hangs,
// see upgrade_init_test.go. It imports nothing of wm, and its path comes before
// all of wm that it could wait for.
package early

import (
	"os"
	"strings"
)

// E2E_EVIL is a file with "early ACTION", which is removed when this image is
// about to take over a master: what follows goes well.
func init() {
	adopts := strings.Contains(os.Getenv("_WM_HANDOVER"), `"image":`) &&
		!strings.Contains(os.Getenv("_WM_HANDOVER"), `"image":-1`)
	path := os.Getenv("E2E_EVIL")
	text, err := os.ReadFile(path)
	if !adopts || err != nil {
		return
	}
	action, found := strings.CutPrefix(strings.TrimSpace(string(text)), "early ")
	if !found || os.Remove(path) != nil {
		return
	}
	switch action {
	case "hang":
		select {}
	case "spin":
		for n := 0; ; n++ {
			_ = n
		}
	default:
		panic("no such evil: " + action)
	}
}
