package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/statusfmt"
)

// terminal returns the descriptor of w when it is a terminal.
func terminal(w io.Writer) (fd int, is bool) {
	file, ok := w.(*os.File)
	if !ok {
		return -1, false
	}
	fd = int(file.Fd())
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return fd, err == nil
}

// colours tells whether w shows them and the user wants them.
func colours(w io.Writer) bool {
	_, is := terminal(w)
	return is && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// pageOptions says how a page is drawn on w.
func pageOptions(w io.Writer) statusfmt.Options {
	return statusfmt.Options{Colour: colours(w), Kernel: kernel()}
}

// kernel is the release of the running kernel, empty if unknown.
func kernel() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
