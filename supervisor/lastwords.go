package supervisor

import (
	"os"
	"strings"
	"sync"
)

// maxLastWords is how much of a crash output is kept for each process.
const maxLastWords = 16 << 10

// lastWords collects what a process writes to its crash pipe. The first bytes
// are kept: a Go trace names the cause first.
type lastWords struct {
	mu   sync.Mutex // guards text
	text []byte
	done chan struct{} // closed when the pipe has ended
}

// listenToLastWords reads pipe until the process has closed its end; drained
// is called then.
func listenToLastWords(pipe *os.File, drained func()) *lastWords {
	w := &lastWords{done: make(chan struct{})}
	go func() { // ends with the process, which holds the only write end
		defer drained()
		defer close(w.done)
		defer pipe.Close()
		buf := make([]byte, 4096)
		for {
			n, err := pipe.Read(buf)
			w.mu.Lock()
			w.text = append(w.text, buf[:min(n, maxLastWords-len(w.text))]...)
			w.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return w
}

// String returns what was said so far, without trailing blank lines.
func (w *lastWords) String() string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimRight(string(w.text), "\n")
}

// ended tells whether the pipe has ended.
func (w *lastWords) ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}
