package result

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxBytes is the largest file that is read. An export is about 42 KB.
const MaxBytes = 64 << 20

// What can be wrong with a file. Each comes wrapped in a *FileError.
var (
	ErrEmpty     = errors.New("the file is empty; its writer was probably stopped")
	ErrTruncated = errors.New("the file ends in the middle; its writer was probably stopped")
	ErrTooLarge  = fmt.Errorf("the file is larger than %d MiB", MaxBytes>>20)
	ErrNotFile   = errors.New("it is not a regular file")
	ErrNUL       = errors.New("it holds NUL bytes; the disk was probably full or the machine lost power")
	ErrBOM       = errors.New("it starts with a byte order mark; save it as UTF-8 without one")
	ErrEncoding  = errors.New("it is not UTF-8")
	ErrSyntax    = errors.New("it is not JSON")
	ErrNaN       = errors.New("NaN and Infinity are not numbers")
	ErrRange     = errors.New("the number is out of range")
	ErrNegative  = errors.New("the number is negative")
	ErrDuplicate = errors.New("the key stands there twice")
	ErrTrailing  = errors.New("something follows the document")
	ErrType      = errors.New("the value is of the wrong type")
	ErrNoKey     = errors.New("the key is missing")
	ErrNoMetric  = errors.New("it is JSON, but holds no metric of aiperf")
	ErrNoResult  = errors.New("aiperf wrote no result (" + exportName + "); its log says why")
)

// FileError says what is wrong with a file and where.
type FileError struct {
	Path   string
	Offset int64  // byte at or before the fault; 0 if it is the whole file
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

// MissingError says that an export lacks a statistic: the metric is absent, or
// the statistic is absent or null.
type MissingError struct{ Path, Tag, Stat string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("cannot use %s: it has no %s of %s", e.Path, e.Stat, e.Tag)
}

// diagnose names the tokenizer's error by the bytes it stopped at.
func diagnose(data []byte, offset int64, err error) error {
	rest := data[min(offset, int64(len(data))):]
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return ErrDuplicate
	case bytes.HasPrefix(rest, []byte{0}):
		return ErrNUL
	case errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	case notNumber(rest):
		return ErrNaN
	case !utf8.Valid(data):
		return ErrEncoding
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		err = syntax.Err
	}
	return fmt.Errorf("%w: %w", ErrSyntax, err)
}

// notNumber recognises what Python's json module writes for a float that is
// not finite. The tokenizer may stop behind the sign.
func notNumber(rest []byte) bool {
	rest = bytes.TrimPrefix(rest, []byte("-"))
	return bytes.HasPrefix(rest, []byte("NaN")) || bytes.HasPrefix(rest, []byte("Infinity"))
}
