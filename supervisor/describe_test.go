package supervisor

import (
	"strings"
	"testing"
)

func TestLongLastWordsSayHowMuchIsLeftOut(t *testing.T) {
	text := indent(strings.TrimSuffix(strings.Repeat("line\n", maxQuoted+7), "\n"))
	lines := strings.Split(text, "\n")
	if len(lines) != maxQuoted+1 || lines[maxQuoted] != "    ... 7 more lines" {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}
