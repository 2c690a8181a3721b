package cli

import (
	"io"
	"os"

	urfave "github.com/urfave/cli/v2"
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
	return statusfmt.Options{Colour: colours(w), Kernel: kernel(), Width: width(w)}
}

// wide is the flag of the commands that leave something out on a narrow terminal.
func wide() urfave.Flag {
	return toggle("wide", "whole tables, however narrow the terminal is")
}

// tableOptions is pageOptions for a command with that flag.
func tableOptions(w io.Writer, c *urfave.Context) statusfmt.Options {
	opt := pageOptions(w)
	if c.Bool("wide") {
		opt.Width = 0
	}
	return opt
}

// width is how many columns the terminal w has now; 0 for a pipe or a file, and
// for a terminal that does not say it, as a serial line may.
func width(w io.Writer) int {
	fd, is := terminal(w)
	if !is {
		return 0
	}
	size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

// kernel is the release of the running kernel, empty if unknown.
func kernel() string {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}
