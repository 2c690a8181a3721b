package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
