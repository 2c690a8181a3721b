package upload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxNameBytes = 250 // with a number behind it still a file name
	maxTwins     = 100
)

var (
	errName = errors.New("upload: bad file name")
	errFull = errors.New("upload: too many files of this name")
)

// Save writes f into folder and returns its path there. Nothing that exists is
// overwritten: the second logo.png becomes logo-2.png. The name comes from the
// network, so only its last element counts (trap T61). Save blocks; any
// goroutine may call it.
func Save(folder string, f File) (path string, err error) {
	name, err := baseName(f.Name)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(folder) // the second guard: nothing in it leads out
	if err != nil {
		return "", err
	}
	defer root.Close()
	file, name, err := create(root, name)
	if err != nil {
		return "", err
	}
	_, err = file.Write(f.Data)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, root.Remove(name))
	}
	return filepath.Join(folder, name), nil
}

// baseName is the last element of a path of any system, if that is a plain file
// name: printed as it is, not hidden, and neither "." nor "..".
func baseName(path string) (string, error) {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	if name == "" || name[0] == '.' || len(name) > maxNameBytes ||
		!utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", errName
	}
	return name, nil
}

// create makes a file that was not there, called name or with the first free
// number. O_EXCL refuses links as well, also those that lead nowhere.
func create(root *os.Root, name string) (*os.File, string, error) {
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for n := 2; n <= maxTwins; n++ {
		file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return file, name, err
		}
		name = fmt.Sprintf("%s-%d%s", stem, n, ext)
	}
	return nil, "", errFull
}
