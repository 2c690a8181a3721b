package push

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/workerman-go/wm/worker"
)

// minToken is how long a token has to be, in bytes: nobody guesses 16.
const minToken = 16

// token is what a request has to bring: WM_PUSH_TOKEN; else the content of the file
// WM_PUSH_TOKEN_FILE; else that of push.token in WM_RUN_DIR or beside the binary.
// A file that is not there is made, with a token that nobody knows yet, for its
// owner alone.
func token() (string, error) {
	if t := os.Getenv("WM_PUSH_TOKEN"); t != "" {
		return strong(t, "WM_PUSH_TOKEN")
	}
	path, err := tokenFile()
	if err != nil {
		return "", err
	}
	t, err := readToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	if err := makeToken(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w: set WM_PUSH_TOKEN or WM_PUSH_TOKEN_FILE", err)
	}
	worker.Log("push: the token is in %s", path)
	return readToken(path)
}

func tokenFile() (string, error) {
	if path := os.Getenv("WM_PUSH_TOKEN_FILE"); path != "" {
		return path, nil
	}
	dir := os.Getenv("WM_RUN_DIR")
	if dir == "" {
		binary, err := os.Executable()
		if err != nil {
			return "", err
		}
		dir = filepath.Dir(binary)
	}
	return filepath.Join(dir, "push.token"), nil
}

// strong refuses what could be guessed.
func strong(t, where string) (string, error) {
	if len(t) < minToken {
		return "", fmt.Errorf("the token of %s has less than %d characters", where, minToken)
	}
	return t, nil
}

// readToken reads a file that is its owner's alone.
func readToken(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others: chmod 600 it, or delete it for a new one", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", err
	}
	return strong(strings.TrimSpace(string(text)), path)
}

// makeToken writes a new token. The file appears as a whole, so that whoever comes
// at the same moment does not read half of it.
func makeToken(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".push.token-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintln(f, rand.Text())
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// same compares without telling how much of it was right.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
