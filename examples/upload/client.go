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

// ErrUsage says that the client was called without a file.
var ErrUsage = errors.New("use client FILE_PATH")

// Client is the program of both clients: it sends the file that args name to
// the server at address as p encodes it and prints the answer to out.
func Client(address string, p protocol.Protocol, args []string, out io.Writer) error {
	if len(args) != 1 {
		return ErrUsage
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
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	reply := make([]byte, maxReplyBytes)
	n, err := conn.Read(reply)
	if errors.Is(err, io.EOF) {
		err = errors.New("the server has closed the connection without an answer")
	}
	return reply[:n], err
}
