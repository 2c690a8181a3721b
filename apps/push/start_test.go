package push

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workerman-go/wm/gateway"
	"github.com/workerman-go/wm/wmtest"
	"github.com/workerman-go/wm/worker"
)

const secret = "a token for the tests"

// start is the endpoint, and beside it a small cluster where the chat would be. Its
// clients say which uid and which group they want.
func start() {
	Start()
	register := gateway.NewRegister("text://127.0.0.1:1236")
	register.Name = "register"
	gate := gateway.New("text://127.0.0.1:7273")
	gate.Name = "gate"
	rooms := gateway.NewBusinessWorker()
	rooms.Name = "rooms"
	rooms.OnMessage = func(e *gateway.Event, message []byte) {
		uid, group, _ := strings.Cut(string(message), " ")
		gateway.BindUID(e.ClientID, uid)
		gateway.JoinGroup(e.ClientID, group)
		e.Send("you are " + e.ClientID)
	}
}

// endpoint is a running one, for requests.
type endpoint struct {
	t *testing.T
	s *wmtest.Service
}

func serve(t *testing.T) endpoint {
	t.Helper()
	t.Setenv("WM_PUSH_TOKEN", secret)
	return endpoint{t, wmtest.Run(t, start)}
}

// visit connects a client to the cluster.
func (e endpoint) visit(uid, group string) *wmtest.Client {
	e.t.Helper()
	c := e.s.Dial("gate")
	c.Send(uid + " " + group)
	c.Expect("you are " + e.idOf(uid))
	return c
}

// idOf asks the cluster who has just come.
func (e endpoint) idOf(uid string) (id string) {
	e.t.Helper()
	deadline := time.Now().Add(patience)
	for id == "" && time.Now().Before(deadline) {
		e.s.Do("push", func(*worker.Worker) {
			if ids, _ := gateway.ClientIDByUID(uid); len(ids) > 0 {
				id = ids[0]
			}
		})
	}
	return id
}

// ask sends a request; header is that of Authorization, none when it is empty.
func (e endpoint) ask(method, path, header, body string) (int, string, *http.Response) {
	e.t.Helper()
	req, err := http.NewRequest(method, "http://"+e.s.Addr("push")+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	if header != "" {
		req.Header.Set("Authorization", header)
	}
	client := http.Client{Timeout: 2 * patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return r.StatusCode, string(text), r
}

func (e endpoint) push(body string) (status int, answer string) {
	e.t.Helper()
	status, answer, _ = e.ask("POST", "/push", "Bearer "+secret, body)
	return status, answer
}

func TestPushReachesWhomItNames(t *testing.T) {
	e := serve(t)
	tom, ann := e.visit("tom", "tea"), e.visit("ann", "coffee")
	for _, c := range []struct {
		body   string
		text   string
		hears  []*wmtest.Client
		reason string
	}{
		{`{"to":"all","message":"hello"}`, "hello", []*wmtest.Client{tom, ann}, "all"},
		{`{"to":{"uid":"tom"},"message":"to tom"}`, "to tom", []*wmtest.Client{tom}, "uid"},
		{`{"to":{"group":"coffee"},"message":"cups"}`, "cups", []*wmtest.Client{ann}, "group"},
		{fmt.Sprintf(`{"to":{"client":%q},"message":"by id"}`, e.idOf("ann")), "by id",
			[]*wmtest.Client{ann}, "client"},
		{`{"to":{"uid":"tom"},"message":{"type": "x",` + "\n" + `"n": [1, 2]}}`,
			`{"type":"x","n":[1,2]}`, []*wmtest.Client{tom}, "JSON"},
		{`{"to":{"uid":"nobody"},"message":"lost"}`, "", nil, "nobody"},
		{`{"to":"all","message":"the end"}`, "the end", []*wmtest.Client{tom, ann}, "all"},
	} {
		if status, answer := e.push(c.body); status != 200 || answer != `{"ok":true}` {
			t.Errorf("%s: %d %s", c.reason, status, answer)
		}
		for _, client := range c.hears {
			client.Expect(c.text)
		}
	}
}

func TestOnlineCounts(t *testing.T) {
	e := serve(t)
	e.visit("tom", "tea")
	e.visit("ann", "tea")
	for path, want := range map[string]string{
		"/online":              `{"clients":2}`,
		"/online?group=tea":    `{"clients":2,"group":"tea"}`,
		"/online?group=coffee": `{"clients":0,"group":"coffee"}`,
		"/online?uid=tom":      `{"clients":1,"online":true,"uid":"tom"}`,
		"/online?uid=eve":      `{"clients":0,"online":false,"uid":"eve"}`,
	} {
		status, answer, r := e.ask("GET", path, "Bearer "+secret, "")
		if status != 200 || answer != want {
			t.Errorf("%s: %d %s, want %s", path, status, answer, want)
		}
		if got := r.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	e := serve(t)
	right := "Bearer " + secret
	for _, c := range []struct {
		method, path, header, body string
		want                       int
	}{
		{"POST", "/push", "", `{"to":"all","message":"x"}`, 401},
		{"POST", "/push", "Bearer wrong", `{"to":"all","message":"x"}`, 401},
		{"POST", "/push", "Bearer ", `{"to":"all","message":"x"}`, 401},
		{"POST", "/push", "Basic " + secret, `{"to":"all","message":"x"}`, 401},
		{"POST", "/push", right + "x", `{"to":"all","message":"x"}`, 401},
		{"GET", "/online", "", "", 401},
		{"GET", "/", right, "", 404},
		{"GET", "/pushy", "", "", 404},
		{"GET", "/push", right, "", 405},
		{"POST", "/online", right, "", 405},
		{"POST", "/push", right, "", 400},
		{"POST", "/push", right, "{", 400},
		{"POST", "/push", right, `{"to":"all","message":"x"} more`, 400},
		{"POST", "/push", right, `{"to":"all","message":"x","at":"noon"}`, 400},
		{"POST", "/push", right, `{"to":"all"}`, 400},
		{"POST", "/push", right, `{"to":"all","message":null}`, 400},
		{"POST", "/push", right, `{"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":"tom","message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":null,"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{"uid":7},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{"uid":""},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{"group":"0"},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{"client":"x"},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":{"uid":"a","group":"b"},"message":"x"}`, 400},
		{"POST", "/push", right, `{"to":["all"],"message":"x"}`, 400},
		{"POST", "/push", right, `"` + strings.Repeat("x", maxBodyBytes) + `"`, 413},
		{"GET", "/online?uid=a&group=b", right, "", 400},
		{"GET", "/online?uid=0", right, "", 400},
	} {
		what := c.method + " " + c.path + " " + fmt.Sprintf("%.60s", c.body)
		status, answer, r := e.ask(c.method, c.path, c.header, c.body)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(answer), &said); err != nil || said.Error == "" {
			t.Errorf("%s: the answer is %q", what, answer)
		}
		if status != c.want {
			t.Errorf("%s: %d %s, want %d", what, status, answer, c.want)
		}
		if (status == 401) != (r.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d with WWW-Authenticate %q", what, status, r.Header.Get("WWW-Authenticate"))
		}
		if (status == 405) != (r.Header.Get("Allow") != "") {
			t.Errorf("%s: %d with Allow %q", what, status, r.Header.Get("Allow"))
		}
	}
}

// Without a cluster nobody can be told anything, and the answer says so.
func TestNoClusterIsSaid(t *testing.T) {
	t.Setenv("WM_PUSH_TOKEN", secret)
	t.Setenv("WM_CHAT_REGISTER", "127.0.0.1:1") // nobody is there
	e := endpoint{t, wmtest.Run(t, Start)}
	for _, path := range []string{"/push", "/online"} {
		method := map[string]string{"/push": "POST", "/online": "GET"}[path]
		status, answer, _ := e.ask(method, path, "Bearer "+secret, `{"to":"all","message":"x"}`)
		if status != 502 || !strings.Contains(answer, `"error":`) {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

func TestGatewaysThatDoNotAnswerAreNamed(t *testing.T) {
	r := failure(&gateway.PartialError{Missing: []string{"10.0.0.7:2900", "10.0.0.8:2900"}})
	var said struct {
		Error   string
		Missing []string
	}
	if err := json.Unmarshal(r.Body, &said); err != nil {
		t.Fatal(err)
	}
	want := []string{"10.0.0.7:2900", "10.0.0.8:2900"}
	if r.Status != 502 || said.Error == "" || !slices.Equal(said.Missing, want) {
		t.Errorf("%d %s", r.Status, r.Body)
	}
}

func TestATokenIsMadeForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("WM_PUSH_TOKEN", "")
	t.Setenv("WM_PUSH_TOKEN_FILE", "")
	t.Setenv("WM_RUN_DIR", dir)
	e := endpoint{t, wmtest.Run(t, start)}
	path := filepath.Join(dir, "push.token")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.TrimSpace(string(text))
	if status, answer, _ := e.ask("GET", "/online", "bearer "+first, ""); status != 200 {
		t.Errorf("with the token of the file: %d %s", status, answer)
	}
	if again, err := token(); again != first || err != nil {
		t.Errorf("the second start has %q, %v, want %q", again, err, first)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestATokenThatOthersKnowIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	t.Setenv("WM_PUSH_TOKEN_FILE", path)
	for _, c := range []struct {
		env, file string
		mode      os.FileMode
	}{
		{"short", "", 0o600},
		{"", "short\n", 0o600},
		{"", secret + "\n", 0o640},
	} {
		t.Setenv("WM_PUSH_TOKEN", c.env)
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if got, err := token(); err == nil {
			t.Errorf("%+v gives the token %q", c, got)
		}
	}
	t.Run("and so is everybody then", func(t *testing.T) {
		e := endpoint{t, wmtest.Run(t, start)}
		for _, header := range []string{"", "Bearer ", "Bearer " + secret} {
			if status, answer, _ := e.ask("GET", "/online", header, ""); status != 503 {
				t.Errorf("%q: %d %s", header, status, answer)
			}
		}
	})
}

func TestMessageIsTextOrJSON(t *testing.T) {
	var got []string
	for _, message := range []string{`"a\nb"`, `7`, `true`, `[1, {"a" : "b c"}]`, `""`} {
		s, err := text(json.RawMessage(message))
		if err != nil {
			t.Errorf("%s: %v", message, err)
		}
		got = append(got, s)
	}
	if want := []string{"a\nb", "7", "true", `[1,{"a":"b c"}]`, ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
