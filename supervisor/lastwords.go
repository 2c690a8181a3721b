package supervisor

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
)

const (
	maxLastWords = 16 << 10 // of a process's standard error that are kept
	maxHead      = 16       // of a line that are looked at; no verdict is longer
)

// verdicts begin the lines with which the Go runtime says why it ends the
// process. What follows is kept from there on, because the cause comes first.
var verdicts = [][]byte{
	[]byte("panic: "), []byte("fatal error: "), []byte("runtime: "), []byte("SIG"),
}

// lastWords keeps the end of what a process writes to its standard error, and
// passes all of it on. Not debug.SetCrashOutput: the first line of a fatal
// error, which is its cause, does not come there, and nor does log.Fatal.
type lastWords struct {
	mu    sync.Mutex // guards the fields below
	text  []byte
	said  bool          // text begins with a verdict
	head  []byte        // beginning of the present line
	found bool          // the present line is a verdict
	done  chan struct{} // closed when the pipe has ended
}

// listenToLastWords reads pipe until the process has closed its end; drained
// is called then.
func listenToLastWords(pipe *os.File, to io.Writer, drained func()) *lastWords {
	w := &lastWords{done: make(chan struct{})}
	go func() { // ends with the process and those that have inherited the pipe
		defer drained()
		defer close(w.done)
		defer pipe.Close()
		buf := make([]byte, 16<<10)
		for {
			n, err := pipe.Read(buf)
			w.keep(buf[:n])
			// A terminal or file that takes nothing loses it.
			_, _ = to.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return w
}

// keep takes a piece apart into lines; a line may come in several pieces.
func (w *lastWords) keep(piece []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(piece) > 0 {
		end := bytes.IndexByte(piece, '\n') + 1
		if end == 0 {
			end = len(piece)
		}
		w.look(piece[:end])
		w.add(piece[:end])
		piece = piece[end:]
	}
}

// look forgets what came before a verdict. The latest one counts: a program
// may print the trace of a panic and live on.
func (w *lastWords) look(part []byte) {
	before := len(w.head)
	w.head = append(w.head, part[:min(len(part), maxHead-before)]...)
	if before < maxHead && !w.found && isVerdict(w.head) {
		w.text = append(w.text[:0], w.head[:before]...)
		w.said, w.found = true, true
	}
	if part[len(part)-1] == '\n' {
		w.head, w.found = w.head[:0], false
	}
}

// add keeps the first bytes from a verdict on, else the last ones.
func (w *lastWords) add(part []byte) {
	if w.said {
		part = part[:min(len(part), maxLastWords-len(w.text))]
	}
	w.text = append(w.text, part...)
	if len(w.text) > 2*maxLastWords {
		w.text = append(w.text[:0], w.text[len(w.text)-maxLastWords:]...)
	}
}

func isVerdict(line []byte) bool {
	for _, verdict := range verdicts {
		if bytes.HasPrefix(line, verdict) {
			return true
		}
	}
	return false
}

// String returns what is kept, without trailing blank lines.
func (w *lastWords) String() string {
	if w == nil {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.text[max(len(w.text)-maxLastWords, 0):]
	return strings.TrimRight(string(text), "\n")
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
