package eventloop

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOnReadable(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		near, far := pair(t)
		must(t, l.OnReadable(near, func(int) { j.note("replaced") }))
		must(t, l.OnReadable(near, func(fd int) {
			if fd != near {
				t.Errorf("descriptor = %d, want %d", fd, near)
			}
			drain(fd)
			j.note("read")
		}))
		step(t, l)
		j.expect(t)
		write(t, far, "x")
		step(t, l)
		step(t, l)
		j.expect(t, "read")
		if !l.OffReadable(near) || l.OffReadable(near) {
			t.Error("OffReadable: want true, then false")
		}
		write(t, far, "x")
		step(t, l)
		j.expect(t)
	})
}

func TestReadableAndWritableAreIndependent(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		near, far := pair(t)
		must(t, l.OnReadable(near, func(int) { j.note("read") }))
		must(t, l.OnWritable(near, func(int) { j.note("write") }))
		write(t, far, "x")
		step(t, l)
		j.expect(t, "read", "write")
		if !l.OffReadable(near) {
			t.Error("OffReadable = false")
		}
		step(t, l)
		j.expect(t, "write")
		if !l.OffWritable(near) || l.OffWritable(near) {
			t.Error("OffWritable: want true, then false")
		}
		step(t, l)
		j.expect(t)
		must(t, l.Watch(near, Readable, sourceFunc(func(Events) {}))) // free again
	})
}

func TestOffInsideTheCallback(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		near, far := pair(t)
		must(t, l.OnWritable(near, func(int) { j.note("write") }))
		must(t, l.OnReadable(near, func(int) {
			j.note("read")
			l.OffReadable(near)
			l.OffWritable(near)
		}))
		write(t, far, "x")
		step(t, l)
		step(t, l)
		j.expect(t, "read")
	})
}

func TestTroubleReachesTheCallbackThatIsThere(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		var j journal
		near, _ := pair(t)
		must(t, l.OnWritable(near, func(int) { j.note("write") }))
		unix.Shutdown(near, unix.SHUT_RDWR)
		step(t, l)
		j.expect(t, "write")
	})
}

func TestDescriptorErrors(t *testing.T) {
	eachDriver(t, func(t *testing.T, l *Loop) {
		near, _ := pair(t)
		must(t, l.Watch(near, Readable, sourceFunc(func(Events) {})))
		if err := l.OnReadable(near, func(int) {}); !errors.Is(err, unix.EEXIST) {
			t.Errorf("descriptor of a connection: %v, want EEXIST", err)
		}
		if err := l.OnWritable(-1, func(int) {}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("negative descriptor: %v, want EINVAL", err)
		}
		if l.OffReadable(near) || l.OffWritable(-1) {
			t.Error("Off without On = true")
		}
	})
}
