package worker_test

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
)

// Every message of a storm says who sent it, which one it is, and has a pattern
// that shows where bytes were lost: <stream.number:length:pattern>.

// streams is the account of everybody who sends. Safe for concurrent use.
type streams struct {
	mu   sync.Mutex // guards the rest
	all  []*stream
	errs []string
}

// stream is what one sender sent in one life. Guarded by streams.mu.
type stream struct {
	who     string
	fate    []fate
	loose   bool // it went past the protocol, or its protocol changed
	got     string
	outside bool // its receiver is not a stream: it may be found anywhere
}

type fate uint8

const (
	accepted fate = iota
	unsure
	refusedToo
)

func (s *streams) fail(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed(format, a...)
}

// failed is fail for those who hold the lock.
func (s *streams) failed(format string, a ...any) {
	if len(s.errs) < 10 {
		s.errs = append(s.errs, fmt.Sprintf(format, a...))
	}
}

// open begins a stream.
func (s *streams) open(who string) (id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, &stream{who: who})
	return len(s.all) - 1
}

// next makes a message of n bytes of pattern.
func (s *streams) next(id, n int, f fate) (message []byte, number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.all[id]
	number = len(st.fate)
	st.fate = append(st.fate, f)
	message = fmt.Appendf(nil, "<%d.%d:%d:", id, number, n)
	return append(append(message, stretch(id, number, n)...), '>'), number
}

func (s *streams) settle(id, number int, f fate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id].fate[number] = f
}

func (s *streams) loosen(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id].loose = true
}

var letters = bytes.Repeat([]byte("abcdefghijklmnopqrstuvwxyz"), 12000)

func stretch(id, number, n int) []byte {
	from := (id*7 + number) % 26
	return letters[from : from+n]
}

// check looks at all that one receiver got, strictly unless its protocol changed
// in the middle of a message.
func (s *streams) check(receiver string, data []byte, strict bool) {
	last := map[int]int{}
	for {
		at := bytes.IndexByte(data, '<')
		if at < 0 {
			break
		}
		data = data[at+1:]
		id, number, rest, ok := s.parse(data)
		if !ok {
			if rest == nil {
				break // cut off by the end
			}
			if strict && len(data) > 0 && '0' <= data[0] && data[0] <= '9' {
				s.fail("%s got a broken message %.60q", receiver, data)
				return
			}
			continue
		}
		data = rest
		s.note(receiver, id, number, last)
	}
	if strict && len(last) > 1 {
		s.fail("%s got bytes of %d streams", receiver, len(last))
	}
}

// parse reads a message; rest is nil when its end has not come.
func (s *streams) parse(p []byte) (id, number int, rest []byte, ok bool) {
	fields := bytes.SplitN(p[:min(len(p), 40)], []byte{':'}, 3)
	if len(fields) < 3 {
		if len(p) < 40 {
			return 0, 0, nil, false
		}
		return 0, 0, p, false
	}
	name, seq, _ := bytes.Cut(fields[0], []byte{'.'})
	id, err1 := strconv.Atoi(string(name))
	number, err2 := strconv.Atoi(string(seq))
	n, err3 := strconv.Atoi(string(fields[1]))
	s.mu.Lock()
	known := err1 == nil && err2 == nil && err3 == nil && id < len(s.all) &&
		number < len(s.all[id].fate) && n < 300000
	s.mu.Unlock()
	if !known {
		return 0, 0, p, false
	}
	body := p[len(fields[0])+len(fields[1])+2:]
	want := stretch(id, number, n)
	if len(body) <= n {
		if bytes.Equal(body, want[:len(body)]) {
			return 0, 0, nil, false
		}
		return 0, 0, p, false
	}
	return id, number, body[n+1:], bytes.Equal(body[:n], want) && body[n] == '>'
}

// note takes one message into account.
func (s *streams) note(receiver string, id, number int, last map[int]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.all[id]
	if st.outside {
		return
	}
	if st.got == "" {
		st.got = receiver
	}
	if st.got != receiver {
		s.failed("bytes of %s reached %s and %s", st.who, st.got, receiver)
	}
	before, seen := last[id]
	if !seen {
		before = -1
	}
	last[id] = number
	if st.loose {
		return
	}
	if number <= before {
		s.failed("%s got message %d of %s behind %d", receiver, number, st.who, before)
	}
	if st.fate[number] == refusedToo {
		s.failed("%s got message %d of %s, which was refused", receiver, number, st.who)
	}
	for i := before + 1; i < number; i++ {
		if st.fate[i] == accepted {
			s.failed("%s got message %d of %s without %d, which was taken",
				receiver, number, st.who, i)
		}
	}
}
