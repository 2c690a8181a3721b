package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sys/unix"
)

// chrome is the one Chromium of this process, which the first test that wants
// one starts and run stops.
var chrome chromium

type chromium struct {
	once sync.Once
	err  error  // of the start
	dir  string // its profile, and all else that it writes
	mark string // environment entry by which its processes are found
	pid  int    // also the number of its process group
	gone chan struct{}

	context context.Context // of chromedp; contexts of tabs come from it
	cancel  context.CancelFunc
}

// chromiumFlags leave out what needs a screen, a network or a user. Hidden
// pages run as fast as the others.
var chromiumFlags = []string{
	"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
	"--disable-sync", "--disable-default-apps", "--disable-extensions", "--no-proxy-server",
	"--disable-background-timer-throttling", "--disable-renderer-backgrounding",
	"--disable-backgrounding-occluded-windows", "--disable-breakpad", "--mute-audio",
	"--password-store=basic", "--use-mock-keychain", "--ignore-certificate-errors",
	"--remote-debugging-port=0", "about:blank",
}

// need starts the browser unless it runs.
func (b *chromium) need(t *testing.T) {
	t.Helper()
	path := need(t, "chromium", "chromium")
	b.once.Do(func() { b.err = b.start(path) })
	if b.err != nil {
		t.Fatalf("start %s: %v", path, b.err)
	}
}

func (b *chromium) start(path string) error {
	dir, err := os.MkdirTemp("", "wm-chromium-")
	if err != nil {
		return err
	}
	b.dir, b.mark = dir, fmt.Sprintf("E2E_MARK=%d.chromium", os.Getpid())
	cmd := exec.Command(path, append([]string{"--user-data-dir=" + dir}, chromiumFlags...)...)
	cmd.Env = append(os.Environ(), b.mark, "HOME="+dir, "TMPDIR="+dir, "XDG_RUNTIME_DIR="+dir)
	// The signal comes when the thread ends that has started it: see own.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	started := make(chan error, 1)
	b.gone = make(chan struct{})
	go b.own(cmd, started)
	if err := <-started; err != nil {
		return err
	}
	b.pid = cmd.Process.Pid
	url := make(chan string, 1)
	go readDevTools(stderr, url) // ends with the browser
	select {
	case address := <-url:
		return b.connect(address)
	case <-b.gone:
		return errors.New("it ended at once")
	case <-time.After(commandLimit):
		return fmt.Errorf("it does not listen after %v", commandLimit)
	}
}

// own starts the browser and stays until it has ended, on a thread of its own:
// with that thread, so with this process, the browser dies.
func (b *chromium) own(cmd *exec.Cmd, started chan<- error) {
	defer close(b.gone)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := startCommand(cmd)
	started <- err
	if err == nil {
		waitCommand(cmd)
	}
}

var devTools = regexp.MustCompile(`^DevTools listening on (ws://\S+)`)

// readDevTools finds the address of the debugger in what the browser prints.
func readDevTools(stderr io.Reader, url chan<- string) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if found := devTools.FindStringSubmatch(lines.Text()); found != nil {
			url <- found[1]
		}
	}
}

func (b *chromium) connect(address string) error {
	all, cancelAll := chromedp.NewRemoteAllocator(context.Background(), address, chromedp.NoModifyURL)
	ctx, cancel := chromedp.NewContext(all, chromedp.WithErrorf(ignored))
	b.context, b.cancel = ctx, func() { cancel(); cancelAll() }
	// The first Run connects, for as long as its context lives: that must have
	// no deadline.
	late := time.AfterFunc(commandLimit, cancel)
	defer late.Stop()
	return chromedp.Run(ctx)
}

// ignored are the complaints of chromedp about messages that it does not know;
// what fails returns an error too.
func ignored(string, ...any) {}

// stop ends the browser and everything that it has started.
func (b *chromium) stop() error {
	if b.dir == "" {
		return nil
	}
	if b.cancel != nil {
		b.cancel()
	}
	if b.pid > 1 {
		unix.Kill(-b.pid, unix.SIGKILL)
		<-b.gone
	}
	left := func() bool {
		for _, pid := range marked(b.mark) {
			unix.Kill(pid, unix.SIGKILL)
		}
		return len(marked(b.mark)) == 0
	}
	if !poll(eventLimit, left) {
		return fmt.Errorf("processes left behind: %v", marked(b.mark))
	}
	return os.RemoveAll(b.dir)
}
