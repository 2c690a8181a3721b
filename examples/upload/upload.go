// Package upload is what the two file transfer examples share: the File that
// both protocols deliver, the callback that saves it, and the client. Only the
// protocol differs.
package upload

import (
	"context"
	"errors"

	"github.com/workerman-go/wm/protocol"
	"github.com/workerman-go/wm/worker"
)

// File is what a client uploads. The tags are for TextTransfer; encoding/json
// makes base64 of bytes.
type File struct {
	Name string `json:"file_name"`
	Data []byte `json:"file_data"`
}

// ErrTooLarge is what Input returns for a file above the maximum package size:
// the client is told.
var ErrTooLarge = &protocol.Reject{
	Why:   "upload: file above the maximum package size",
	Reply: []byte("upload failed: file too large"),
}

// Saver makes an OnValue that saves files into folder and answers where they
// are (features.md 24.5). Disks are slow, so it saves off the loop, one file of a connection at a
// time: answers keep the order of the files.
func Saver(folder string) func(c *worker.Connection, f File) {
	return func(c *worker.Connection, f File) {
		c.PauseRecv()
		save := func(context.Context) (string, error) { return Save(folder, f) }
		worker.Go(c.Context(), save, func(path string, err error) {
			c.Send(answer(path, err))
			c.ResumeRecv()
		})
	}
}

// answer tells a client of its mistakes, and the log of ours.
func answer(path string, err error) string {
	switch {
	case err == nil:
		return "upload success. save path " + path
	case errors.Is(err, errName):
		return "upload failed: bad file name"
	}
	worker.Log("upload: %v", err)
	return "upload failed: the server cannot save it"
}
