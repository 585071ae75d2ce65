package result

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// object calls each for every key of the object that comes next; each reads
// exactly the value.
func (d *document) object(each func(key string) error) error {
	if err := d.open('{'); err != nil {
		return err
	}
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return d.syntax(err)
		}
		if err := each(name.String()); err != nil {
			return err
		}
	}
	return d.close()
}

// members is object without the keys whose value is null, which is how aiperf
// writes what it does not have.
func (d *document) members(each func(key string) error) error {
	return d.object(func(key string) error {
		if d.dec.PeekKind() == 'n' {
			return d.skip()
		}
		return each(key)
	})
}

// array calls each for every element of the array that comes next.
func (d *document) array(each func() error) error {
	if err := d.open('['); err != nil {
		return err
	}
	for d.dec.PeekKind() != ']' {
		if err := each(); err != nil {
			return err
		}
	}
	return d.close()
}

func (d *document) open(want jsontext.Kind) error {
	token, err := d.dec.ReadToken()
	if err != nil {
		return d.syntax(err)
	}
	if token.Kind() != want {
		return d.fault(ErrType)
	}
	return nil
}

func (d *document) close() error {
	if _, err := d.dec.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// skip reads a value as a whole, which is faster than token by token and checks
// as much.
func (d *document) skip() error {
	if _, err := d.dec.ReadValue(); err != nil {
		return d.syntax(err)
	}
	return nil
}

func (d *document) text() (string, error) {
	token, err := d.dec.ReadToken()
	if err != nil {
		return "", d.syntax(err)
	}
	if token.Kind() != '"' {
		return "", d.fault(ErrType)
	}
	return token.String(), nil
}

func (d *document) truth() (bool, error) {
	token, err := d.dec.ReadToken()
	if err != nil {
		return false, d.syntax(err)
	}
	if k := token.Kind(); k != 't' && k != 'f' {
		return false, d.fault(ErrType)
	}
	return token.Bool(), nil
}

func (d *document) number() (float64, error) {
	value, err := d.dec.ReadValue()
	if err != nil {
		return 0, d.syntax(err)
	}
	if value.Kind() != '0' {
		return 0, d.fault(ErrType)
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil { // the tokenizer has checked the syntax: only the range is left
		return 0, d.fault(ErrRange)
	}
	return f, nil
}

// count reads a whole number that is not negative. Python may write 10 as 10.0.
func (d *document) count() (int, error) {
	f, err := d.number()
	switch {
	case err != nil:
		return 0, err
	case f < 0:
		return 0, d.fault(ErrNegative)
	case f > math.MaxInt32:
		return 0, d.fault(ErrRange)
	case f != math.Trunc(f):
		return 0, d.fault(ErrType)
	}
	return int(f), nil
}

// fields reads an object into the variables of its keys: *string, *int,
// *bool, or a function that reads the value itself. Other keys are skipped;
// null is of the wrong type. All keys are noted in seen.
func (d *document) fields(into map[string]any, seen map[string]bool) error {
	return d.object(func(key string) (err error) {
		seen[key] = true
		switch v := into[key].(type) {
		case *string:
			*v, err = d.text()
		case *bool:
			*v, err = d.truth()
		case *int:
			*v, err = d.count()
		case func() error:
			err = v()
		default:
			err = d.skip()
		}
		return err
	})
}
