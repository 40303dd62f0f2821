package detectors

// named is a user by name, who can be told of what comes to light later.
type named struct {
	at   seconds
	len  uint8 // 0: an empty place
	name [maxName]byte
}

func (n *named) subject() string { return string(n.name[:n.len]) }

// addName notes a user in a list of fixed size, in which the newest stay. Too
// long a name is left out.
func addName(list []named, name string, at seconds) {
	if len(name) > maxName {
		return
	}
	oldest := &list[0]
	for i := range list {
		n := &list[i]
		if string(n.name[:n.len]) == name {
			n.at = max(n.at, at)
			return
		}
		if n.at < oldest.at {
			oldest = n
		}
	}
	if oldest.at > at {
		return
	}
	*oldest = named{at: at, len: uint8(len(name))}
	copy(oldest.name[:], name)
}

// forgetName takes a user out of a list, and reports whether the name was there.
func forgetName(list []named, subject string) (was bool) {
	for i := range list {
		if n := &list[i]; n.len != 0 && n.subject() == subject {
			*n, was = named{}, true
		}
	}
	return was
}
