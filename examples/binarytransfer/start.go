// Package binarytransfer uploads files in a binary protocol. Try
//
//	go run ./examples/binarytransfer/server start
//	go run ./examples/binarytransfer/client README.md
package binarytransfer

import (
	"os"

	"github.com/workerman-go/wm/examples/upload"
	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// Start declares a Worker that saves files into the folder for temporary files,
// $TMPDIR or /tmp.
func Start() {
	protocol.Register("BinaryTransfer", Protocol{})
	w := worker.New("BinaryTransfer://127.0.0.1:8333")
	w.Name = "binarytransfer"
	w.OnValue = worker.Value(upload.Saver(os.TempDir()))
}
