package tlsengine

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"testing"
)

// hellos are the seeds: what a client says first, whole and spoilt.
func hellos(f *testing.F) [][]byte {
	server, client := configs(0)
	p := newPair(f, server, client, NewTokens(1))
	p.wait()
	hello := bytes.Clone(p.client.Output())
	spoilt := bytes.Clone(hello)
	spoilt[len(spoilt)/2] ^= 0x40
	return [][]byte{hello, spoilt, hello[:50], append(hello, hello...),
		[]byte("GET / HTTP/1.1\r\n\r\n"), {21, 3, 3, 0, 2, 1, 0}, {22, 3, 1, 0, 4, 0, 0, 0, 0}}
}

// outcome feeds input in pieces, then its end, and says how it went.
func outcome(t *testing.T, cfg *tls.Config, input []byte, cut int) string {
	t.Helper()
	s := newServer(t, cfg)
	for len(input) > 0 && s.Handshaking() {
		n := min(max(cut, 1), len(input))
		s.Feed(input[:n])
		if got := s.in.size; got > maxInput {
			t.Fatalf("%d bytes unread", got)
		}
		input = input[n:]
	}
	s.FeedEnd()
	err := s.result()
	if err == nil {
		t.Fatal("a handshake without keys went well")
	}
	if got := s.OutputSize(); got > 64<<10 {
		t.Fatalf("output of %d bytes", got)
	}
	if s.in.head != nil {
		t.Fatal("input is kept after a failure")
	}
	s.Close()
	return err.Error()
}

// FuzzHandshake: no panic, bounded, and the same end however the bytes are cut.
func FuzzHandshake(f *testing.F) {
	for i, hello := range hellos(f) {
		f.Add(hello, i)
	}
	cfg, _ := configs(0)
	f.Fuzz(func(t *testing.T, input []byte, cut int) {
		whole, pieces := outcome(t, cfg, input, len(input)), outcome(t, cfg, input, cut)
		if whole != pieces {
			t.Errorf("whole: %s\nin pieces of %d: %s", whole, cut, pieces)
		}
	})
}

// afterwards feeds input to an established server.
func afterwards(t *testing.T, cfg [2]*tls.Config, input []byte, cut int) string {
	t.Helper()
	p := newPair(t, cfg[0], cfg[1], NewTokens(1)).shake()
	defer p.close()
	must(t, p.client.Write([]byte("good ")))
	p.carry(p.client, p.server)
	got, buffer := []byte(nil), make([]byte, 100)
	var err error
	for len(input) > 0 && err == nil {
		n := min(max(cut, 1), len(input))
		p.server.Feed(input[:n])
		input = input[n:]
		for n = 1; n > 0 && err == nil; {
			n, err = p.server.Read(buffer)
			got = append(got, buffer[:n]...)
		}
		if p.server.in.size > maxInput || p.server.OutputSize() > 2*maxAnswers {
			t.Fatalf("%d bytes in, %d out", p.server.in.size, p.server.OutputSize())
		}
	}
	return fmt.Sprintf("%q %v", got, err)
}

// FuzzRecords: the same for what comes after the handshake.
func FuzzRecords(f *testing.F) {
	f.Add([]byte{23, 3, 3, 0, 2, 1, 0}, 1, true)
	f.Add([]byte{21, 3, 3, 0, 2, 1, 0}, 2, false)
	f.Add([]byte{20, 3, 3, 0, 1, 1, 20, 3, 3, 0, 1, 1}, 3, true)
	f.Add([]byte{22, 3, 3, 0xff, 0xff, 0}, 4, false)
	f.Add([]byte("plain text"), 5, false)
	old := [2]*tls.Config{}
	old[0], old[1] = configs(tls.VersionTLS12)
	present := [2]*tls.Config{}
	present[0], present[1] = configs(tls.VersionTLS13)
	f.Fuzz(func(t *testing.T, input []byte, cut int, v12 bool) {
		cfg := present
		if v12 {
			cfg = old
		}
		whole, pieces := afterwards(t, cfg, input, len(input)), afterwards(t, cfg, input, cut)
		if whole != pieces {
			t.Errorf("whole: %s\nin pieces of %d: %s", whole, cut, pieces)
		}
	})
}

// FuzzQueue compares a queue with a plain buffer.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 10, 1, 5, 2, 200, 0, 255, 3, 9, 4, 1, 1, 255, 1, 255})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var q queue
		var model []byte
		next := byte(0)
		for i := 0; i+1 < len(steps) && i < 400; i += 2 {
			n := int(steps[i+1]) * int(steps[i+1])
			k := min(n, len(model))
			switch p := make([]byte, n); steps[i] % 5 {
			case 0, 1:
				for j := range p {
					p[j] = next
					next++
				}
				if steps[i]%5 == 0 {
					q.write(p, n/2)
				} else {
					var other queue
					other.write(p, n)
					q.join(&other)
				}
				model = append(model, p...)
			case 2:
				if got := q.read(p); !bytes.Equal(p[:got], model[:k]) {
					t.Fatalf("read %d bytes, want %d", got, k)
				}
				model = model[k:]
			case 3:
				q.discard(n)
				model = model[k:]
			case 4:
				if got := q.peek(p); !bytes.Equal(p[:got], model[:k]) {
					t.Fatalf("peeked %d bytes, want %d", got, k)
				}
			}
			if q.size != len(model) || (q.head == nil) != (len(model) == 0) ||
				!bytes.HasPrefix(model, q.front()) || (len(q.front()) == 0) != (len(model) == 0) {
				t.Fatalf("size %d, front of %d, want %d", q.size, len(q.front()), len(model))
			}
		}
		q.clear()
	})
}
