package detectors

import "github.com/riskstream/riskstream/internal/wire"

// append writes both times, which are rare, as they are.
func (p *password) append(b []byte) []byte {
	b = wire.AppendHash32(b, uint32(p.changed))
	return wire.AppendHash32(b, uint32(p.listed))
}

func (p *password) decode(r *wire.Reader) {
	p.changed = seconds(r.Hash32())
	p.listed = seconds(r.Hash32())
}
