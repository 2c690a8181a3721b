package http1

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Session ids and the cookie that carries them.

const minSessionID, maxSessionID = 16, 256

// validSessionID is the rule of features.md 29.3.
func validSessionID[T string | []byte](id T) bool {
	if len(id) < minSessionID || len(id) > maxSessionID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == ',', c == '-':
		default:
			return false
		}
	}
	return true
}

// newSessionID has 130 random bits.
func newSessionID() string { return rand.Text() }

// sessionID is the first valid id that the client has sent, "" when there is
// none. Quotes around it do not count.
func (r *Request) sessionID(name string) (id string) {
	r.eachCookie(func(key, value []byte) bool {
		if string(key) != name {
			return true
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = value[1 : n-1]
		}
		if validSessionID(value) {
			id = string(value)
		}
		return id == ""
	})
	return id
}

// Cookie is what tells the client the id, for an answer that is not sent by the
// protocol: c.ReplyHeader().Add("Set-Cookie", s.Cookie().String()) in
// OnWebSocketConnect. Answers to http requests have it where it is needed.
func (s *Session) Cookie() *http.Cookie {
	k := s.keep
	c := &http.Cookie{
		Name: k.Name, Value: s.id, Path: k.Path, Domain: k.Domain,
		Secure: k.Secure, HttpOnly: k.HTTPOnly, SameSite: k.SameSite,
	}
	if k.CookieLifetime > 0 {
		c.MaxAge = max(int(k.CookieLifetime/time.Second), 1)
	}
	return c
}

// insertCookie puts the header line behind the status line of the answer that
// begins at start.
func insertCookie(answer []byte, start int, c *http.Cookie) []byte {
	end := bytes.Index(answer[start:], crlf)
	if end < 0 {
		return answer
	}
	line := []byte("Set-Cookie: " + c.String() + "\r\n")
	return slices.Insert(answer, start+end+len(crlf), line...)
}

// Session is the session of the client, a new one if it has none. A session id that the
// store does not know, or that breaks the pattern, is not taken over: the
// client cannot choose its id, nor can somebody else for it.
//
// Session panics with a *SessionUnavailable when the session could not be read or
// locked, which is answered 500 like every panic, and with a text when the request
// was answered. It blocks, and takes no lock, in two cases: in OnWebSocketConnect,
// and where Sessions.For has said no.
func (r *Request) Session() *Session {
	v := r.visiting()
	v.used = true
	if v.current == nil {
		v.current = v.readNow(r.sessionID(v.keep.Name))
	}
	if v.current.err != nil {
		panic(&SessionUnavailable{v.current.err})
	}
	return v.current
}

// SessionID is Session().ID().
func (r *Request) SessionID() string { return r.Session().ID() }

// SetSessionID makes the session with this id that of the client (features.md 29.9): it is
// read now, which blocks, and its changes are stored on top of what others store.
// What was changed in the session before is stored as well. An id that
// breaks the pattern of 16 to 256 letters, digits, commas and hyphens is a panic.
func (r *Request) SetSessionID(id string) *Session {
	if !validSessionID(id) {
		panic(fmt.Sprintf("http1: SetSessionID(%.40q): the id breaks the pattern", id))
	}
	v := r.visiting()
	v.used = true
	s := v.readID(id)
	if s.err != nil {
		panic(&SessionUnavailable{s.err})
	}
	s.named = true
	v.replace(s)
	return s
}

// RegenerateSession gives the session a new id, which belongs behind each login, and
// deletes what is stored under the old one if told so (features.md 29.10); without, the old
// one stays as it is stored, with what this request has changed.
func (r *Request) RegenerateSession(deleteOld bool) {
	old := r.Session()
	v := r.visit
	s := v.newSession()
	for key, data := range old.values {
		s.note(key)
		if s.values == nil {
			s.values = keptValues{}
		}
		s.values[key] = data
	}
	if deleteOld {
		old.Flush()
	}
	v.replace(s)
}
