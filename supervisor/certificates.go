package supervisor

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/workerman-go/wm/ipc"
)

const (
	readEvery          = 2 * time.Second // look at certificate files
	maxCertificateFile = 1 << 20
)

// certificateFiles are the certificates and keys of a Worker. The master reads
// them, because its processes may not be allowed to, and checks that they fit
// together before it hands them over: what a process gets can be served, also
// by a respawn after somebody has spoilt the files.
type certificateFiles struct {
	worker   string // key, for messages
	pairs    []ipc.KeyPair
	contents map[string][]byte // the last that fit together; never changed, replaced
	read     map[string]stamp  // when contents were tried last
	seen     map[string]stamp  // at the look before
}

// stamp changes with a file; zero when it is not there.
type stamp struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

// certificatesFor reads the files of a Spec: at a start, and at a reload what
// has changed since.
func (s *Supervisor) certificatesFor(spec ipc.Spec) (*certificateFiles, error) {
	if len(spec.Files) == 0 {
		return nil, nil
	}
	key := spec.Key + fmt.Sprint(spec.Files)
	files := s.certs[key]
	if files == nil {
		files = &certificateFiles{worker: spec.Key, pairs: spec.Files}
	}
	files.seen = files.look()
	if err := s.take(files); err != nil {
		return nil, err
	}
	s.certs[key] = files
	return files, nil
}

// tendCertificates looks at all files. Those of a Worker are read when they
// have changed and then stood still for one look, so that a certificate and
// its key, written one after the other, are taken together.
func (s *Supervisor) tendCertificates(now time.Time) {
	if s.phase != serving || now.Before(s.nextRead) {
		return
	}
	s.nextRead = time.Time{}
	defer s.logCertificates()
	for _, files := range s.certs {
		s.nextRead = now.Add(readEvery)
		before := files.seen
		files.seen = files.look()
		if maps.Equal(files.seen, files.read) || !maps.Equal(files.seen, before) {
			continue
		}
		if err := s.take(files); err != nil {
			s.logf("worker %s keeps its certificates: %v", files.worker, err)
		}
	}
}

// take reads and checks the files, and gives them to all processes if they are
// new. After an error everything is as it was.
func (s *Supervisor) take(files *certificateFiles) error {
	files.read = files.seen
	contents, err := readFiles(files.pairs)
	if err != nil {
		return err
	}
	verb := "reloaded"
	if files.contents == nil {
		verb = "loaded"
	}
	notes := 0
	for _, pair := range files.pairs {
		note, err := checkPair(pair, contents, s.sys.now())
		if err != nil {
			return err
		}
		changed := !bytes.Equal(contents[pair.Cert], files.contents[pair.Cert]) ||
			!bytes.Equal(contents[pair.Key], files.contents[pair.Key])
		if changed {
			notes++
			s.noteCertificate(pair, fmt.Sprintf("%s, %s", verb, note), files.worker)
		}
	}
	files.contents = contents
	if notes == 0 {
		return nil
	}
	for _, p := range s.byPID {
		if p.ended != nil {
			continue
		}
		if s.alone != nil {
			p.link.send(s.allCertificates())
		} else if p.plan.certs == files {
			p.link.send(files.message())
		}
	}
	return nil
}

// certificateNote is what the log says of a pair; workers use it.
type certificateNote struct {
	pair    ipc.KeyPair
	text    string
	workers []string
}

// noteCertificate keeps what is to be logged, so that a pair of several Workers
// is one line.
func (s *Supervisor) noteCertificate(pair ipc.KeyPair, text, worker string) {
	for i, n := range s.certNotes {
		if n.pair == pair && n.text == text {
			s.certNotes[i].workers = append(n.workers, worker)
			return
		}
	}
	s.certNotes = append(s.certNotes, certificateNote{pair, text, []string{worker}})
}

// logCertificates writes what noteCertificate has kept.
func (s *Supervisor) logCertificates() {
	for _, n := range s.certNotes {
		word := "worker"
		if len(n.workers) > 1 {
			word = "workers"
		}
		slices.Sort(n.workers)
		s.logf("certificate %s %s, for %s %s",
			n.pair.Cert, n.text, word, strings.Join(n.workers, ", "))
	}
	s.certNotes = nil
}

// message is what a process is given.
func (f *certificateFiles) message() *ipc.Files { return &ipc.Files{Files: f.contents} }

// look takes the stamps of all files.
func (f *certificateFiles) look() map[string]stamp {
	stamps := map[string]stamp{}
	for _, pair := range f.pairs {
		for _, path := range []string{pair.Cert, pair.Key} {
			var st unix.Stat_t
			if err := unix.Stat(path, &st); err != nil {
				stamps[path] = stamp{}
				continue
			}
			stamps[path] = stamp{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
		}
	}
	return stamps
}

// readFiles returns the contents of all files by path.
func readFiles(pairs []ipc.KeyPair) (map[string][]byte, error) {
	contents := map[string][]byte{}
	for _, pair := range pairs {
		for _, path := range []string{pair.Cert, pair.Key} {
			if contents[path] != nil {
				continue
			}
			content, err := readFile(path)
			if errors.Is(err, fs.ErrPermission) {
				err = fmt.Errorf("%w (the master runs as uid %d)", err, os.Geteuid())
			}
			if err != nil {
				return nil, fmt.Errorf("%s file: %w", kindOf(pair, path), err)
			}
			contents[path] = content
		}
	}
	return contents, nil
}

// kindOf says which file of the pair path is: a certificate's may have the key
// too.
func kindOf(pair ipc.KeyPair, path string) string {
	if path == pair.Cert {
		return "certificate"
	}
	return "key"
}

// readFile never waits for a writer, as a pipe would make it.
func readFile(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxCertificateFile+1))
	if err == nil && len(content) > maxCertificateFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxCertificateFile)
	}
	return content, err
}

// checkPair tells whether a certificate and its key can serve, and what the
// log says of it. One that has expired serves.
func checkPair(pair ipc.KeyPair, contents map[string][]byte, now time.Time) (string, error) {
	cert, err := tls.X509KeyPair(contents[pair.Cert], contents[pair.Key])
	if err != nil {
		return "", fmt.Errorf("certificate file %s, key file %s: %w", pair.Cert, pair.Key, err)
	}
	note := fmt.Sprintf("serial %X, valid until %s",
		cert.Leaf.SerialNumber, cert.Leaf.NotAfter.UTC().Format(time.DateTime+" MST"))
	if now.After(cert.Leaf.NotAfter) {
		note += ": it has EXPIRED"
	}
	return note, nil
}
