package worker

import (
	"path/filepath"
	"runtime"
	"strings"
)

// maxActingFrames is how far up the stack an app is looked for.
const maxActingFrames = 64

// acting is the Worker that the calling code belongs to: the one of the process. Of
// several, see Join, it is the first one of the app whose source is nearest on the
// stack, and the one of NewProcess where there is none. Any goroutine.
func (p *Process) acting() *Worker {
	if len(p.joined) == 0 {
		return p.w
	}
	pcs := make([]uintptr, maxActingFrames)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if w := p.memberOf(filepath.ToSlash(f.File)); w != nil {
			return w
		}
		if !more {
			return p.w
		}
	}
}

// memberOf is the first Worker of the app that a source file belongs to.
func (p *Process) memberOf(file string) (found *Worker) {
	for w := range p.members {
		if w.appDir == "" || !strings.Contains(file, folder(w.appDir)) {
			continue
		}
		// apps/chat/gateway may be an app beside apps/chat.
		if found == nil || len(w.appDir) > len(found.appDir) {
			found = w
		}
	}
	return found
}
