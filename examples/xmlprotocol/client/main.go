// Client sends a module and an action to the server of example xmlprotocol and
// prints the answer.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"

	"github.com/workerman-go/wm/examples/xmlprotocol"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("use client MODULE ACTION")
	}
	conn, err := net.Dial("tcp", "127.0.0.1:1236")
	if err != nil {
		log.Fatal(err)
	}
	request := xmlprotocol.Request{Module: os.Args[1], Action: os.Args[2]}
	frame, err := xmlprotocol.Protocol[xmlprotocol.Request]{}.Encode(nil, request, nil)
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

// read returns the XML of one frame.
func read(conn net.Conn) ([]byte, error) {
	header := make([]byte, 10)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, err
	}
	length, err := strconv.ParseInt(string(header), 10, 64) // the header included
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(conn, length-int64(len(header))))
}
