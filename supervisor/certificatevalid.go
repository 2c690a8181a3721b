package supervisor

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/workerman-go/wm/ipc"
)

// A pair that fits together may be of no use all the same: before its time, or
// after it. One that is of use now is not given up for such a one.

// invalidNow says why clients refuse a certificate now; empty for one that is
// valid.
func invalidNow(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "has expired on " + dayText(leaf.NotAfter)
	case now.Before(leaf.NotBefore):
		return "is not valid before " + dayText(leaf.NotBefore)
	}
	return ""
}

func dayText(t time.Time) string { return t.UTC().Format(time.DateTime + " MST") }

// validIn returns the certificate that contents have of pair, nil unless it is
// valid now.
func validIn(contents map[string][]byte, pair ipc.KeyPair, now time.Time) *x509.Certificate {
	leaf, err := checkPair(pair, contents)
	if err != nil || invalidNow(leaf, now) != "" {
		return nil
	}
	return leaf
}

// keepValid puts the pairs that are served and valid back into contents, where
// what has changed is not valid now. Others of the same Worker are taken over, unless
// they share a file with those.
func (s *Supervisor) keepValid(files *certificateFiles, contents map[string][]byte) error {
	now, fresh := s.sys.now(), maps.Clone(contents)
	files.again = time.Time{}
	for _, pair := range files.pairs {
		if samePair(pair, fresh, files.contents) {
			continue
		}
		leaf, err := checkPair(pair, fresh)
		if err != nil {
			return err
		}
		why, served := invalidNow(leaf, now), validIn(files.contents, pair, now)
		if why == "" || served == nil {
			continue
		}
		for _, path := range []string{pair.Cert, pair.Key} {
			contents[path] = files.contents[path]
		}
		if now.Before(leaf.NotBefore) && (files.again.IsZero() || leaf.NotBefore.Before(files.again)) {
			files.again = leaf.NotBefore
		}
		s.noteCertificate(pair, fmt.Sprintf("kept, valid until %s: the new one %s",
			dayText(served.NotAfter), why), files.worker)
	}
	s.keepTogether(files, contents, fresh)
	return nil
}

// keepTogether keeps what has a file in common with a kept pair, as keys may be of
// several certificates: half of the new one would not fit.
func (s *Supervisor) keepTogether(files *certificateFiles, contents, fresh map[string][]byte) {
	for range files.pairs { // each may bring another one along
		for _, pair := range files.pairs {
			if samePair(pair, contents, fresh) || samePair(pair, contents, files.contents) {
				continue
			}
			for _, path := range []string{pair.Cert, pair.Key} {
				contents[path] = files.contents[path]
			}
			s.noteCertificate(pair, "kept: it shares a file with one that is kept", files.worker)
		}
	}
}

func samePair(pair ipc.KeyPair, a, b map[string][]byte) bool {
	return bytes.Equal(a[pair.Cert], b[pair.Cert]) && bytes.Equal(a[pair.Key], b[pair.Key])
}

// certificateNotes says which files of a Spec are not valid now, and what is
// served then, for who asks what a reload does.
func (s *Supervisor) certificateNotes(spec ipc.Spec) (notes []string) {
	contents, err := readFiles(spec.Files)
	if err != nil {
		return nil // the reload is refused, or they went this moment
	}
	now, files := s.sys.now(), s.certs[certificateKey(spec)]
	for _, pair := range spec.Files {
		leaf, err := checkPair(pair, contents)
		if err != nil {
			continue
		}
		why := invalidNow(leaf, now)
		if why == "" {
			continue
		}
		note := "it is served all the same"
		if files != nil {
			if served := validIn(files.contents, pair, now); served != nil {
				note = "the served one, valid until " + dayText(served.NotAfter) + ", is kept"
			}
		}
		notes = append(notes, fmt.Sprintf("certificate file %s %s; %s", pair.Cert, why, note))
	}
	return notes
}

// noteCertificates adds the notes about all units to a plan; Workers share files.
func (s *Supervisor) noteCertificates(told *ipc.Plan, units []*unit) {
	for _, u := range units {
		for _, note := range s.certificateNotes(u.spec) {
			if !slices.Contains(told.Notes, note) {
				told.Notes = append(told.Notes, note)
			}
		}
	}
}
