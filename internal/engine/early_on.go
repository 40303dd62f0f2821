//go:build negativecontrol

package engine

// commitsEarly makes the worker commit what it has read before it has processed
// it: the mistake that fault tests must find. Nobody runs such a binary but the
// negative control of package torture.
const commitsEarly = true

// commitAhead commits the end of what was read. w.mu is held.
func (w *worker) commitAhead() error {
	at := map[*lanePartition]int64{}
	for i := range w.batch.records {
		record := &w.batch.records[i]
		if p := w.partitions[record.partition]; p != nil && p.ready && record.offset >= p.next {
			if _, known := at[p]; !known {
				at[p] = p.next
			}
			if err := w.tx.begin(); err != nil {
				return err
			}
			p.next, p.changed = record.offset+1, true
		}
	}
	if err := w.tx.finish(); err != nil || w.rewind {
		return err
	}
	for p, next := range at {
		p.next = next
	}
	return nil
}
