package lang

import (
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"rein/pipelines/lang/diag"
)

// extraAttribute finds an attribute that a type doesn't have. The conversion would drop it silently, although somebody meant to set it.
func extraAttribute(v cty.Value, want cty.Type) error {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch {
	case want.IsObjectType():
		if !v.Type().IsObjectType() && !v.Type().IsMapType() {
			return nil
		}
		names := slices.Sorted(maps.Keys(want.AttributeTypes()))
		have := v.AsValueMap()
		for _, k := range slices.Sorted(maps.Keys(have)) {
			x := have[k]
			if !want.HasAttribute(k) {
				return fmt.Errorf("it has no %q.%s", k, diag.Suggest(k, "attributes", names))
			}
			if err := extraAttribute(x, want.AttributeType(k)); err != nil {
				return err
			}
		}
	case want.IsCollectionType() && !want.ElementType().IsPrimitiveType() && v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, x := it.Element()
			if err := extraAttribute(x, want.ElementType()); err != nil {
				return err
			}
		}
	}
	return nil
}
