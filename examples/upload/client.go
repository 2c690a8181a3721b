package upload

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/workerman-go/wm/protocol"
)

// maxReplyBytes is what the client takes of an answer.
const maxReplyBytes = 8 << 10

var (
	errUsage  = errors.New("use client FILE_PATH")
	errNoWord = errors.New("the server has closed the connection without an answer")
)

// Client is the program of both clients: it sends the file that args name to
// the server at address as p encodes it and prints the answer to out
// (features.md 24.6, 24.8).
func Client(address string, p protocol.Protocol, args []string, out io.Writer) error {
	if len(args) != 1 {
		return errUsage
	}
	data, err := os.ReadFile(args[0])
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s not exist", args[0])
	} else if err != nil {
		return err
	}
	frame, err := p.Encode(nil, File{Name: filepath.Base(args[0]), Data: data}, nil)
	if err != nil {
		return err
	}
	reply, err := exchange(address, frame)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", reply)
	return err
}

// exchange sends a frame and returns the answer. An answer has no end mark, as
// in the manual; it is short enough to come in one piece.
func exchange(address string, frame []byte) ([]byte, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_, failed := conn.Write(frame) // a server that refuses may answer before the end of it
	reply := make([]byte, maxReplyBytes)
	n, err := conn.Read(reply)
	switch {
	case n > 0:
		return reply[:n], nil
	case failed != nil:
		return nil, failed
	case errors.Is(err, io.EOF):
		return nil, errNoWord
	}
	return nil, err
}
