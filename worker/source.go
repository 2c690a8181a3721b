package worker

import (
	"path/filepath"
	"strconv"
	"strings"
)

// place writes a source line for people: apps/hello/start.go:14. Folders
// above are cut, they say where the machine of the build kept its files.
func place(file string, line int) string {
	file = filepath.ToSlash(file)
	if i := strings.LastIndex(file, "/apps/"); i >= 0 {
		file = file[i+1:]
	} else if !strings.HasPrefix(file, "apps/") {
		file = lastTwo(file)
	}
	return file + ":" + strconv.Itoa(line)
}

// lastTwo returns the file with the folder it is in.
func lastTwo(file string) string {
	i := strings.LastIndexByte(file, '/')
	if i < 0 {
		return file
	}
	if j := strings.LastIndexByte(file[:i], '/'); j >= 0 {
		return file[j+1:]
	}
	return strings.TrimPrefix(file, "/")
}
