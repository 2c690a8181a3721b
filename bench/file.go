package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/workerman-go/wm/bench/load"
)

// page is a file that is fetched again and again.
type page struct {
	name    string // of the rows
	path    string // in the address, and below the directory of files
	size    int
	clients int
}

var (
	largePage = page{"file 1 MiB", "/large.bin", 1 << 20, 8}
	smallPage = page{"file 4 KiB", "/small.bin", 4 << 10, clients}
)

func (p page) row() string { return fmt.Sprintf("%s, %d connections", p.name, p.clients) }

func (p page) nginxRow() string { return "nginx, " + p.row() }

// content is bytes that are not all the same.
func (p page) content() []byte {
	const line = "All work and no play makes a server dull.\n"
	return bytes.Repeat([]byte(line), p.size/len(line)+1)[:p.size]
}

// fileRow fetches p from the server, nginxFileRow from nginx.
func fileRow(p page, must ...bar) row {
	return row{kind: "file", name: p.row(), workers: []string{"file"}, must: must,
		tell: throughput(p.size), measure: func(l *lab) (sample, error) {
			to, err := l.server.target("file")
			if err != nil {
				return sample{}, err
			}
			return l.fetch(to, p)
		}}
}

func nginxFileRow(p page) row {
	return row{kind: "file", name: p.nginxRow(),
		tell: throughput(p.size), measure: func(l *lab) (sample, error) {
			to, err := l.nginxTarget()
			if err == errNoNginx {
				return sample{skipped: err.Error()}, nil
			}
			if err != nil {
				return sample{}, err
			}
			return l.fetch(to, p)
		}}
}

func (l *lab) fetch(from target, p page) (sample, error) {
	talk, err := load.File(from.address, p.path, p.content())
	if err != nil {
		return sample{}, err
	}
	return l.window(from, load.Window{Talk: talk, Speakers: p.clients, InFlight: 1})
}

// files is the directory that both serve from.
func (l *lab) files() string { return filepath.Join(l.dir, "files") }

func (l *lab) writeFiles() error {
	if err := os.Mkdir(l.files(), 0o755); err != nil {
		return err
	}
	for _, p := range []page{largePage, smallPage} {
		if err := os.WriteFile(filepath.Join(l.files(), p.path), p.content(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// throughput tells how many bytes of files went over in a second.
func throughput(size int) func(figures, map[string]figures) string {
	return func(f figures, _ map[string]figures) string {
		return fmt.Sprintf("%.2f GiB/s", f.median*float64(size)/(1<<30))
	}
}
