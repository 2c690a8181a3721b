package supervisor

import (
	"crypto/tls"
	"crypto/x509"
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
	again    time.Time         // a pair that is not taken becomes valid; zero for none
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
	key := certificateKey(spec)
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

// certificateKey is the same while a Worker names the same files.
func certificateKey(spec ipc.Spec) string { return spec.Key + fmt.Sprint(spec.Files) }

// tryCertificates tells whether files could be served, and keeps nothing.
func (s *Supervisor) tryCertificates(pairs []ipc.KeyPair) error {
	contents, err := readFiles(pairs)
	for _, pair := range pairs {
		if err == nil {
			_, err = checkPair(pair, contents)
		}
	}
	return err
}

// tendCertificates looks at all files. Those of a Worker are read when they
// have changed and then stood still for one look, so that a certificate and
// its key, written one after the other, are taken together; and when one that was
// not taken becomes valid.
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
		due := !files.again.IsZero() && !now.Before(files.again)
		if maps.Equal(files.seen, files.read) && !due || !maps.Equal(files.seen, before) {
			continue
		}
		if err := s.take(files); err != nil {
			s.logf("worker %s keeps its certificates: %v", files.worker, err)
		}
	}
}

// take reads and checks the files, and gives them to all processes if they are
// new, but for those that keepValid keeps. After an error everything is as it was.
func (s *Supervisor) take(files *certificateFiles) error {
	files.read = files.seen
	contents, err := readFiles(files.pairs)
	if err == nil {
		err = s.keepValid(files, contents)
	}
	if err != nil {
		return err
	}
	verb := "reloaded"
	if files.contents == nil {
		verb = "loaded"
	}
	notes := 0
	for _, pair := range files.pairs {
		leaf, err := checkPair(pair, contents)
		if err != nil {
			return err
		}
		if !samePair(pair, contents, files.contents) {
			notes++
			s.noteCertificate(pair, verb+", "+s.certificateText(leaf), files.worker)
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

// checkPair tells whether a certificate and its key fit together, and returns
// the certificate. One that has expired does.
func checkPair(pair ipc.KeyPair, contents map[string][]byte) (*x509.Certificate, error) {
	cert, err := tls.X509KeyPair(contents[pair.Cert], contents[pair.Key])
	if err != nil {
		return nil, fmt.Errorf("certificate file %s, key file %s: %w", pair.Cert, pair.Key, err)
	}
	return cert.Leaf, nil
}

// certificateText is what the log says of a certificate that is served.
func (s *Supervisor) certificateText(leaf *x509.Certificate) string {
	text := fmt.Sprintf("serial %X, valid until %s", leaf.SerialNumber, dayText(leaf.NotAfter))
	switch now := s.sys.now(); {
	case now.After(leaf.NotAfter):
		text += ": it has EXPIRED"
	case now.Before(leaf.NotBefore):
		text += fmt.Sprintf(": it is NOT VALID before %s", dayText(leaf.NotBefore))
	}
	return text
}
