package supervisor

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"
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
	pipe    *os.File // nil after the end
	to      io.Writer
	drained func()        // called when the pipe has ended
	done    chan struct{} // closed when the pipe has ended

	mu     sync.Mutex // guards the fields below
	text   []byte
	said   bool   // text begins with a verdict
	head   []byte // beginning of the present line
	found  bool   // the present line is a verdict
	frozen bool
	reads  bool // the goroutine runs
}

// listenToLastWords reads pipe until the process has closed its end; drained
// is called then.
func listenToLastWords(pipe *os.File, to io.Writer, drained func()) *lastWords {
	w := newLastWords(pipe, to, drained)
	w.thaw()
	return w
}

// newLastWords is frozen; without a pipe it has ended.
func newLastWords(pipe *os.File, to io.Writer, drained func()) *lastWords {
	w := &lastWords{
		pipe: pipe, to: to, drained: drained, done: make(chan struct{}), frozen: true,
	}
	if pipe == nil {
		close(w.done)
	}
	return w
}

// listenTo keeps the words of a process that was started, and the pipe in the
// list of those that are open: somebody may write to it after the process.
func (s *Supervisor) listenTo(pipe *os.File, to io.Writer) *lastWords {
	w := listenToLastWords(pipe, to, s.poke)
	s.words[w] = true
	return w
}

// tendWords forgets the pipes that have ended.
func (s *Supervisor) tendWords() {
	for w := range s.words {
		if w.ended() {
			delete(s.words, w)
		}
	}
}

// read ends with the process and those that have inherited the pipe, or
// frozen.
func (w *lastWords) read() {
	buf := make([]byte, 16<<10)
	for {
		n, err := w.pipe.Read(buf)
		w.keep(buf[:n])
		// A terminal or file that takes nothing loses it.
		_, _ = w.to.Write(buf[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if w.stops() {
				return
			}
			continue
		}
		if err != nil {
			break
		}
	}
	w.pipe.Close()
	close(w.done)
	w.drained()
}

// freeze makes the goroutine end, see still. What the process writes from then
// on stays in the pipe.
func (w *lastWords) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended() {
		w.frozen = true
		w.pipe.SetReadDeadline(past)
	}
}

// still tells whether it has ended.
func (w *lastWords) still() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended() || !w.reads
}

// thaw starts it, unless it runs.
func (w *lastWords) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.frozen || w.ended() {
		return
	}
	w.frozen = false
	w.pipe.SetReadDeadline(time.Time{})
	if !w.reads {
		w.reads = true
		go w.read() // ends with the pipe, or frozen
	}
}

func (w *lastWords) stops() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen {
		w.reads = false
	}
	return w.frozen
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
