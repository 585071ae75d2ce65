package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

// CampaignName is the file in a run's directory by which a later run continues its campaign.
const CampaignName = "campaign.json"

// campaignSchema is the version of the keys of campaign.json.
const campaignSchema = 1

// Campaign is campaign.json: the command that began a campaign, and what it read. A run that continues the campaign has
// a file of its own, with the same command.
type Campaign struct {
	Schema    int      `json:"schema" help:"version of the keys of this file, 1"`
	Continues string   `json:"continues,omitempty" help:"id of the first run of the campaign; absent in that run"`
	Number    int      `json:"continuation,omitempty" help:"1 in the first run that continues the campaign, and so on"`
	Args      []string `json:"args" help:"arguments of the command that began the campaign"`
	Directory string   `json:"directory" help:"its working directory"`
	Release   string   `json:"topobench" help:"version of topobench"`
	Profiles  []Source `json:"profiles" help:"the profiles of the command"`
}

// Source is a profile of a campaign.
type Source struct {
	Path     string `json:"path" help:"of the file, or built-in NAME"`
	SHA256   string `json:"sha256" help:"checksum of the file"`
	Text     string `json:"text" help:"the whole profile, without secrets"`
	Programs Values `json:"programs" help:"path of each program"`
}

// CampaignKeys are the keys of campaign.json, each with its meaning.
func CampaignKeys() [][2]string { return jsonKeys(reflect.TypeFor[Campaign](), "") }

// SourceOf is a profile with its checksum; public is its text without secrets.
func SourceOf(path, text, public string, programs Values) Source {
	return Source{Path: path, SHA256: Hash(text), Text: public, Programs: programs}
}

// Hash is the SHA-256 of a text, in hex.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// WriteCampaign writes the campaign.json of a run.
func (d *Dir) WriteCampaign(c Campaign) error {
	c.Schema = campaignSchema
	data, err := json.Marshal(c, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(d.path, CampaignName), append(data, '\n'), 0o600)
}

// ReadCampaign reads the campaign.json in the directory of a run.
func ReadCampaign(run string) (Campaign, error) {
	path := filepath.Join(run, CampaignName)
	var c Campaign
	data, err := aiperf.ReadFile(path)
	if err == nil {
		err = aiperf.Decode(path, data, &c)
	}
	if err == nil && c.Schema != campaignSchema {
		const fault = "cannot read %s: its schema is %d, and this topobench reads %d"
		err = fmt.Errorf(fault, path, c.Schema, campaignSchema)
	}
	return c, err
}

// Stored is the verdict in the sidecar of a published cell; ok is false if it has none.
func Stored(cell string) (v verdict.Verdict, ok bool) {
	checks, _, ok := readSidecar(filepath.Join(cell, SidecarName))
	return verdict.Sum(checks), ok
}

// Checksum is that of the two files of a published cell that a report is made of. An absent export is part of it; an
// absent cell is fs.ErrNotExist.
func Checksum(cell string) (string, error) {
	sum := sha256.New()
	for _, name := range []string{SidecarName, aiperf.ExportName} {
		data, err := os.ReadFile(filepath.Join(cell, name))
		if name == aiperf.ExportName && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", Cannot("read", cell, err)
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(data))
		sum.Write(data) // a hash does not fail
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
