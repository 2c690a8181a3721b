package worker

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Listen opens the address of w in this process, for a port that only this
// process serves, and begins to accept. It is called in OnWorkerStart of
// another Worker; w has no processes of its own and its OnWorkerStart is not
// called. The master opens the socket and keeps it for the next process of
// this slot. It blocks until the master has answered, 5 s at most.
func (w *Worker) Listen() error {
	p := current.Load()
	if p == nil || w.p != nil || w.address == "" {
		return fmt.Errorf("listen %s: %w", w.address, errNotServing)
	}
	p.own("Worker.Listen")
	var d Declaration
	if err := w.resolve(&d); err != nil {
		return fmt.Errorf("listen %w", err)
	}
	if err := w.loadCertificates(); err != nil {
		return fmt.Errorf("listen %s: %w", w.address, err)
	}
	fd, err := p.env.Open(d.Network+"://"+d.Host, w.ReusePort)
	if err != nil {
		return fmt.Errorf("listen %s: %w", w.address, err)
	}
	p.adopt(w)
	if err := p.attach(w, fd); err != nil {
		unix.Close(fd)
		return fmt.Errorf("listen %w", err)
	}
	w.listener.allow(notReady)
	return nil
}

// Unlisten stops accepting and closes this process's listener; connections
// stay. Called on the loop goroutine.
func (w *Worker) Unlisten() {
	if w.listener == nil {
		return
	}
	w.p.own("Worker.Unlisten")
	w.listener.refuse(byAuthor)
	w.listener.close()
}

// PauseAccept stops accepting: new clients wait in the listener's queue, for
// this or another process. In OnWorkerStart it keeps the door closed until
// ResumeAccept. Called on the loop goroutine.
func (w *Worker) PauseAccept() {
	w.paused = true
	if w.listener != nil {
		w.p.own("Worker.PauseAccept")
		w.listener.refuse(byAuthor)
	}
}

// ResumeAccept ends PauseAccept. Called on the loop goroutine.
func (w *Worker) ResumeAccept() {
	w.paused = false
	if w.listener != nil {
		w.p.own("Worker.ResumeAccept")
		w.listener.allow(byAuthor)
	}
}

// Addr returns the address the listener is bound to, and nil when there is no
// listener. Called on the loop goroutine.
func (w *Worker) Addr() net.Addr {
	if w.listener == nil {
		return nil
	}
	addr, err := localAddr(w.listener.fd, w.network)
	if err != nil {
		return nil
	}
	return addr
}
