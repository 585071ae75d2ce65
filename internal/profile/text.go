package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxBytes bounds a profile before it is parsed: yaml.v3's time and memory grow with it.
const maxBytes = 1 << 20

const empty = "the profile is empty: it needs at least name, kind, engine, model and a worker"

// parse turns data into the root node of its one document. These faults hide
// all others, so there is one at most; its Source is left to the caller.
func parse(data []byte) (*yaml.Node, *Fault) {
	if fault := checkText(data); fault != nil {
		return nil, fault
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	document, err := next(decoder)
	switch {
	case errors.Is(err, io.EOF):
		return nil, faultAt(data, 0, empty)
	case err != nil:
		return nil, syntaxFault(data, err)
	}
	second, err := next(decoder)
	switch {
	case err == nil:
		return nil, &Fault{Line: second.Line, Column: second.Column,
			Text: "a second document begins here: a profile is one document, put the other into a file of its own"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFault(data, err)
	}
	root := document.Content[0]
	if isNull(root) {
		return nil, &Fault{Line: root.Line, Column: root.Column, Text: empty}
	}
	return root, nil
}

// next reads one document. yaml.v3 3.0.1 panics, instead of failing, where its parser meets an event it did not expect.
func next(decoder *yaml.Decoder) (document yaml.Node, err error) {
	defer func() {
		if trouble := recover(); trouble != nil {
			err = fmt.Errorf("yaml: %v", trouble)
		}
	}()
	err = decoder.Decode(&document)
	return document, err
}

// checkText refuses what yaml.v3 would quietly accept: UTF-16, a byte order mark, control
// characters. It reports the first only: the rest of such a file is noise.
func checkText(data []byte) *Fault {
	switch {
	case len(data) > maxBytes:
		return faultAt(data, 0, "the profile is larger than 1 MiB: is it the right file?")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return faultAt(data, 0, "the profile is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return faultAt(data, 0, "the profile begins with a byte order mark: save it as UTF-8 without BOM")
	}
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return faultAt(data, i, fmt.Sprintf("byte 0x%02x is not UTF-8: save the profile as UTF-8", data[i]))
		}
		if isControl(r) {
			return faultAt(data, i, fmt.Sprintf("control character %U: remove it", r))
		}
		i += size
	}
	return nil
}

// isControl: C0 and C1 but for tab and line ends, and DEL.
func isControl(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0
}

// faultAt turns a byte offset into line and column.
func faultAt(data []byte, offset int, text string) *Fault {
	before := data[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return &Fault{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1, Text: text}
}

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	parserText    = regexp.MustCompile(`^did not find expected (node content|'-' indicator|key|',' or|<)`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

const (
	badToken     = "found character that cannot start any token"
	badTokenHint = ": indent with spaces, not tabs, and quote text that begins with @, % or a backquote"
)

// syntaxFault places yaml.v3's error, which has a line without a column: none for the first line, none for an unknown
// anchor, and counted from 0 if it comes from the parser instead of the scanner (decode.go, parser.fail, in 3.0.1).
func syntaxFault(data []byte, err error) *Fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	offset := 0
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		offset = max(0, bytes.Index(data, []byte("*"+m[1])))
	}
	fault := faultAt(data, offset, "")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if line, err := strconv.Atoi(m[1]); err == nil {
			fault.Line, text = line, text[len(m[0]):]
		}
		if parserText.MatchString(text) {
			fault.Line++
		}
	}
	// The end of the file counts as a line of its own.
	fault.Line = min(fault.Line, bytes.Count(bytes.TrimRight(data, "\r\n"), []byte("\n"))+1)
	if text == badToken {
		text += badTokenHint
	}
	fault.Text = "not YAML: " + text
	return fault
}
