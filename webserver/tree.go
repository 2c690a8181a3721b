package webserver

import (
	"context"
	"encoding/hex"
	"hash/fnv"
	"io"
	"io/fs"
	"net/http"

	"github.com/workerman-go/wm/protocol/http1"
	"github.com/workerman-go/wm/worker"
)

const (
	// quickTag is up to which size a file is read for its tag on the loop, as it is
	// for its answer.
	quickTag = 64 << 10
	// maxTags is how many tags are kept: a file system may make up its names.
	maxTags = 10_000
)

// tree is a root in another file system. Owned by the loop.
type tree struct {
	files   fs.FS
	tags    map[string]http.Header // the ETag of files without a time of change, by name
	reading bool                   // a goroutine makes the tag of a large one
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
		r.Header, err = t.tag(name, info.Size())
	}
	return found{response: r}, err
}

// tag is an ETag made of the content: what has no time of change, such as a file of
// an embed.FS, does not change as long as the process lives. A large file is read on
// a goroutine, one at a time, and has none until then.
func (t *tree) tag(name string, size int64) (http.Header, error) {
	if tag, ok := t.tags[name]; ok {
		return tag, nil
	}
	if size > quickTag {
		t.tagLater(name)
		return nil, nil
	}
	tag, err := tagOf(t.files, name)
	if err == nil {
		t.keep(name, tag)
	}
	return tag, err
}

func (t *tree) tagLater(name string) {
	if t.reading {
		return // it is asked for again
	}
	t.reading = true
	files := t.files
	work := func(context.Context) (http.Header, error) { return tagOf(files, name) }
	worker.Go(context.Background(), work, func(tag http.Header, err error) {
		t.reading = false
		if err == nil { // else its answer fails, too
			t.keep(name, tag)
		}
	})
}

func (t *tree) keep(name string, tag http.Header) {
	if len(t.tags) >= maxTags {
		for other := range t.tags { // whichever: it is made again
			delete(t.tags, other)
			break
		}
	}
	t.tags[name] = tag
}

// tagOf reads a file to its end.
func tagOf(files fs.FS, name string) (http.Header, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := fnv.New128a()
	if _, err := io.Copy(hash, f); err != nil {
		return nil, err
	}
	return http.Header{"Etag": {`"` + hex.EncodeToString(hash.Sum(nil)) + `"`}}, nil
}
