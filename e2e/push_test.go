package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The commands of docs/push.md, as they stand there but for the ports, do what it
// says.
func TestRecipesOfPush(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	need(t, "nc", "netcat-openbsd")
	const page = "../docs/push.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	kitchen := t.TempDir()
	for _, dir := range []string{"tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(kitchen, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(kitchen, ".curlrc"), "max-time = 20\nnoproxy = \"*\"\n")
	a := newPushApps(t, "WM_PUSH_TOKEN_FILE="+filepath.Join(kitchen, "bin", "push.token"))
	a.start("--app", "chat,push")
	listener := newClient(t, a.chatText)
	listener.mustLine(t, `{"type":"ping"}`)

	ports := strings.NewReplacer("127.0.0.1:7274", a.endpoint,
		"127.0.0.1 7273", strings.Replace(a.chatText, ":", " ", 1))
	recipes := recipesOf(string(text))
	if len(recipes) < 6 {
		t.Fatalf("%d recipes only", len(recipes))
	}
	for _, r := range recipes {
		r.commands = ports.Replace(r.commands)
		if out, err := r.cook(kitchen); err != nil || !r.printed(out) {
			t.Errorf("%s:%d: %v\n%s--- printed\n%s\n--- and not\n%s",
				page, r.line, err, r.commands, trimmed(out), r.want)
		}
	}
	for _, want := range []string{"The kettle is on", "The backup is done"} {
		if line, err := listener.in.ReadString('\n'); !strings.Contains(line, want) {
			t.Errorf("a visitor gets %q, %v, want %q", line, err, want)
		}
	}
}

// A Gateway that hangs does not answer, and /online says which one it was.
func TestPushNamesTheGatewayThatHangs(t *testing.T) {
	t.Parallel()
	const token = "a token for this test"
	a := newPushApps(t, "WM_PUSH_TOKEN="+token)
	a.start("--app", "chat,push")
	online := func() (status int, missing []string) {
		req, err := http.NewRequest("GET", "http://"+a.endpoint+"/online", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		client := http.Client{Timeout: commandLimit}
		defer client.CloseIdleConnections()
		r, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		text, err := io.ReadAll(r.Body)
		var said struct{ Missing []string }
		if err == nil {
			err = json.Unmarshal(text, &said)
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return r.StatusCode, said.Missing
	}
	if status, _ := online(); status != 200 {
		t.Fatalf("the chat is not there: %d", status)
	}
	var pid int
	for _, p := range a.snapshot().Processes {
		if p.Worker == "ChatText" {
			pid = p.PID
		}
	}
	kill(t, pid, unix.SIGSTOP)
	defer kill(t, pid, unix.SIGCONT)
	var missing []string
	waitFor(t, eventLimit, "502", func() bool { // behind the news of that Gateway
		var status int
		status, missing = online()
		return status == 502
	})
	if want := fmt.Sprintf("[127.0.0.1:%d]", a.inner+50); fmt.Sprint(missing) != want {
		t.Errorf("missing %v, want %s", missing, want)
	}
}
