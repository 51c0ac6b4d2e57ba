package table

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
	"github.com/x448/float16"
)

// converter returns how the values of a leaf are written in JSON. It goes by the logical type, else by the older converted type, else by
// the physical type.
func converter(kind parquet.Kind, e format.SchemaElement) func(parquet.Value) any {
	if l := e.LogicalType.Value; l != nil {
		if c := byLogicalType(l); c != nil {
			return c
		}
	} else if e.ConvertedType.Valid {
		if c := byConvertedType(e.ConvertedType.V, int(e.Scale.V)); c != nil {
			return c
		}
	}
	switch kind {
	case parquet.Boolean:
		return func(v parquet.Value) any { return v.Boolean() }
	case parquet.Int32, parquet.Int64:
		return func(v parquet.Value) any { return integer(whole(v)) }
	case parquet.Int96:
		return func(v parquet.Value) any { return int96Time(v.Int96()) }
	case parquet.Float:
		return func(v parquet.Value) any { return number(float64(v.Float()), 32) }
	case parquet.Double:
		return func(v parquet.Value) any { return number(v.Double(), 64) }
	}
	return func(v parquet.Value) any { return string(v.ByteArray()) }
}

func byLogicalType(logical format.LogicalTypeValue) func(parquet.Value) any {
	switch l := logical.(type) {
	case *format.TimestampType:
		if l.Unit.Value != nil {
			return timestamps(l.Unit.Value.Duration())
		}
	case *format.TimeType:
		if l.Unit.Value != nil {
			return timesOfDay(l.Unit.Value.Duration())
		}
	case *format.DateType:
		return date
	case *format.DecimalType:
		return func(v parquet.Value) any { return decimal(v, int(l.Scale)) }
	case *format.IntType:
		if !l.IsSigned {
			return unsigned
		}
	case *format.Float16Type:
		return func(v parquet.Value) any {
			b := v.ByteArray()
			if len(b) != 2 {
				return nil
			}
			return number(float64(float16.Frombits(binary.LittleEndian.Uint16(b)).Float32()), 32)
		}
	case *format.UUIDType:
		return func(v parquet.Value) any {
			h := hex.EncodeToString(v.ByteArray())
			if len(h) != 32 {
				return h
			}
			return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
		}
	}
	return nil
}

func byConvertedType(t deprecated.ConvertedType, scale int) func(parquet.Value) any {
	switch t {
	case deprecated.TimestampMillis:
		return timestamps(time.Millisecond)
	case deprecated.TimestampMicros:
		return timestamps(time.Microsecond)
	case deprecated.TimeMillis:
		return timesOfDay(time.Millisecond)
	case deprecated.TimeMicros:
		return timesOfDay(time.Microsecond)
	case deprecated.Decimal:
		return func(v parquet.Value) any { return decimal(v, scale) }
	case deprecated.Date:
		return date
	case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
		return unsigned
	}
	return nil
}

func integer(n int64) any { return json.Number(strconv.FormatInt(n, 10)) }

// whole returns an integer of either width.
func whole(v parquet.Value) int64 {
	if v.Kind() == parquet.Int32 {
		return int64(v.Int32())
	}
	return v.Int64()
}

func unsigned(v parquet.Value) any {
	if v.Kind() == parquet.Int32 {
		return json.Number(strconv.FormatUint(uint64(uint32(v.Int32())), 10))
	}
	return json.Number(strconv.FormatUint(uint64(v.Int64()), 10))
}

func timestamps(unit time.Duration) func(parquet.Value) any {
	perSecond := int64(time.Second / unit)
	return func(v parquet.Value) any {
		n := whole(v)
		return time.Unix(n/perSecond, n%perSecond*int64(unit)).UTC().Format(time.RFC3339Nano)
	}
}

func timesOfDay(unit time.Duration) func(parquet.Value) any {
	return func(v parquet.Value) any {
		return time.Unix(0, whole(v)*int64(unit)).UTC().Format("15:04:05.999999999")
	}
}

func date(v parquet.Value) any {
	return time.Unix(whole(v)*24*60*60, 0).UTC().Format(time.DateOnly)
}

// int96Time converts a time as Impala and old Spark versions write it: nanoseconds within the day, and the Julian day.
func int96Time(v deprecated.Int96) any {
	const unixDay = 2440588
	nanos := int64(v[1])<<32 | int64(v[0])
	return time.Unix((int64(v[2])-unixDay)*24*60*60, nanos).UTC().Format(time.RFC3339Nano)
}

// decimal converts a number with a fixed number of digits after the point. It is stored as an integer, or as big-endian bytes in two's
// complement.
func decimal(v parquet.Value, scale int) any {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32, parquet.Int64:
		n.SetInt64(whole(v))
	default:
		b := v.ByteArray()
		n.SetBytes(b)
		if len(b) > 0 && b[0]&0x80 != 0 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
	}
	digits := []byte(n.Text(10))
	if scale <= 0 {
		return json.Number(digits)
	}
	sign := 0
	if n.Sign() < 0 {
		sign = 1
	}
	for len(digits)-sign <= scale {
		digits = slices.Insert(digits, sign, '0')
	}
	return json.Number(slices.Insert(digits, len(digits)-scale, '.'))
}

// noNumber is what number returns for NaN and Infinity.
type noNumber struct{}

// number returns a float as a JSON number. JSON has no NaN, which data frames use for a missing value.
func number(x float64, bits int) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return noNumber{}
	}
	return json.Number(strconv.FormatFloat(x, 'f', -1, bits))
}
