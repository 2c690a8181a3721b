package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// After the block none of the signals that the process may lose ends it, and
// nothing comes. That the others wait in the kernel can be seen in a process
// only that began with them blocked, see the tests of package e2e.
func TestBlockedSignalsEndNothing(t *testing.T) {
	caught := make(chan os.Signal, 64)
	t.Cleanup(func() { signal.Stop(caught); signal.Reset(masterSignals...) })
	for range 100 {
		unblockSignals(caught)
		send(t, unix.SIGTERM)
		wantSignal(t, caught, unix.SIGTERM)
		send(t, unix.SIGHUP)
		blockSignals(caught, true)
		wantSignal(t, caught, unix.SIGHUP) // also one that no thread had taken yet
		for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGHUP, unix.SIGABRT} {
			send(t, sig)
		}
		if len(caught) > 0 {
			t.Fatalf("%v came after the block", <-caught)
		}
	}
	unblockSignals(caught)
	send(t, unix.SIGHUP)
	wantSignal(t, caught, unix.SIGHUP)
}

// send sends this process one of the master's signals.
func send(t *testing.T, sig unix.Signal) {
	t.Helper()
	if err := unix.Kill(unix.Getpid(), sig); err != nil {
		t.Fatal(err)
	}
}

func wantSignal(t *testing.T, caught <-chan os.Signal, want unix.Signal) {
	t.Helper()
	select {
	case got := <-caught:
		if got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%v never came", want)
	}
}

// A worker process blocks nothing, whatever its master blocks; also one that is
// started as another user.
func TestStartedProcessesBlockNothing(t *testing.T) {
	for _, ident := range []*identity{nil, {uid: uint32(os.Getuid()), gid: uint32(os.Getgid())}} {
		if ident != nil && os.Getuid() != 0 {
			t.Log("not as another user: that needs root")
			continue
		}
		err := WithWaitingSignals(func() error {
			if got := maskOfStarted(t, ident); got != 0 {
				return fmt.Errorf("as %+v: the process blocks %x", ident, got)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWaitingSignalsAreBlockedMeanwhile(t *testing.T) {
	want := sigset(waitingSignals).Val[0]
	wrong := errors.New("what f returns")
	err := WithWaitingSignals(func() error {
		if got := maskOfThread(t); got&want != want {
			t.Errorf("blocked %x, want %x", got, want)
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Errorf("error %v, want that of f", err)
	}
	if got := maskOfThread(t); got&want != 0 {
		t.Errorf("afterwards %x is blocked", got)
	}
}

func maskOfThread(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		t.Fatal(err)
	}
	return signalSet(string(text), "SigBlk")
}

// maskOfStarted starts a program that ends at once. The kernel keeps what it
// blocked until it is waited for.
func maskOfStarted(t *testing.T, ident *identity) uint64 {
	t.Helper()
	gen, err := openGeneration("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	defer gen.close()
	got, err := start(launch{gen: gen, title: "true", ident: ident, quiet: true, listener: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(got.pidfd)
	defer got.words.Close()
	defer got.link.Close()
	defer unix.Wait4(got.pid, nil, 0, nil)
	for {
		err := unix.Waitid(unix.P_PID, got.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", got.pid))
	if err != nil {
		t.Fatal(err)
	}
	return signalSet(string(text), "SigBlk")
}

func TestSignalSetsAreRead(t *testing.T) {
	const text = "Name:\twm\nSigPnd:\t0000000000000001\nSigBlk:\t0000000000004003\nSigIgn:\t0\n"
	if got := signalSet(text, "SigBlk"); got != 0x4003 {
		t.Errorf("blocked %x", got)
	}
	if got := signalSet("Name:\twm\n", "SigBlk"); got != 0 {
		t.Errorf("without the line: %x", got)
	}
}
