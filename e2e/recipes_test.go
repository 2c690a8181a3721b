package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// recipe is a block of commands of the page, and what it says that they print:
// "..." stands for anything within a line.
type recipe struct {
	line           int
	commands, want string
}

var recipeBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```\n(?:\n```\n(.*?)^```$)?")

func recipesOf(text string) []recipe {
	var all []recipe
	for _, at := range recipeBlock.FindAllStringSubmatchIndex(text, -1) {
		r := recipe{line: 1 + strings.Count(text[:at[0]], "\n"), commands: text[at[2]:at[3]]}
		if at[4] >= 0 {
			r.want = text[at[4]:at[5]]
		}
		all = append(all, r)
	}
	return all
}

// printed says whether a recipe printed what it should.
func (r recipe) printed(got string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(trimmed(r.want)), `\.\.\.`, `.*`)
	return regexp.MustCompile(`\A` + pattern + `\z`).MatchString(trimmed(got))
}

// trimmed is text as a person sees it.
func trimmed(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// The commands of the page, as they stand there, do what it says.
func TestRecipesOfTheGuide(t *testing.T) {
	t.Parallel()
	need(t, "curl", "curl")
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	env, config := []string{"E2E_GUIDE=1"}, "max-time = 20\nnoproxy = \"*\"\n"
	for _, port := range guidePorts(string(text)) {
		address := freeAddress(t)
		env = append(env, "E2E_GUIDE_"+port+"="+address)
		config += fmt.Sprintf("connect-to = \"127.0.0.1:%s:%s\"\n", port, address)
	}
	kitchen := t.TempDir()
	tmp := filepath.Join(kitchen, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(kitchen, ".curlrc"), config)
	s := newService(t, append(env, "TMPDIR="+tmp)...)
	s.private() // beside it are the files of its apps
	apps := filepath.Join(filepath.Dir(s.bin), "apps")
	if err := copyTree(filepath.Join(built.tree, "apps"), apps); err != nil {
		t.Fatal(err)
	}
	s.start()
	recipes := recipesOf(string(text))
	if len(recipes) < 20 {
		t.Fatalf("%d recipes only", len(recipes))
	}
	for _, r := range recipes {
		if out, err := r.cook(kitchen); err != nil || !r.printed(out) {
			t.Errorf("docs/http.md:%d: %v\n%s--- printed\n%s\n--- and not\n%s",
				r.line, err, r.commands, trimmed(out), r.want)
		}
	}
}

// cook runs the commands in a folder that the recipes share, where curl is
// configured to connect to the service under test.
func (r recipe) cook(kitchen string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-c", r.commands)
	cmd.Dir, cmd.WaitDelay = kitchen, eventLimit
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.Env = append(os.Environ(), "CURL_HOME="+kitchen, "TMPDIR="+filepath.Join(kitchen, "tmp"),
		"LC_ALL=C")
	var out, complaints lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := startCommand(cmd)
	if err == nil {
		err = waitCommand(cmd)
	}
	if err != nil {
		err = fmt.Errorf("%w: %s", err, complaints.String())
	}
	return out.String(), err
}
