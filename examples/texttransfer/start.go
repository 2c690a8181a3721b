// Package texttransfer uploads files as lines of JSON. Only the protocol differs
// from binarytransfer. Try
//
//	go run ./examples/texttransfer/server start
//	go run ./examples/texttransfer/client README.md
package texttransfer

import (
	"os"

	"github.com/workerman-go/wm/examples/upload"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker that saves files into the folder for temporary files,
// $TMPDIR or /tmp.
func Start() {
	protocol.Register("TextTransfer", Protocol{})
	w := worker.New("TextTransfer://127.0.0.1:8333")
	w.Name = "texttransfer"
	w.OnValue = worker.Value(upload.Saver(os.TempDir()))
}
