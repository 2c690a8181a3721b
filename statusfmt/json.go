package statusfmt

import (
	"encoding/json"
	"io"

	"github.com/workerman-go/wm/ipc"
)

// connectionsDocument is what connections --json prints.
type connectionsDocument struct {
	Schema      int                 `json:"schema"`
	Connections []ipc.ConnectionRow `json:"connections"`
	Unlisted    []ipc.UnlistedRow   `json:"unlisted"`
}

// JSON writes the page of status --json: the snapshot as one indented object,
// ordered as the text is, with its schema version first. Lists are never
// null.
func JSON(w io.Writer, snap *ipc.Snapshot) error {
	doc := *snap
	doc.Schema = ipc.SchemaVersion
	doc.Workers = append([]ipc.WorkerRow{}, snap.Workers...)
	doc.Exits = append([]ipc.ExitRow{}, snap.Exits...)
	doc.Processes = append([]ipc.ProcessRow{}, sorted(snap)...)
	return encode(w, doc)
}

// ConnectionsJSON writes the page of connections --json, ordered as the text.
// Lists are never null.
func ConnectionsJSON(w io.Writer, rows []ipc.ConnectionRow, unlisted []ipc.UnlistedRow) error {
	return encode(w, connectionsDocument{
		Schema:      ipc.SchemaVersion,
		Connections: append([]ipc.ConnectionRow{}, byProcess(rows)...),
		Unlisted:    append([]ipc.UnlistedRow{}, unlisted...),
	})
}

func encode(w io.Writer, doc any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}
