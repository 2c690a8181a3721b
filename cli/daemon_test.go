package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
	"github.com/workerman-go/wm/rundir"
	"github.com/workerman-go/wm/supervisor"
)

// channelPair is the start channel with both ends in this process.
func channelPair(t *testing.T) (*startChannel, *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	channel, err := openChannel(fds[1])
	if err != nil {
		t.Fatal(err)
	}
	reader := os.NewFile(uintptr(fds[0]), "reader")
	t.Cleanup(func() { channel.close(); reader.Close() })
	return channel, reader
}

func TestStartChannelCarriesStepsAndResult(t *testing.T) {
	channel, reader := channelPair(t)
	var out bytes.Buffer
	in := &invocation{stdout: &out}
	channel.progress(ipc.Progress{Kind: "note", Text: "half way"})
	channel.result(ipc.CodeDone, "", &ipc.Snapshot{MasterPID: 9})
	channel.result(ipc.CodeFailed, "too late", nil) // says nothing any more
	last, err := in.follow(reader)
	if err != nil {
		t.Fatal(err)
	}
	if last.Snapshot == nil || last.Snapshot.MasterPID != 9 || last.Result.Code != ipc.CodeDone {
		t.Errorf("last news %+v", last)
	}
	if !strings.Contains(out.String(), "half way") {
		t.Errorf("printed %q", &out)
	}
	if n, err := reader.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the result: %d bytes, %v", n, err)
	}
}

func TestADaemonThatDiesIsNoticed(t *testing.T) {
	channel, reader := channelPair(t)
	channel.progress(ipc.Progress{Kind: "probe"})
	channel.close()
	if _, err := (&invocation{stdout: new(bytes.Buffer)}).follow(reader); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestStartChannelSurvivesTheCommand(t *testing.T) {
	channel, reader := channelPair(t)
	reader.Close()
	channel.progress(ipc.Progress{Kind: "probe"})
	channel.result(ipc.CodeDone, "", nil)
	if channel.pipe != nil {
		t.Error("the channel is still open")
	}
}

// A command that does not read must not hold up the master.
func TestStartChannelGivesUpOnACommandThatDoesNotRead(t *testing.T) {
	channel, _ := channelPair(t)
	big := ipc.Progress{Text: strings.Repeat("x", 128<<10)} // more than a pipe holds
	channel.progress(big)
	if channel.pipe != nil {
		t.Error("the channel is still open")
	}
}

func TestOutcomeOfAMaster(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, ipc.CodeFailed, "stopped before it was ready"},
		{supervisor.ErrRunning, ipc.CodeDone, "already running"},
		{rundir.ErrDenied, ipc.CodeDenied, rundir.ErrDenied.Error()},
		{io.EOF, ipc.CodeFailed, "EOF"},
	} {
		code, text, snap := outcome(c.err)
		if code != c.code || text != c.text || snap != nil {
			t.Errorf("%v: %d %q %v", c.err, code, text, snap)
		}
	}
}

func TestDescriptorsFromOutsideAreShielded(t *testing.T) {
	fd, err := unix.FcntlInt(os.Stdin.Fd(), unix.F_DUPFD, firstHigh)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	before, err := inherited()
	if err != nil || !slices.Contains(before, fd) {
		t.Fatalf("inherited %v does not have %d: %v", before, fd, err)
	}
	if _, err := shieldInherited(); err != nil {
		t.Fatal(err)
	}
	if after, err := inherited(); err != nil || len(after) != 0 {
		t.Errorf("after shielding: %v, %v", after, err)
	}
}
