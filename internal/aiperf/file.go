package aiperf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ReadFile reads a regular file of at most MaxBytes. The error is a *FileError
// or the file system's.
func ReadFile(path string) ([]byte, error) { return readInto(nil, path) }

// readInto is ReadFile into a buffer, or into a new one if the file is larger.
func readInto(buffer []byte, path string) (data []byte, err error) {
	file, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if size > MaxBytes {
		return nil, &FileError{Path: path, Err: ErrTooLarge}
	}
	data = slices.Grow(buffer[:0], int(size))[:size]
	n, err := io.ReadFull(file, data)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF { // EOF: the file has become shorter
		return nil, fmt.Errorf("cannot read a result: %s: %w", path, err)
	}
	return data[:n], nil
}

// open opens a regular file. Without O_NONBLOCK it would wait for the writer of a FIFO.
func open(path string) (file *os.File, size int64, err error) {
	file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read a result: %w", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("cannot read a result: %w", err)
	case !info.Mode().IsRegular():
		err = &FileError{Path: path, Err: ErrNotFile}
	default:
		return file, info.Size(), nil
	}
	return nil, 0, errors.Join(err, file.Close())
}

// Decode reads the single JSON value in data into a pointer. It is strict: data is UTF-8, no
// object has a key twice, no text follows the value, and an int is a whole number that is not
// negative. It skips unknown keys. path is for errors, which are *FileError.
func Decode(path string, data []byte, into any) error { return DecodeWith(Counts, path, data, into) }

// Counts reads ints. Like each set of functions, it is made once: the library remembers in it
// which types it serves.
var Counts = json.UnmarshalFromFunc(readCount) // constant

// DecodeWith is Decode with functions for values of some types. They may include Counts.
func DecodeWith(functions *json.Unmarshalers, path string, data []byte, into any) error {
	if err := refuse(path, data); err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data))
	if err := json.UnmarshalDecode(dec, into, json.WithUnmarshalers(functions)); err != nil {
		return located(path, data, err)
	}
	return atEnd(path, data, dec.InputOffset())
}

// decodeMembers reads the single JSON object in data like Decode: each value for whose key
// place returns a pointer. It does not look for duplicate keys in the other values and among
// their keys, which halves the time of an export.
func decodeMembers(path string, data []byte, place func(key []byte) any) error {
	if err := refuse(path, data); err != nil {
		return err
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	counts := json.WithUnmarshalers(Counts)
	start, err := dec.ReadToken()
	if err == nil && start.Kind() != '{' {
		return &FileError{Path: path, Err: ErrType}
	}
	seen := map[string]bool{}
	var key []byte
	for err == nil && dec.PeekKind() != '}' {
		var value jsontext.Value
		if value, err = dec.ReadValue(); err != nil {
			break
		}
		key = unquoted(key[:0], value)
		end, into := dec.InputOffset(), place(key)
		if into != nil && seen[string(key)] {
			return &FileError{Path: path, Offset: end, Key: "/" + string(key), Err: ErrDuplicate}
		}
		if value, err = dec.ReadValue(); err != nil || into == nil {
			continue // without SkipValue, which takes half as long again
		}
		seen[string(key)] = true
		if err := json.Unmarshal(value, into, counts); err != nil {
			fault := located(path, value, err)
			fault.Offset += dec.InputOffset() - int64(len(value))
			fault.Key = "/" + string(key) + fault.Key
			return fault
		}
	}
	if err == nil {
		_, err = dec.ReadToken()
	}
	if err != nil {
		return located(path, data, err)
	}
	return atEnd(path, data, dec.InputOffset())
}

// unquoted appends the text of a JSON string that was read without an error.
func unquoted(buffer []byte, value jsontext.Value) []byte {
	text, _ := jsontext.AppendUnquote(buffer, value)
	return text
}

// refuse rejects bytes that the JSON library would name less clearly.
func refuse(path string, data []byte) error {
	switch {
	case len(data) > MaxBytes:
		return &FileError{Path: path, Err: ErrTooLarge}
	case len(bytes.TrimSpace(data)) == 0:
		return &FileError{Path: path, Err: ErrEmpty}
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return &FileError{Path: path, Err: ErrBOM}
	}
	return nil
}

// atEnd rejects text that follows the document, which ends at offset.
func atEnd(path string, data []byte, offset int64) error {
	rest := bytes.TrimLeft(data[offset:], " \t\r\n")
	switch {
	case len(rest) == 0:
		return nil
	case rest[0] == 0:
		return &FileError{Path: path, Offset: offset, Err: ErrNUL}
	}
	return &FileError{Path: path, Offset: offset, Err: ErrTrailing}
}

// readCount reads a whole number that is not negative; null is 0. Python may write 10 as
// 10.0, which a JSON library refuses as an int.
func readCount(dec *jsontext.Decoder, n *int) error {
	value, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if value.Kind() == 'n' {
		*n = 0
		return nil
	}
	f, err := strconv.ParseFloat(string(value), 64)
	switch {
	case value.Kind() != '0':
		return ErrType
	case f < 0:
		return ErrNegative
	case err != nil || f > math.MaxInt32:
		return ErrRange
	case f != math.Trunc(f):
		return ErrType
	}
	*n = int(f)
	return nil
}

// located turns an error of the JSON library into a *FileError. The cause, and the bytes where
// the library stopped, determine the fault.
func located(path string, data []byte, err error) *FileError {
	fault := &FileError{Path: path, Err: ErrType}
	if s, ok := errors.AsType[*json.SemanticError](err); ok {
		fault.Offset, fault.Key = s.ByteOffset, string(s.JSONPointer)
		switch {
		case errors.Is(err, ErrNegative):
			fault.Err = ErrNegative
		case errors.Is(err, ErrRange), errors.Is(err, strconv.ErrRange):
			fault.Err = ErrRange
		}
		return fault
	}
	if s, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		fault.Offset, fault.Key = s.ByteOffset, string(s.JSONPointer)
		err = s.Err
	}
	rest := data[min(fault.Offset, int64(len(data))):]
	number := bytes.TrimPrefix(rest, []byte("-")) // the library may stop behind the sign
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		fault.Err = ErrDuplicate
	case bytes.HasPrefix(rest, []byte{0}):
		fault.Err = ErrNUL
	case errors.Is(err, io.ErrUnexpectedEOF):
		fault.Err = ErrTruncated
	case bytes.HasPrefix(number, []byte("NaN")) || bytes.HasPrefix(number, []byte("Infinity")): // as Python writes them
		fault.Err = ErrNaN
	case !utf8.Valid(data):
		fault.Err = ErrEncoding
	default:
		fault.Err = fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	return fault
}

// MaxBytes limits the size of a file. An export has about 42 KB.
const MaxBytes = 64 << 20

// Faults of a file. A *FileError wraps each of them.
var (
	ErrEmpty     = errors.New("the file is empty; its writer was probably stopped")
	ErrTruncated = errors.New("the file ends in the middle; its writer was probably stopped")
	ErrTooLarge  = fmt.Errorf("the file is larger than %d MiB", MaxBytes>>20)
	ErrNotFile   = errors.New("it is not a regular file")
	ErrNUL       = errors.New("it contains NUL bytes; the disk was probably full or the machine lost power")
	ErrBOM       = errors.New("it starts with a byte order mark; save it as UTF-8 without one")
	ErrEncoding  = errors.New("it is not UTF-8")
	ErrSyntax    = errors.New("it is not JSON")
	ErrNaN       = errors.New("NaN and Infinity are not numbers")
	ErrRange     = errors.New("the number is out of range")
	ErrNegative  = errors.New("the number is negative")
	ErrDuplicate = errors.New("the key occurs twice")
	ErrTrailing  = errors.New("there is more text after the document")
	ErrType      = errors.New("the value is of the wrong type")
	ErrNoKey     = errors.New("the key is missing")
	ErrNoMetric  = errors.New("it is JSON, but contains no metric of aiperf")
	ErrNoResult  = errors.New("aiperf wrote no result (" + ExportName + "); its log has the reason")
)

// FileError is a fault of a file, with its place.
type FileError struct {
	Path   string
	Offset int64  // byte at or before the fault; 0 = the whole file
	Key    string // JSON pointer such as /request_count/avg, or ""
	Err    error  // one of the errors above, perhaps with a detail
}

func (e *FileError) Error() string {
	where := ""
	if e.Offset > 0 {
		where = fmt.Sprintf(" at byte %d", e.Offset)
	}
	if e.Key != "" {
		where += fmt.Sprintf(", key %q", e.Key)
	}
	return fmt.Sprintf("cannot use %s%s: %v", e.Path, where, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// MissingError reports that an export lacks a statistic: the metric is absent, or the
// statistic is absent or null.
type MissingError struct{ Path, Tag, Stat string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("cannot use %s: it has no %s of %s", e.Path, e.Stat, e.Tag)
}
