package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^):]*?)(?:#([^)]+))?\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noSlug  = regexp.MustCompile("[^a-z0-9 _-]")
)

func TestTheLinksOfThePagesLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, page := range append(pages, "README.md", "ARCHITECTURE.md", "examples/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		prose := fence.ReplaceAllString(string(text), "")
		for _, found := range link.FindAllStringSubmatch(prose, -1) {
			links++
			to := page
			if found[1] != "" {
				to = filepath.Join(filepath.Dir(page), found[1])
			}
			target, err := os.ReadFile(to)
			if err != nil && !isFolder(to) {
				t.Errorf("%s: %v", page, err)
			} else if found[2] != "" && !slices.Contains(slugs(string(target)), found[2]) {
				t.Errorf("%s: %s has no heading #%s", page, to, found[2])
			}
		}
	}
	if links < 100 {
		t.Errorf("found %d links only", links)
	}
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// slugs are the headings of a page as links name them.
func slugs(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		slug := noSlug.ReplaceAllString(strings.ToLower(h[1]), "")
		all = append(all, strings.ReplaceAll(slug, " ", "-"))
	}
	return all
}

// The other pages speak of more than wm, so that only names that begin as one of wm
// are looked up.
func TestTheNamesOfTheOtherPagesExist(t *testing.T) {
	api := readAPI(t)
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		prose := fence.ReplaceAllString(string(text), "")
		for _, quoted := range quote.FindAllStringSubmatch(prose, -1) {
			if foreign.MatchString(quoted[1]) {
				continue
			}
			for _, name := range dotted.FindAllStringSubmatch(quoted[1], -1) {
				if names++; api[name[1]] != nil && !api.has(name[1:]) {
					t.Errorf("%s: %s is no name of wm", page, name[0])
				}
			}
		}
	}
	if names < 200 {
		t.Errorf("found %d names only", names)
	}
}
