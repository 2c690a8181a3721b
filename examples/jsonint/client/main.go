// Client sends its arguments to the server of example jsonint and prints what
// comes back.
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"

	"github.com/workerman-go/wm/examples/jsonint"
)

func main() {
	log.SetFlags(0)
	conn, err := net.Dial("tcp", "127.0.0.1:1235")
	if err != nil {
		log.Fatal(err)
	}
	message := jsonint.Message{Type: "message", Content: strings.Join(os.Args[1:], " ")}
	frame, err := jsonint.Protocol[jsonint.Message]{}.Encode(nil, message, nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := conn.Write(frame); err != nil {
		log.Fatal(err)
	}
	reply, err := read(conn)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply)
}

// read returns the JSON of one frame.
func read(conn net.Conn) ([]byte, error) {
	var length uint32 // of the frame, these four bytes included
	if err := binary.Read(conn, binary.BigEndian, &length); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(conn, int64(length)-4))
}
