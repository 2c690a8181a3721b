package webserver

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkFile is one client that asks for the same file again and again.
func BenchmarkFile(b *testing.B) {
	for name, size := range map[string]int{"1KB": 1 << 10, "1MB": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			dir := files(b, map[string]string{"file.txt": strings.Repeat("x", size)})
			addr := serve(b, func(s *WebServer) { s.AddRoot("", dir) })
			conn := dial(b, addr)
			defer conn.Close()
			request := []byte("GET /file.txt HTTP/1.1\r\nHost: a\r\n\r\n")
			_, err := conn.Write(request)
			must(b, err)
			in := bufio.NewReader(conn)
			response, err := http.ReadResponse(in, nil)
			must(b, err)
			_, err = io.Copy(io.Discard, response.Body)
			must(b, err)
			again := make([]byte, answerSize(b, addr))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(in, again); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// answerSize is the length of an answer, head included.
func answerSize(b *testing.B, addr string) int64 {
	b.Helper()
	conn := dial(b, addr)
	defer conn.Close()
	// The head is as long as that of an answer that keeps the connection but for
	// the value of Connection.
	_, err := io.WriteString(conn, "GET /file.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	must(b, err)
	n, err := io.Copy(io.Discard, conn)
	must(b, err)
	return n + int64(len("keep-alive")-len("close"))
}
