package wayback

import (
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Limit is how long a new image may take from its beginning to its commit, in
// nanoseconds: so long nobody is there to answer a command.
const Limit = 2_000_000_000

// handoverVariable is ipc.HandoverVariable.
const handoverVariable = "_WM_HANDOVER"

// reason is what the old image is told. It is in JSON as it stands here.
const reason = "it did not take over within 2s: it was in the init of a package still, " +
	"or in main before cli.Main"

// What the guard has come to.
const (
	unarmed = iota // this process is no new image of a master
	armed
	disarmed
	fired
)

var (
	stage atomic.Int32
	until int64 // monotonic ns; set before the guard begins
)

// An init, because nothing else runs before an author's.
func init() {
	handover, _ := syscall.Getenv(handoverVariable)
	image, back, found := Back(handover)
	if !found {
		return
	}
	until = monotonic() + Limit
	stage.Store(armed)
	go guard(image, back) // ends at until
}

// Disarm ends the guard: who calls it guards the rest. It returns how many
// nanoseconds are left for that; all of Limit when nothing was guarded. It does
// not return when the guard has fired. Any goroutine may call it.
func Disarm() (left int64) {
	switch {
	case stage.CompareAndSwap(armed, disarmed):
		return max(until-monotonic(), 0)
	case stage.Load() == fired:
		select {}
	}
	return Limit
}

// guard waits, and executes the old image unless Disarm has come before. It
// waits in the kernel: package time is initialised later. Also a loop that does
// nothing but run is interrupted for it.
func guard(image int, back string) {
	sleepUntil(until)
	if !stage.CompareAndSwap(armed, fired) {
		return
	}
	syscall.Setenv(handoverVariable, back)
	// The old image knows nothing of the number that it was kept under. What
	// else it has left open is open still.
	syscall.CloseOnExec(image)
	_ = syscall.Exec("/proc/self/fd/"+strconv.Itoa(image), arguments(), syscall.Environ())
	// It cannot. When this image comes to wm after all, that tries again, and
	// says what is wrong.
	stage.Store(armed)
}

// Back is the hand-over for the old image, from the one that it has written for
// the new image, and the descriptor of its executable. It is found in the text:
// what could read it as JSON is initialised too late. Quotes in a value are
// escaped, so only names match.
func Back(handover string) (image int, back string, found bool) {
	if after(handover, `"role":"master"`, 0) < 0 {
		return -1, "", false
	}
	begin := after(handover, `"image":`, after(handover, `"adopt":{`, 0))
	if begin < 0 {
		return -1, "", false
	}
	end := begin
	for end < len(handover) && '0' <= handover[end] && handover[end] <= '9' {
		end++
	}
	image, err := strconv.Atoi(handover[begin:end])
	if err != nil { // -1: this is the old image
		return -1, "", false
	}
	return image, handover[:begin] + `-1,"reason":"` + reason + `"` + handover[end:], true
}

// after is where part ends in text, from a place on; -1 without it. Package
// strings is initialised behind package os.
func after(text, part string, from int) int {
	for i := from; from >= 0 && i+len(part) <= len(text); i++ {
		if text[i:i+len(part)] == part {
			return i + len(part)
		}
	}
	return -1
}

// arguments are those of this process.
func arguments() []string {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer syscall.Close(fd)
	var all []string
	var last []byte
	for piece := make([]byte, 4096); ; {
		n, err := syscall.Read(fd, piece)
		if err == syscall.EINTR {
			continue
		}
		if n <= 0 {
			return all
		}
		for _, c := range piece[:n] {
			if c != 0 {
				last = append(last, c)
				continue
			}
			all, last = append(all, string(last)), nil
		}
	}
}

// clockMonotonic goes on over an exec; it is the clock of supervisor, too.
const (
	clockMonotonic = 1
	absolute       = 1 // a time, and no duration
)

func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func sleepUntil(at int64) {
	ts := syscall.NsecToTimespec(at)
	for {
		_, _, err := syscall.Syscall6(syscall.SYS_CLOCK_NANOSLEEP, clockMonotonic, absolute,
			uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
		if err != syscall.EINTR {
			return
		}
	}
}
