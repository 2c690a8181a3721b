package http1

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSessionOfAStrangerIsNew(t *testing.T) {
	m := useMemory(t, nil)
	v := newVisitor(t)
	answer := v.visit(func(r *Request) {
		s := r.Session()
		if len(s.ID()) < 26 || r.SessionID() != s.ID() || len(s.All()) > 0 {
			t.Errorf("id %q, values %v", s.ID(), s.All())
		}
		s.Set("a", 1)
		v.send(t, "hello")
	})
	m.wantCalls(t, `write new {"a":1} 24m0s`)
	id := slices.Collect(maps.Keys(m.data))[0]
	want := "HTTP/1.1 200 OK\r\nSet-Cookie: PHPSID=" + id +
		"; Path=/; Max-Age=1440; HttpOnly; SameSite=Lax\r\nDate: "
	if !strings.HasPrefix(answer, want) {
		t.Errorf("answer %q, want %q...", answer, want)
	}
}

func TestSessionIDsOfTheClient(t *testing.T) {
	known := map[string]string{someID: `{"a":1}`}
	tests := []struct {
		name, lines string
		known       bool
	}{
		{"known", "Cookie: PHPSID=" + someID, true},
		{"in quotes", `Cookie: x=y; PHPSID="` + someID + `"; z="1"`, true},
		{"second line", "Cookie: x=y\r\nCOOKIE:PHPSID=" + someID, true},
		{"behind a bad one", "Cookie: PHPSID=bad; PHPSID=" + someID, true},
		{"without blanks", "Cookie: a=b;PHPSID=" + someID + ";c=d", true},
		{"other case", "Cookie: phpsid=" + someID, false},
		{"longer name", "Cookie: XPHPSID=" + someID, false},
		{"not in the store", "Cookie: PHPSID=" + strings.Repeat("e", 26), false},
		{"too short", "Cookie: PHPSID=" + someID[1:], false},
		{"too long", "Cookie: PHPSID=" + strings.Repeat("e", 257), false},
		{"path", "Cookie: PHPSID=../../../../../etc/passwd", false},
		{"underscore", "Cookie: PHPSID=abcdefghijklmno_", false},
		{"half quoted", `Cookie: PHPSID="` + someID, false},
		{"empty", "Cookie: PHPSID=", false},
		{"no value", "Cookie: PHPSID", false},
		{"no cookie", "Accept: PHPSID=" + someID, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			useMemory(t, known)
			v := newVisitor(t)
			answer := v.visit(func(r *Request) {
				if got := r.SessionID() == someID; got != tt.known {
					t.Errorf("session %s", r.SessionID())
				}
				r.Session().Set("b", 2)
				v.send(t, "x")
			}, tt.lines+"\r\n")
			if strings.Contains(answer, "Set-Cookie") == tt.known {
				t.Errorf("answer %q", answer)
			}
		})
	}
}

func TestRegenerateSession(t *testing.T) {
	for _, deleteOld := range []bool{false, true} {
		m := useMemory(t, map[string]string{someID: `{"a":1}`})
		v := newVisitor(t)
		answer := v.visit(func(r *Request) {
			r.Session().Set("b", 2)
			r.RegenerateSession(deleteOld)
			r.Session().Set("c", 3)
			if r.SessionID() == someID {
				t.Error("the id is still the old one")
			}
			v.send(t, "x")
		}, withCookie)
		old := []string{`write abcd {"a":1,"b":2} 24m0s`, "unlock abcd"}
		if deleteOld {
			old[0] = "destroy abcd"
		}
		m.wantCalls(t, append([]string{"lock abcd", "read abcd"},
			append(old, `write new {"a":1,"b":2,"c":3} 24m0s`)...)...)
		if strings.Count(answer, "Set-Cookie: PHPSID=") != 1 || strings.Contains(answer, someID) {
			t.Errorf("answer %q", answer)
		}
	}
}

func TestSetSessionID(t *testing.T) {
	const other = "elsewhere-elsewhere"
	m := useMemory(t, map[string]string{someID: `{"a":1}`, other: `{"x":1}`})
	v := newVisitor(t)
	answer := v.visit(func(r *Request) {
		r.Session().Set("a", 2)
		r.SetSessionID(other).Set("y", 2)
		if got := r.Session().All(); len(got) != 2 {
			t.Errorf("values %v", got)
		}
		wantPanic(t, "breaks the pattern", func() { r.SetSessionID("short") })
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "read else", `write abcd {"a":2} 24m0s`,
		"unlock abcd", "lock else", "read else", `write else {"x":1,"y":2} 24m0s`, "unlock else")
	if !strings.Contains(answer, "Set-Cookie: PHPSID="+other+";") {
		t.Errorf("answer %q", answer)
	}
}

func TestRefreshRenewsStoreAndCookie(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `{"a":1}`})
	visit := func(use func(r *Request)) {
		t.Helper()
		v := newVisitor(t)
		answer := v.visit(func(r *Request) { use(r); v.send(t, "x") }, withCookie)
		m.wantCalls(t, "lock abcd", "read abcd", "touch abcd 24m0s", "unlock abcd")
		if !strings.Contains(answer, "Set-Cookie: PHPSID="+someID+";") {
			t.Errorf("answer %q", answer)
		}
	}
	visit(func(r *Request) { r.Session().Refresh() })
	Sessions.AutoUpdateTimestamp = true
	visit(func(r *Request) { r.Session() })
}

func TestSessionCookieSettings(t *testing.T) {
	useMemory(t, nil)
	Sessions.Name, Sessions.Path, Sessions.Domain = "sid", "/app", "example.com"
	Sessions.Secure, Sessions.HTTPOnly, Sessions.SameSite = true, false, http.SameSiteStrictMode
	for lifetime, age := range map[time.Duration]string{
		0: "", -1: "", time.Hour: "; Max-Age=3600", time.Millisecond: "; Max-Age=1",
	} {
		Sessions.CookieLifetime = lifetime
		v := newVisitor(t)
		answer := v.visit(func(r *Request) { r.Session().Set("a", 1); v.send(t, "x") })
		_, cookie, _ := strings.Cut(answer, "Set-Cookie: sid=")
		cookie, _, _ = strings.Cut(cookie, "\r\n")
		_, got, _ := strings.Cut(cookie, ";")
		if want := " Path=/app; Domain=example.com" + age + "; Secure; SameSite=Strict"; got != want {
			t.Errorf("lifetime %v: %q, want %q", lifetime, got, want)
		}
	}
}

func TestSessionsThatAreNoJSONAreReplaced(t *testing.T) {
	m := useMemory(t, map[string]string{someID: `a|s:3:"php";`})
	v := newVisitor(t)
	v.visit(func(r *Request) {
		if r.SessionID() == someID {
			t.Error("the id was taken over")
		}
		v.send(t, "x")
	}, withCookie)
	m.wantCalls(t, "lock abcd", "read abcd", "unlock abcd")
}
