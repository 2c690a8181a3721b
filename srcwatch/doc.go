// Package srcwatch tells when the source of a Go module has changed: the files
// that a build of it reads, and nothing else.
//
// A Watcher knows the contents of the files by their digests. The kernel
// (inotify), or where it tells nothing a look at the files every second, only
// says that something may have happened. When the writes have calmed down, all
// files are looked at, and those that read otherwise than before are reported:
//
//	hint (notify.go, poll.go) ─> calm (watcher.go) ─> look (scan.go) ─> changed paths
//
// So nothing depends on which events an editor causes, a file that is written
// again with the same bytes is no change, and events that were lost cost a look.
//
// It counts what the go tool compiles (names.go) and what //go:embed lines name
// (embed.go). Tests, hidden files, and what an app reads by itself do not count.
//
// The package runs in the watcher, a process of the command line; a Watcher
// belongs to one goroutine.
package srcwatch
