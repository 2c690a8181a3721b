package webserver

import (
	"encoding/hex"
	"hash/fnv"
	"io"
	"io/fs"
	"net/http"

	"github.com/workerman-go/wm/protocol/http1"
)

// tree is a root in another file system. Owned by the loop.
type tree struct {
	files fs.FS
	tags  map[string]http.Header // the ETag of files without a time of change, by name
}

func (t *tree) open(name string) (found, error) {
	if name == "" {
		name = "."
	}
	info, err := fs.Stat(t.files, name)
	switch {
	case err != nil || info.IsDir():
		return found{}, err
	case !info.Mode().IsRegular():
		return found{}, fs.ErrNotExist
	}
	r := http1.FileFS(t.files, name)
	if info.ModTime().IsZero() {
		r.Header, err = t.tag(name)
	}
	return found{response: r}, err
}

// tag is an ETag made of the content: what has no time of change, such as a file of
// an embed.FS, does not change as long as the process lives.
func (t *tree) tag(name string) (http.Header, error) {
	if tag, ok := t.tags[name]; ok {
		return tag, nil
	}
	f, err := t.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := fnv.New128a()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, err
	}
	tag := http.Header{"Etag": {`"` + hex.EncodeToString(hash.Sum(nil)) + `"`}}
	t.tags[name] = tag
	return tag, nil
}
