package srcwatch

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// maxDigested is the size up to which a file is read; a larger one has
	// changed when its stamp has.
	maxDigested = 16 << 20
	// fresh is how long after a write the stamp of a file is not trusted: a
	// second write within one tick of the file system's clock leaves it the same.
	fresh = 3 * time.Second
)

// state is what one look saw. Paths are below the root of the module.
type state struct {
	files    map[string]file
	folders  map[string]bool     // absolute, what hints must be asked for
	patterns map[string][]string // of //go:embed lines, by folder
}

// file is what is known of one file.
type file struct {
	stamp  stamp
	old    bool // the stamp can be trusted
	digest [sha256.Size]byte
	embeds []string
}

// stamp changes with almost every write.
type stamp struct {
	size, modified, changed int64
	inode                   uint64
}

func stampOf(info fs.FileInfo) stamp {
	st := info.Sys().(*syscall.Stat_t)
	return stamp{st.Size, st.Mtim.Nano(), st.Ctim.Nano(), st.Ino}
}

// differs lists the files that read otherwise in before, or are in one only.
func (s *state) differs(before *state) []string {
	var changed []string
	for path, f := range s.files {
		if was, found := before.files[path]; !found || was.digest != f.digest {
			changed = append(changed, path)
		}
	}
	for path := range before.files {
		if _, found := s.files[path]; !found {
			changed = append(changed, path)
		}
	}
	return changed
}

// mostLooks bounds how often a look is begun again because folders are removed
// or renamed meanwhile; their events lead to the next one.
const mostLooks = 3

// look reads the tree again.
func (w *Watcher) look() error {
	for range mostLooks {
		s, err := w.scan()
		if err != nil {
			return err
		}
		w.seen = s
		if w.hints.keep(s.folders) {
			break
		}
	}
	return nil
}

// scan reads the tree once.
func (w *Watcher) scan() (*state, error) {
	s := &scan{
		w: w, before: w.seen, visited: map[[2]uint64]bool{}, now: time.Now(),
		state: &state{
			files: map[string]file{}, folders: map[string]bool{}, patterns: map[string][]string{},
		},
	}
	if err := s.folder("."); err != nil {
		return nil, err
	}
	for len(s.links) > 0 { // after all others: those keep their own names
		next := s.links[0]
		s.links = s.links[1:]
		s.folder(next) // one that is gone again is no error
	}
	for _, path := range s.others {
		if s.embedded(path) {
			s.file(path)
		}
	}
	return s.state, nil
}

// scan is one look at the tree.
type scan struct {
	*state
	w       *Watcher
	before  *state
	now     time.Time
	visited map[[2]uint64]bool // device and inode of folders
	links   []string           // folders behind links
	others  []string           // files that count if they are embedded
}

func (s *scan) path(below string) string { return filepath.Join(s.w.cfg.Root, below) }

// inApps tells whether a path is the folder of the apps or lies in it.
func (s *scan) inApps(path string) bool {
	apps := s.w.cfg.Apps
	return apps != "" && (path == apps || strings.HasPrefix(path, apps+"/"))
}

// folder takes everything in a folder, each folder once.
func (s *scan) folder(path string) error {
	full := s.path(path)
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	id := [2]uint64{st.Dev, st.Ino}
	if s.visited[id] {
		return nil
	}
	s.visited[id] = true
	s.watch(full) // before it is read, so that nothing is missed between
	entries, err := os.ReadDir(full)
	if err != nil {
		return err
	}
	if path != "." && !s.inApps(path) && slices.ContainsFunc(entries, isModule) {
		return nil
	}
	for _, e := range entries {
		s.entry(filepath.Join(path, e.Name()), e)
	}
	return nil
}

func isModule(e fs.DirEntry) bool { return e.Name() == "go.mod" }

// entry takes one entry of a folder.
func (s *scan) entry(path string, e fs.DirEntry) {
	switch {
	case e.IsDir():
		if !leftOut(path) {
			s.folder(path)
		}
	case e.Type()&fs.ModeSymlink != 0 && s.isFolder(path):
		if s.inApps(path) && !leftOut(path) {
			s.links = append(s.links, path)
		}
	case slices.Contains(s.w.cfg.Skip, path):
	case counts(e.Name()):
		if e.Type()&fs.ModeSymlink != 0 {
			s.watchTarget(path)
		}
		s.file(path)
	case !passing(e.Name()):
		s.others = append(s.others, path)
	}
}

func (s *scan) isFolder(path string) bool {
	info, err := os.Stat(s.path(path))
	return err == nil && info.IsDir()
}

// watch asks for hints about a folder, and falls back to looking when none
// will come.
func (s *scan) watch(full string) {
	s.folders[full] = true
	if err := s.w.hints.folder(full); err != nil {
		s.w.poll(reason(err))
	}
}

// watchTarget asks for hints about the file that a link leads to: the link does
// not change with it.
func (s *scan) watchTarget(path string) {
	real, err := filepath.EvalSymlinks(s.path(path))
	if folder := filepath.Dir(real); err == nil && !s.folders[folder] {
		s.watch(folder)
	}
}

// file takes the contents of a file, from the look before when it has not been
// written since.
func (s *scan) file(path string) {
	full := s.path(path)
	info, err := os.Stat(full)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	f := file{stamp: stampOf(info)}
	f.old = time.Unix(0, max(f.stamp.modified, f.stamp.changed)).Before(s.now.Add(-fresh))
	if was := s.before.files[path]; was.old && was.stamp == f.stamp {
		f.digest, f.embeds = was.digest, was.embeds
	} else {
		f.read(full, path)
	}
	s.files[path] = f
	if len(f.embeds) > 0 {
		folder := filepath.Dir(path)
		s.patterns[folder] = append(s.patterns[folder], f.embeds...)
	}
}

// read fills in what the contents say. A file that cannot be read is known by
// the reason.
func (f *file) read(full, path string) {
	if f.stamp.size > maxDigested {
		f.digest = sha256.Sum256(fmt.Append(nil, f.stamp))
		return
	}
	text, err := os.ReadFile(full)
	if err != nil {
		text = []byte(err.Error())
	}
	f.digest = sha256.Sum256(text)
	if filepath.Ext(path) == ".go" {
		f.embeds = embedPatterns(text)
	}
}
