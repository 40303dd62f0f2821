package expression

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/builtin"
)

// builtins are the functions of expr that an expression may call. Each is a
// function of its arguments alone and makes nothing much larger than them;
// replace, repeat and join can, and are left out.
var builtins = []string{"len", "lower", "upper", "trim", "abs", "min", "max", "int", "float"}

// predicates are the functions of expr that take a condition. expr cannot
// switch them off; the sandbox does.
var predicates = []string{"any", "all", "none", "one", "count", "filter", "map"}

// own are the functions that this package adds.
var own = []string{"in_network", "split", "string"}

// disabledBuiltins are expr's functions that the parser must not know.
func disabledBuiltins() map[string]bool {
	disabled := map[string]bool{}
	for _, f := range builtin.Builtins {
		if !slices.Contains(builtins, f.Name) {
			disabled[f.Name] = true
		}
	}
	return disabled
}

// available lists every function for an error message.
func available() string {
	names := slices.Concat(builtins, predicates, own)
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// networks are the literal networks of one expression, by their text.
type networks map[string]netip.Prefix

// functions are the functions that this package adds, with the networks that
// the sandbox has checked.
func functions(nets networks) []expr.Option {
	return []expr.Option{
		expr.Function("in_network", nets.contain, new(func(string, string, ...string) bool)),
		expr.Function("split", split, new(func(string, string) []string)),
		expr.Function("string", toText, new(func(any) string)),
	}
}

// contain reports whether an address is in one of the networks. What is no
// address is in none, so that an absent one fails no rule.
func (nets networks) contain(args ...any) (any, error) {
	text, _ := args[0].(string)
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return false, nil
	}
	ip = ip.Unmap().WithZone("")
	for _, arg := range args[1:] {
		literal, _ := arg.(string)
		if nets[literal].Contains(ip) {
			return true, nil
		}
	}
	return false, nil
}

// parseNetwork reads a literal network. A set bit behind the prefix is a
// mistake more often than not, so it is refused with what was probably meant.
func parseNetwork(literal string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(literal); err == nil {
		return netip.Prefix{}, fmt.Errorf("network %q has no prefix length; write %q for the one address", literal, netip.PrefixFrom(ip, ip.BitLen()))
	}
	network, err := netip.ParsePrefix(literal)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no network; write it as in %q or %q", literal, "203.0.113.0/24", "2001:db8::/32")
	}
	if network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("network %q: addresses of this form are compared as IPv4; write it as IPv4", literal)
	}
	if network != network.Masked() {
		return netip.Prefix{}, fmt.Errorf("network %q has bits set behind its prefix; write %q", literal, network.Masked())
	}
	return network, nil
}

// maxParts bounds what split makes: expr does not count it against its budget.
const maxParts = 64

func split(args ...any) (any, error) {
	text, isText := args[0].(string)
	separator, isSeparator := args[1].(string)
	if !isText || !isSeparator {
		return nil, fmt.Errorf("split wants two texts, not %s and %s", typeName(args[0]), typeName(args[1]))
	}
	parts := strings.SplitN(text, separator, maxParts+1)
	if len(parts) > maxParts {
		return nil, fmt.Errorf("split would give more than %d parts", maxParts)
	}
	return parts, nil
}

// toText is string(…). expr's own writes what is absent as "<nil>" and a
// number of JSON as 1.234567e+06.
func toText(args ...any) (any, error) {
	switch value := args[0].(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int:
		return strconv.Itoa(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	case uint32:
		return strconv.FormatUint(uint64(value), 10), nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), nil
	}
	return nil, fmt.Errorf("string wants a text, a number, true or false; the value is %s", typeName(args[0]))
}
